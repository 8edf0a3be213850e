import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeZip } from "../../../appliance/base/zip.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

test("python's zipfile finds each file whole, under its name, an empty one too", async () => {
  await using folder = await temporaryFolder("zip");
  const path = join(folder.path, "archive.zip");
  const entries = [
    { name: "lungs.stl", bytes: Uint8Array.from({ length: 100_000 }, (_, at) => (at * at) % 251) },
    { name: "empty.stl", bytes: new Uint8Array(0) },
    { name: "a/b.txt", bytes: Buffer.from("hello") },
  ];
  writeFileSync(path, Buffer.concat([...encodeZip(entries)]));
  const script = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps([[each.filename, each.file_size, sum(archive.read(each)) % 65521] for each in archive.infolist()]))
`;
  const { stdout, stderr } = await run("/usr/bin/python3", ["-c", script, path]);
  assert.equal(stderr, "");
  const sum = (bytes: Uint8Array) => bytes.reduce((total, byte) => total + byte, 0) % 65521;
  assert.deepEqual(
    JSON.parse(stdout),
    entries.map(({ name, bytes }) => [name, bytes.length, sum(bytes)]),
  );
});

test("an archive of nothing is an archive, and the same files give the same bytes", () => {
  assert.equal(Buffer.concat([...encodeZip([])]).length, 22);
  const entries = [{ name: "a", bytes: Uint8Array.of(1, 2, 3) }];
  assert.deepEqual([...encodeZip(entries)], [...encodeZip(entries)]);
});
