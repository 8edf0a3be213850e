import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { type ArchivedFile, packFiles, unpackFiles } from "../../../appliance/backup/archive.ts";

async function* filesOf(contents: Readonly<Record<string, Buffer>>, sizeBytes?: number): AsyncGenerator<ArchivedFile, void> {
  for (const [path, bytes] of Object.entries(contents)) yield { path, sizeBytes: sizeBytes ?? bytes.length, content: chunked(bytes, 1000) };
}

async function* chunked(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

async function unpacked(packed: Buffer, chunkBytes = 77): Promise<Record<string, Buffer>> {
  const found: Record<string, Buffer> = {};
  for await (const { path, content } of unpackFiles(chunked(packed, chunkBytes))) found[path] = await buffer(content);
  return found;
}

const contents = { "a.txt": Buffer.from("one"), "folder/empty": Buffer.alloc(0), "folder/b.bin": randomBytes(5000) };

test("files come back under their paths, however the bytes are cut", async () => {
  const packed = await buffer(packFiles(filesOf(contents)));
  for (const chunkBytes of [1, 7, 4096, packed.length]) assert.deepEqual(await unpacked(packed, chunkBytes), contents);
});

test("a file that became shorter or longer while it was packed is a fault, not a shorter backup", async () => {
  for (const sizeBytes of [2, 4])
    await assert.rejects(buffer(packFiles(filesOf({ "a.txt": Buffer.from("one") }, sizeBytes))), /a\.txt changed while it was backed up/);
});

test("less or more than was packed is refused", async () => {
  const packed = await buffer(packFiles(filesOf(contents)));
  await assert.rejects(unpacked(packed.subarray(0, -1)), { code: "backup-damaged" });
  await assert.rejects(unpacked(packed.subarray(0, 100)), { code: "backup-damaged" });
  await assert.rejects(unpacked(Buffer.concat([packed, Buffer.from("x")])), { code: "backup-damaged" });
});

for (const path of ["/etc/passwd", "../x", "a/../../x", "a//b", "", ".", "a/.", "a\\b", "a\0b"])
  test(`the path ${JSON.stringify(path)} is refused`, async () => {
    const packed = await buffer(packFiles(filesOf({ [path]: Buffer.from("x") })));
    await assert.rejects(unpacked(packed), { code: "backup-damaged", message: /leads out of the folder/ });
  });
