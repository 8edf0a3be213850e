import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import type { Device } from "../../appliance/api/device.ts";
import { paths } from "../../appliance/api/paths.ts";
import type { SeriesSummary } from "../../appliance/api/series.ts";
import { listKeptAudit } from "../../appliance/store/audit.ts";
import { Database } from "../../appliance/store/database.ts";
import { listNodes } from "../../appliance/store/settings.ts";
import { makeCtSeries } from "../make/ct-series.ts";
import { dcmsend, startStorescp, storescu } from "../peers/dcmtk.ts";
import { eventually } from "../peers/eventually.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { type Finished, run, start } from "../peers/process.ts";
import { cli, exampleCt, isDelivered, password, startBox } from "./box.ts";

const passphrase = "seven grey herons wait upstream";
const segbox = (args: readonly string[], input?: string): Promise<Finished> =>
  run(process.execPath, [cli, ...args], { timeoutMs: 240_000, ...(input !== undefined && { input }) });
const restore = (file: string, data: string, secret = passphrase) =>
  segbox(["restore", file, "--data", data, "--passphrase-stdin"], `${secret}\n`);

/** A service over HTTPS on a data folder that has its settings already. */
async function startAgain(data: string) {
  const running = start(process.execPath, [cli, "serve", "--data", data]);
  const [line] = await running.waitForLine(/^\{"event":"listening".*/, 60_000);
  const { dicomPort, httpPort } = JSON.parse(line) as { dicomPort: number; httpPort: number };
  return { running, dicomPort, httpPort };
}

/** A request of the page, whose own certificate nobody vouches for; with the SHA-256 of the certificate shown. */
function ask<T>(port: number, path: string, { cookie, body }: { cookie?: string; body?: object } = {}) {
  return new Promise<{ status: number; cookie: string; certificate: string; json: T }>((resolve, reject) => {
    const headers = {
      origin: `https://localhost:${port}`,
      ...(cookie !== undefined && { cookie }),
      ...(body && { "content-type": "application/json" }),
    };
    const method = body ? "POST" : "GET";
    const asking = request({ host: "localhost", port, path, method, headers, rejectUnauthorized: false, agent: false }, (answer) => {
      const { fingerprint256 } = (answer.socket as import("node:tls").TLSSocket).getPeerCertificate();
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () => {
        const text = Buffer.concat(pieces).toString("utf8");
        const [set = ""] = answer.headers["set-cookie"] ?? [];
        resolve({
          status: answer.statusCode!,
          cookie: set.split(";")[0]!,
          certificate: fingerprint256,
          json: (text ? JSON.parse(text) : null) as T,
        });
      });
    });
    asking.on("error", reject);
    asking.end(body && JSON.stringify(body));
  });
}

const signIn = (port: number, secret = password) => ask(port, paths.session, { body: { name: "tester", password: secret } });

test("a box is backed up while it receives, and goes on elsewhere from that one file", async () => {
  await using folder = await temporaryFolder("backed-up");
  const [data, backups, elsewhere] = ["data", "backups", "elsewhere"].map((name) => join(folder.path, name)) as [string, string, string];
  for (const path of [backups, elsewhere]) await mkdir(path);
  await using pacs = await startStorescp({ aeTitle: "PACS" });
  const tokenFile = join(elsewhere, "token");
  await writeFile(tokenFile, "of the archive\n", { mode: 0o600 });
  const settings = {
    data,
    pacs: { aeTitle: "PACS", dicomPort: pacs.port },
    nodes: [{ name: "archive", aeTitle: "ARCHIVE", dicomweb: { url: "http://127.0.0.1:9/dicom-web", tokenFile } }],
    backup: { folder: backups, mustBeMounted: false, keep: 2 },
  };

  // 1. A box with a past: a user, nodes, a delivered result, an audit trail with signed heads
  {
    await using box = await startBox(settings);
    assert.equal((await box.get<Device>(paths.device)).backup.state, "late", "none was made yet");
    assert.equal((await segbox(["backup", "now", "--data", data])).code, 1, "not without a passphrase");
    assert.equal((await box.get<Device>(paths.device)).backup.state, "failed");
    const { statuses } = await dcmsend({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: box.aeTitle, paths: [exampleCt] });
    assert.equal(statuses.length, 20);
    await box.seriesWhen(isDelivered);
    const set = await segbox(["backup", "passphrase", "--data", data, "--passphrase-stdin"], `${passphrase}\n`);
    assert.deepEqual([set.code, set.stderr], [0, ""]);
    assert.ok(!(await readFile(join(data, "segbox.sqlite"))).includes(passphrase));
  }
  const site = JSON.parse(await readFile(join(data, "site.json"), "utf8")) as { http: object; dicom: object };
  await writeFile(
    join(data, "https.json"),
    JSON.stringify({ ...site, http: { port: 0, names: ["localhost"] }, dicom: { ...site.dicom, quietSeconds: 600 } }),
  );

  // 2. Backed up three times while images come
  const running = start(process.execPath, [cli, "serve", "--data", data, "--provision", join(data, "https.json")]);
  const [line] = await running.waitForLine(/^\{"event":"listening".*/, 60_000);
  const { dicomPort, httpPort } = JSON.parse(line) as { dicomPort: number; httpPort: number };
  const before = await signIn(httpPort);
  assert.equal(before.status, 200);
  const images = join(folder.path, "images");
  await mkdir(images);
  let sent = 0;
  let isOver = false;
  const sending = (async () => {
    for (let n = 0; !isOver; n++) {
      const series = makeCtSeries({ name: `sent ${n}`, dims: [128, 128, 12] });
      for (const [k, { bytes }] of series.entries()) await writeFile(join(images, `${k}.dcm`), bytes);
      const { statuses } = await storescu({ port: dicomPort, callingAeTitle: "CT1", calledAeTitle: "SEGBOX", paths: [images] });
      assert.deepEqual(new Set(statuses), new Set(["0000"]), "nobody waits for a backup");
      sent += statuses.length;
    }
  })();
  await eventually(async () => sent >= 24 || undefined, 120_000);
  for (let n = 0; n < 3; n++) {
    const made = await segbox(["backup", "now", "--data", data]);
    assert.deepEqual([made.code, made.stderr], [0, ""]);
    assert.match(made.stdout, /^wrote .*segbox-TEST-[0-9a-f]{8}-\d{8}T\d{6}Z\.backup \(\d+ bytes\) and read it back\n/);
  }
  isOver = true;
  await sending;
  const state = (await ask<Device>(httpPort, paths.device, { cookie: before.cookie })).json.backup;
  assert.deepEqual([state.state, state.error], ["good", null]);
  assert.ok(Math.abs(Date.now() - state.lastGoodAt!) < 300_000);
  await running.stop(20_000);

  const names = (await readdir(backups)).sort();
  assert.ok(names.length <= 2, "keep: 2");
  const file = join(backups, names.at(-1)!);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(data, "temporary")), [], "no copy of the database is left");
  const listed = await segbox(["backup", "list", "--data", data]);
  assert.equal((JSON.parse(listed.stdout.split("\n")[0]!) as { path: string }).path, file);
  const verified = await segbox(["backup", "verify", file, "--data", data]);
  assert.equal(verified.code, 0, verified.stderr);
  for (const path of [
    "segbox.sqlite",
    "secret.key",
    "audit-key.pem",
    "audit-heads.jsonl",
    "https/key.pem",
    "https/certificate.pem",
    "named-files/",
  ])
    assert.match(verified.stdout, new RegExp(`\\d ${path}`));

  // 3. What is not the backup as it was made, or not its passphrase, leaves nothing behind
  const bytes = await readFile(file);
  const flipped = Buffer.from(bytes);
  flipped[Math.floor(bytes.length / 2)]! ^= 1;
  const [head, piece] = [88, 256 * 1024 + 16];
  const reordered = Buffer.concat([
    bytes.subarray(0, head),
    bytes.subarray(head + piece, head + 2 * piece),
    bytes.subarray(head, head + piece),
    bytes.subarray(head + 2 * piece),
  ]);
  const bad = join(folder.path, "bad.backup");
  const fresh = join(folder.path, "fresh");
  for (const [what, content, secret, why] of [
    ["wrong passphrase", bytes, "seven grey herons wait downstream", /not the passphrase/],
    ["cut off", bytes.subarray(0, -1000), passphrase, /piece \d+ is not as it was written/],
    ["a bit flipped", flipped, passphrase, /piece \d+ is not as it was written/],
    ["pieces reordered", reordered, passphrase, /piece 1 is not as it was written/],
    ["no backup", Buffer.from("x".repeat(500)), passphrase, /no backup of a Segbox/],
  ] as const) {
    await writeFile(bad, content);
    const refused = await restore(bad, fresh, secret);
    assert.equal(refused.code, 1, what);
    assert.match(refused.stderr, /^segbox: [^\n]+\n$/);
    assert.match(refused.stderr, why);
    await assert.rejects(stat(fresh), { code: "ENOENT" }, `${what}: no folder was made`);
  }
  const over = await restore(file, data);
  assert.equal(over.code, 1);
  assert.match(over.stderr, /is not empty/);

  // 4. A fresh folder, on a machine where the archive's token is not
  await writeFile(tokenFile, "");
  const { rm } = await import("node:fs/promises");
  await rm(tokenFile);
  const restored = await restore(file, fresh);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(restored.stdout, /set aside.*: [1-9]\d* series that were arriving/);
  assert.match(
    restored.stdout,
    new RegExp(`the settings name ${tokenFile}, which is not on this machine: its content is ${fresh}/named-files/\\d-token`),
  );
  const [name] = await readdir(join(fresh, "named-files"));
  assert.equal(await readFile(join(fresh, "named-files", name!), "utf8"), "of the archive\n");
  await writeFile(tokenFile, "of the archive\n");

  const box = await startAgain(fresh);
  const after = await signIn(box.httpPort);
  assert.equal(after.status, 200, "the same password");
  assert.equal(after.certificate, before.certificate, "the same certificate");
  assert.equal((await signIn(box.httpPort, "another password of nobody")).status, 401);
  assert.equal((await ask(box.httpPort, paths.seriesList, { cookie: before.cookie })).status, 401, "sessions of the old box have ended");
  const series = (await ask<SeriesSummary[]>(box.httpPort, paths.seriesList, { cookie: after.cookie })).json;
  const delivered = series.find(isDelivered)!;
  assert.ok(delivered, "what was delivered is known to be");
  const arriving = series.filter(({ id }) => id !== delivered.id);
  assert.ok(arriving.length > 0);
  for (const { state, reason } of arriving) assert.deepEqual([state, reason?.code], ["ignored", "restored"]);

  // 5. What was set aside can be sent again, and the box works on
  const again = await dcmsend({ port: box.dicomPort, callingAeTitle: "CT1", calledAeTitle: "SEGBOX", paths: [exampleCt] });
  assert.deepEqual([new Set(again.statuses), again.statuses.length], [new Set(["0000"]), 20]);
  const next = await segbox(["backup", "now", "--data", fresh]);
  assert.deepEqual([next.code, next.stderr], [0, ""], "with the passphrase that it had");
  await box.running.stop(20_000);

  const trail = await segbox(["audit", "verify", "--data", fresh]);
  assert.deepEqual([trail.code, trail.stderr], [0, ""], trail.stdout);
  const database = new Database(join(fresh, "segbox.sqlite"));
  const [entry] = listKeptAudit(database, { action: "restored-from-backup" }, 10);
  assert.equal(entry?.actor, "console");
  assert.deepEqual(
    listNodes(database).map((node) => node.name),
    ["archive", "pacs", "scanner"],
  );
  database.close();
  const key = async (path: string) =>
    createHash("sha256")
      .update(await readFile(join(path, "audit-key.pem")))
      .digest("hex");
  assert.equal(await key(fresh), await key(data));
});
