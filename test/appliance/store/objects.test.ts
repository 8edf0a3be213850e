import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeEmptyFolder, ObjectFolder, writeDurably } from "../../../appliance/store/objects.ts";
import { temporaryFolder } from "../../peers/folder.ts";

const head = Buffer.from("head");
const body = Buffer.from("data set");
const digestOfBody = createHash("sha256").update(body).digest("hex");

async function opened() {
  const folder = await temporaryFolder("objects");
  const root = join(folder.path, "objects");
  return { root, objects: await ObjectFolder.open(root), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const incoming = (root: string) => readdir(join(root, "incoming"));

test("a committed file is head and data set, under the digest of the data set alone", async () => {
  await using made = await opened();
  const writer = made.objects.create(head);
  await writer.write(body.subarray(0, 3));
  await writer.write(body.subarray(3));
  assert.deepEqual(await writer.commit(), { digest: digestOfBody, sizeBytes: head.length + body.length });
  const path = made.objects.path(digestOfBody);
  assert.equal(path, join(made.root, digestOfBody.slice(0, 2), `${digestOfBody}.dcm`));
  assert.equal(await readFile(path, "utf8"), "headdata set");
  assert.deepEqual(await incoming(made.root), []);
});

test("before the commit nothing stands under the final name", async () => {
  await using made = await opened();
  const writer = made.objects.create(head);
  await writer.write(body);
  assert.equal(existsSync(made.objects.path(digestOfBody)), false);
  assert.equal((await incoming(made.root)).length, 1);
  await writer.abort();
});

test("an aborted file leaves nothing, and aborting twice is no fault", async () => {
  await using made = await opened();
  const writer = made.objects.create(head);
  await writer.write(body);
  await writer.abort();
  await writer.abort();
  assert.deepEqual(await incoming(made.root), []);
  assert.equal(existsSync(made.objects.path(digestOfBody)), false);
});

test("an abort after the commit keeps the file", async () => {
  await using made = await opened();
  const writer = made.objects.create(head);
  await writer.write(body);
  await writer.commit();
  await writer.abort();
  assert.equal(existsSync(made.objects.path(digestOfBody)), true);
});

test("the same content twice, at the same time, is one file and no error", async () => {
  await using made = await opened();
  const writers = [made.objects.create(head), made.objects.create(head)];
  await Promise.all(writers.map((writer) => writer.write(body)));
  const [first, second] = await Promise.all(writers.map((writer) => writer.commit()));
  assert.deepEqual(first, second);
  assert.deepEqual(await readdir(join(made.root, digestOfBody.slice(0, 2))), [`${digestOfBody}.dcm`]);
});

test("what a crash left half-written is gone at the next open; what was committed is not", async () => {
  await using made = await opened();
  const kept = made.objects.create(head);
  await kept.write(body);
  await kept.commit();
  await writeFile(join(made.root, "incoming", "0000.part"), "half");
  const again = await ObjectFolder.open(made.root);
  assert.deepEqual(await incoming(made.root), []);
  assert.equal(await readFile(again.path(digestOfBody), "utf8"), "headdata set");
});

test("a durable write replaces a file as a whole", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "labels.u8");
  await writeDurably(path, [Buffer.from("old and longer")]);
  await writeDurably(path, [Buffer.from("n"), Buffer.from("ew")]);
  assert.equal(await readFile(path, "utf8"), "new");
  assert.deepEqual(await readdir(folder.path), ["labels.u8"]);
});

test("a durable write whose content fails leaves the earlier file and nothing beside it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "seg.dcm");
  await writeDurably(path, [Buffer.from("first")]);
  await assert.rejects(
    writeDurably(
      path,
      (function* () {
        yield Buffer.from("half");
        throw new Error("encoder failed");
      })(),
    ),
    /^Error: encoder failed$/,
  );
  assert.equal(await readFile(path, "utf8"), "first");
  assert.deepEqual(await readdir(folder.path), ["seg.dcm"]);
});

test("a folder made empty holds nothing of what was in it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "results", "7");
  await mkdir(join(path, "deeper"), { recursive: true });
  await writeFile(join(path, "volume.i16.0000.part"), "left by a kill");
  await makeEmptyFolder(path);
  assert.deepEqual(await readdir(path), []);
});
