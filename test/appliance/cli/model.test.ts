import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listAudit } from "../../../appliance/store/audit.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { makeSmallNetworks } from "../../models/import/small-networks.ts";
import { type TemporaryFolder, temporaryFolder } from "../../peers/folder.ts";
import { type Finished, run, start } from "../../peers/process.ts";

const main = join(import.meta.dirname, "../../../appliance/cli/main.ts");
const model = (...args: readonly string[]): Promise<Finished> => run(process.execPath, [main, "model", ...args]);
const body = "Dataset299_body_1559subj";
let weights: TemporaryFolder;

before(async () => {
  weights = await temporaryFolder("weights");
  await makeSmallNetworks(weights.path, [{ name: body, labels: ["body_trunc", "body_extremities"] }]);
});
after(async () => await weights[Symbol.asyncDispose]());

test("segbox model import makes a model that segbox model list shows, and notes it in the audit trail", async () => {
  await using data = await temporaryFolder("data");
  (await openDatabase(join(data.path, "segbox.sqlite"), 0)).close();
  const { code, stdout, stderr } = await model("import", "--from", weights.path, "--data", data.path);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^body: 1 network, 2 labels, 0\.\d MB in .*\/models\/body$/m);
  assert.match(stdout, /^imported in \d+\.\d s; `segbox model activate NAME` finds/m);
  const listed = await model("list", "--data", data.path);
  assert.match(listed.stdout, /^body +weights-[0-9a-f]{12} +2 labels +0 MB +main \(fp32\)$/m);
  assert.match(listed.stdout, /^reference +\S+ +5 labels/m);
  const database = await openDatabase(join(data.path, "segbox.sqlite"), 0);
  assert.deepEqual(
    listAudit(database, 10).map(({ action, object }) => [action, object]),
    [["model-imported", "model:body"]],
  );
  database.close();
});

test("segbox model import refuses in one line, with exit code 1", async () => {
  await using data = await temporaryFolder("data");
  await writeFile(join(data.path, "x.zip"), "no archive");
  const { code, stdout, stderr } = await model("import", "--from", join(data.path, "x.zip"), "--data", data.path);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(stderr, "segbox: x.zip is not a readable archive: it has no directory, so it is cut off or no zip file\n");
});

test("an import that is killed leaves no model, and the next one is whole", async () => {
  await using data = await temporaryFolder("data");
  await using running = start(process.execPath, [main, "model", "import", "--from", weights.path, "--data", data.path]);
  // Somewhere between the first file and the last step.
  while (
    running.isRunning &&
    !(await readdir(join(data.path, "models/.importing")).catch(() => [])).some((name) => name.startsWith("body."))
  )
    await sleep(1);
  running.kill("SIGKILL");
  await running.exited;
  assert.deepEqual(await readdir(join(data.path, "models")), [".importing"]);
  assert.doesNotMatch((await model("list", "--data", data.path)).stdout, /^body/m);
  assert.equal((await model("import", "--from", weights.path, "--data", data.path)).code, 0);
  assert.deepEqual(await readdir(join(data.path, "models")), ["body"]);
});

test("segbox model list --catalogue says what can be imported, and what can't and why", async () => {
  const { stdout } = await model("list", "--catalogue");
  assert.match(stdout, /^total +117 labels +1\.5 x 1\.5 x 1\.5 mm +291 292 293 294 295$/m);
  assert.match(stdout, /^total_mr +50 labels .* for MR images$/m);
  assert.match(stdout, /^tissue_types +3 labels .* needs a licence of its authors$/m);
});

test("segbox model card writes the card as PDF, of an imported model too, and refuses what is none", async () => {
  await using folder = await temporaryFolder("card");
  const [data, file] = [join(folder.path, "data"), join(folder.path, "card.pdf")];
  assert.equal((await model("import", "--from", weights.path, "--data", data)).code, 0);
  const { code, stdout, stderr } = await model("card", "body", "--pdf", file, "--data", data);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /card\.pdf: body weights-[0-9a-f]{12}$/m);
  const text = (await run("pdftotext", ["-layout", file, "-"])).stdout;
  assert.match(text, /main: fp32 on cpu \(main\/fp32\.onnx\)/);
  assert.match(text, /No INT8 form was judged/);
  const missing = await model("card", "nowhere", "--pdf", file);
  assert.deepEqual([missing.code, missing.stderr], [1, "segbox: there is no model nowhere here\n"]);
  assert.equal((await model("card", "body", "--data", data)).code, 2);
});

test("segbox model fetch says what it would download, and downloads nothing unless told", async () => {
  await using folder = await temporaryFolder("fetch");
  const { code, stdout } = await model("fetch", "total", "--to", folder.path);
  assert.equal(code, 0);
  const [first, ...rest] = stdout.trim().split("\n");
  assert.equal(
    first,
    "https://github.com/wasserth/TotalSegmentator/releases/download/v2.0.0-weights/Dataset291_TotalSegmentator_part1_organs_1559subj.zip",
  );
  assert.equal(rest.length, 6);
  assert.match(stdout, /no digest is published/);
  assert.match(stdout, /nothing was downloaded: say --yes/);
  assert.deepEqual(await readdir(folder.path), []);
  const refused = await model("fetch", "tissue_types", "--to", folder.path);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /tissue_types is not open/);
});

test("segbox model fetch --yes downloads, records digests, refuses a changed archive, and can be imported", async () => {
  await using folder = await temporaryFolder("fetch");
  const mirror = join(folder.path, "mirror/v2.0.0-weights");
  await mkdir(mirror, { recursive: true });
  const pack = (from: string): Promise<Finished> =>
    run("/usr/bin/python3", ["-m", "zipfile", "-c", join(mirror, `${body}.zip`), from], { cwd: folder.path });
  await cp(join(weights.path, body), join(folder.path, body), { recursive: true });
  assert.equal((await pack(body)).code, 0);
  await using server = await serveFiles(join(folder.path, "mirror"));
  const to = join(folder.path, "to");
  const fetched = await model("fetch", "body", "--to", to, "--mirror", server.url, "--yes");
  assert.equal(fetched.code, 0, fetched.stderr);
  assert.match(fetched.stdout, /SHA-256 [0-9a-f]{64}/);
  assert.deepEqual((await readdir(to)).sort(), [body, "fetched.json"]);
  const record = JSON.parse(await readFile(join(to, "fetched.json"), "utf8"));
  assert.match(record[`${server.url}/v2.0.0-weights/${body}.zip`].sha256, /^[0-9a-f]{64}$/);
  assert.equal((await model("import", "--from", to, "--data", join(folder.path, "data"))).code, 0);

  await writeFile(join(folder.path, body, "extra"), "");
  assert.equal((await pack(body)).code, 0);
  const changed = await model("fetch", "body", "--to", to, "--mirror", server.url, "--yes");
  assert.equal(changed.code, 1);
  assert.match(changed.stderr, /expected SHA-256 [0-9a-f]{64} as fetched before, found/);
  await rm(mirror, { recursive: true });
  const gone = await model("fetch", "body", "--to", to, "--mirror", server.url, "--yes");
  assert.match(gone.stderr, /can't be downloaded: HTTP 404/);
});

/** A plain file server on loopback. */
async function serveFiles(root: string): Promise<AsyncDisposable & { readonly url: string }> {
  const server: Server = createServer((request, response) => {
    readFile(join(root, request.url ?? "")).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
