import assert from "node:assert/strict";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { ZipArchive } from "../../../models/import/zip.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

/** Little-endian fields by their width in bytes. */
function fields(...values: readonly (readonly [width: 2 | 4 | 8, value: number])[]): Buffer {
  return Buffer.concat(
    values.map(([width, value]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, width);
    }),
  );
}

test("an entry behind 5 GB of others is found by its zip64 place and read alone", async () => {
  await using folder = await temporaryFolder("zip");
  const path = join(folder.path, "large.zip");
  const [bigName, smallName, content] = [Buffer.from("big"), Buffer.from("small"), Buffer.from("weights")];
  const bigBytes = 5 * 1024 ** 3;
  const smallAt = 30 + bigName.length + bigBytes;
  const full = 0xffffffff;
  const local = (name: Buffer): Buffer =>
    Buffer.concat([fields([4, 0x04034b50], [2, 45], [2, 0], [2, 0], [4, 0], [4, 0], [4, 0], [4, 0], [2, name.length], [2, 0]), name]);
  const central = (name: Buffer, checksum: number, size: number, at: number): Buffer => {
    const sizes = size > full ? fields([8, size], [8, size]) : Buffer.alloc(0);
    const extra = Buffer.concat([sizes, at > full ? fields([8, at]) : Buffer.alloc(0)]);
    const field = extra.length > 0 ? Buffer.concat([fields([2, 1], [2, extra.length]), extra]) : extra;
    const [shown, place] = [Math.min(size, full), Math.min(at, full)];
    return Buffer.concat([
      fields([4, 0x02014b50], [2, 45], [2, 45], [2, 0], [2, 0], [4, 0], [4, checksum], [4, shown], [4, shown]),
      fields([2, name.length], [2, field.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, place]),
      name,
      field,
    ]);
  };
  const directoryAt = smallAt + 30 + smallName.length + content.length;
  const directory = Buffer.concat([central(bigName, 0, bigBytes, 0), central(smallName, crc32(content), content.length, smallAt)]);
  const end = Buffer.concat([
    fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, 2], [8, 2], [8, directory.length], [8, directoryAt]),
    fields([4, 0x07064b50], [4, 0], [8, directoryAt + directory.length], [4, 1]),
    fields([4, 0x06054b50], [2, 0], [2, 0], [2, 2], [2, 2], [4, directory.length], [4, full], [2, 0]),
  ]);
  {
    await using file = await open(path, "w"); // a hole where the big entry is
    await file.write(local(bigName), 0, undefined, 0);
    await file.write(Buffer.concat([local(smallName), content, directory, end]), 0, undefined, smallAt);
  }
  await using archive = await ZipArchive.open(path);
  assert.equal(archive.entries.get("big")?.sizeBytes, bigBytes);
  assert.deepEqual(Buffer.from(await archive.read(archive.entries.get("small")!)), content);
});

test("an archive with any bytes changed is read or refused, never anything else", async () => {
  await using folder = await temporaryFolder("zip");
  const script =
    "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], 'w'); z.writestr('stored', 'abc' * 30); z.writestr('deflated', 'abc' * 300, zipfile.ZIP_DEFLATED); z.close()";
  const made = join(folder.path, "made.zip");
  assert.equal((await run("/usr/bin/python3", ["-c", script, made])).code, 0);
  const whole = await readFile(made);
  const changed = join(folder.path, "changed.zip");
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(changes, async (list) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of list) bytes[at] = value;
      await writeFile(changed, bytes);
      try {
        await using archive = await ZipArchive.open(changed);
        for (const entry of archive.entries.values()) await archive.read(entry);
      } catch (error) {
        assert.equal((error as Error).name, "RefusedError", String((error as Error).stack));
      }
    }),
    { numRuns: 400 },
  );
});
