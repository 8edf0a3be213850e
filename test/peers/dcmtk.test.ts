import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { dcmsend, echoscu, findscu, startDcmqrscp, startStorescp, storescu } from "./dcmtk.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./ports.ts";

const data = join(import.meta.dirname, "../data");
const exampleCt = join(data, "example-ct");
const tinyCt = join(data, "ct-corpus/tiny-23x38x3");

test("storescp takes a folder in JPEG 2000 from storescu, byte for byte", async () => {
  await using node = await startStorescp({ aeTitle: "PACS" });
  const sent = await storescu({ port: node.port, calledAeTitle: "PACS", paths: [exampleCt], options: ["-xv"] });
  assert.equal(sent.code, 0, sent.stderr);
  assert.deepEqual(sent.statuses, Array(20).fill("0000"));
  await eventually(async () => node.storeRequests() === 20 || undefined, 5_000);
  const received = await node.files();
  const names = (await readdir(exampleCt)).sort();
  assert.equal(received.length, names.length);
  // The File Meta Information is the receiver's own; the data set, here its last 100,000 bytes, is the sender's.
  const tail = async (path: string) => (await readFile(path)).subarray(-100_000);
  for (const [index, name] of names.entries()) assert.ok((await tail(received[index]!)).equals(await tail(join(exampleCt, name))), name);
});

test("an object sent twice is one file and two requests", async () => {
  await using node = await startStorescp();
  for (const _ of [1, 2]) await dcmsend({ port: node.port, paths: [join(tinyCt, "IMG0001.dcm")] });
  assert.equal((await node.files()).length, 1);
  await eventually(async () => node.storeRequests() === 2 || undefined, 5_000);
});

test("a node that aborts after an object gives no status, and an exit code", async () => {
  await using node = await startStorescp({ options: ["--abort-after"] });
  const sent = await storescu({ port: node.port, paths: [tinyCt] });
  assert.notEqual(sent.code, 0);
  assert.deepEqual(sent.statuses, []);
});

test("echoscu fails where nobody listens, and does not wait for long", async () => {
  const { code, stderr } = await echoscu({ port: await freePort(), timeoutMs: 10_000 });
  assert.notEqual(code, 0);
  assert.match(stderr, /Connection refused/);
});

test("dcmqrscp answers an echo, keeps what it is sent and finds it", async () => {
  await using archive = await startDcmqrscp({ aeTitle: "ARCHIVE" });
  const call = { port: archive.port, calledAeTitle: "ARCHIVE" };
  assert.equal((await echoscu(call)).code, 0);
  const sent = await storescu({ ...call, paths: [tinyCt] });
  assert.deepEqual(sent.statuses, ["0000", "0000", "0000"]);
  const keys = { QueryRetrieveLevel: "STUDY", StudyInstanceUID: "", ModalitiesInStudy: "" };
  const { code, matches } = await findscu({ ...call, model: "study", keys });
  assert.equal(code, 0);
  assert.equal(matches.length, 1);
  assert.match(String(matches[0]?.["0020000D"]?.Value?.[0]), /^[0-9.]+$/);
});
