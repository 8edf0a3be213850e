import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { addPendingResult, addResultFiles, addSeries, type Box, startBox } from "./box.ts";

let folder: string;
let box: Box;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "segbox-static-"));
  const ui = join(folder, "ui");
  await mkdir(join(ui, "dist"), { recursive: true });
  await writeFile(join(folder, "secret.js"), "secret");
  await writeFile(join(ui, "index.html"), "<!doctype html><title>Segbox</title>");
  await writeFile(join(ui, "icon.svg"), "<svg/>");
  await writeFile(join(ui, "dist/main.js"), "main ".repeat(1000));
  await writeFile(join(ui, "dist/chunk-ABCD1234.js"), "chunk");
  await writeFile(join(ui, "dist/notes.txt"), "secret");
  await writeFile(join(ui, "app.ts"), "secret");
  box = await startBox({ uiFolder: ui });
});
after(async () => {
  await box.close();
  await rm(folder, { recursive: true });
});

/** The address goes over the wire as it is; fetch would tidy it up. */
function getRaw(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port: box.http.port, path, headers }, async (answer) => {
      const chunks: Buffer[] = [];
      for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
      resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
    }).on("error", reject);
  });
}

test("the page comes at its own addresses, also when it is opened in the middle", async () => {
  for (const path of ["/", "/series/12", "/settings/nodes"]) {
    const answer = await fetch(`${box.origin}${path}`, { headers: { Accept: "text/html,*/*" } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("Content-Type"), "text/html; charset=utf-8");
    assert.match(await answer.text(), /<title>Segbox/);
  }
});

test("a file comes compressed with an etag, and not twice", async () => {
  const answer = await fetch(`${box.origin}/dist/main.js`);
  assert.equal(answer.headers.get("Content-Type"), "text/javascript; charset=utf-8");
  assert.equal(answer.headers.get("Content-Encoding"), "gzip");
  assert.equal(answer.headers.get("Cache-Control"), "no-cache");
  assert.equal((await answer.text()).length, 5000);
  const etag = answer.headers.get("ETag") ?? "";
  assert.deepEqual(await getRaw("/dist/main.js", { "If-None-Match": etag }), { status: 304, body: "" });
  const chunk = await fetch(`${box.origin}/dist/chunk-ABCD1234.js`);
  assert.match(chunk.headers.get("Cache-Control") ?? "", /immutable/);
});

test("nothing but the built page can be asked for", async () => {
  const attempts = [
    "/app.ts",
    "/dist/notes.txt",
    "/dist/../../secret.js",
    "/dist/%2e%2e/%2e%2e/secret.js",
    "/dist/..%2f..%2fsecret.js",
    "/dist/....//....//secret.js",
    "/..%5c..%5csecret.js",
    "/dist/main.js%00.html",
    "//etc/passwd",
    "/%2fetc%2fpasswd",
    "/dist/",
    "/__proto__",
    "/%ff",
    "/%",
  ];
  for (const path of attempts) {
    const { status, body } = await getRaw(path, { Accept: "*/*" });
    assert.ok(!body.includes("secret") && !body.includes("root:"), path);
    assert.ok([200, 400, 404].includes(status), `${path} answered ${status}`);
    if (status === 200) assert.match(body, /<title>Segbox/, path); // an address of the page's own, which says there that it knows no such page
  }
});

test("no file of a result but the four downloads can be asked for, and none of the data folder", async () => {
  const cookie = await box.signIn("admin");
  const resultId = addPendingResult(box, addSeries(box));
  const images = { dims: [1, 1, 1], spacingMm: [1, 1, 1], directions: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] } as const; // biome-ignore format: a matrix
  await addResultFiles(box, resultId, { images, hu: new Int16Array(1), labels: new Uint8Array(1) });
  const files = `/api/results/${resultId}/files`;
  const attempts = [
    "images.json",
    "volume.i16",
    "..%2f..%2fsegbox.db",
    "../../segbox.db",
    "%2e%2e/%2e%2e/segbox.db",
    "seg.dcm%00",
    "SEG.DCM",
    ".",
    "",
    "constructor",
  ];
  for (const name of attempts) assert.equal((await getRaw(`${files}/${name}`, { cookie })).status, 404, name);
  assert.deepEqual(await getRaw(`${files}/seg.dcm`, { cookie }), { status: 200, body: "bytes of seg.dcm" });
});
