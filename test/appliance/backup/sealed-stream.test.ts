import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { headBytes, seal, unseal } from "../../../appliance/backup/sealed-stream.ts";

const passphrase = "four words of no relation";
const pieceBytes = 256 * 1024;
const sealedPieceBytes = pieceBytes + 16;

const sealed = (plain: Uint8Array, secret = passphrase): Promise<Buffer> => buffer(seal([plain], secret));
const opened = (bytes: Uint8Array, secret = passphrase): Promise<Buffer> => buffer(unseal(inChunks(bytes), secret));

/** As a file is read: in chunks that are no pieces. */
async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000);
}

const pieceOf = (file: Buffer, index: number): Buffer =>
  file.subarray(headBytes + index * sealedPieceBytes, Math.min(file.length, headBytes + (index + 1) * sealedPieceBytes));
const put = (file: Buffer, ...pieces: Uint8Array[]): Buffer => Buffer.concat([file.subarray(0, headBytes), ...pieces]);

for (const length of [0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes])
  test(`${length} bytes come back as they were`, async () => {
    const plain = randomBytes(length);
    const file = await sealed(plain);
    assert.ok((await opened(file)).equals(plain));
    const pieces = Math.max(1, Math.ceil(length / pieceBytes));
    assert.equal(file.length, headBytes + length + 16 * pieces);
  });

test("the same content is another file each time, and shows nothing of it", async () => {
  const plain = Buffer.alloc(1000, "patient");
  const [first, second] = [await sealed(plain), await sealed(plain)];
  assert.ok(!first.subarray(headBytes).equals(second.subarray(headBytes)));
  assert.ok(!first.includes("patient"));
});

test("letters that are composed in another way are the same passphrase", async () => {
  const file = await sealed(Buffer.from("x"), "schl\u00fcssel");
  assert.equal((await opened(file, "schlu\u0308ssel")).toString(), "x");
});

test("another passphrase is refused, and so is what is no backup", async () => {
  const file = await sealed(Buffer.from("content"));
  await assert.rejects(opened(file, "five words of no relation"), { name: "RefusedError", code: "backup-passphrase" });
  await assert.rejects(opened(Buffer.from("SQLite format 3\0".repeat(20))), { code: "backup-unreadable" });
  await assert.rejects(opened(file.subarray(0, headBytes - 1)), { code: "backup-unreadable" });
});

test("a flipped bit is refused wherever it is", async () => {
  const file = await sealed(randomBytes(pieceBytes + 500));
  const places = [
    0,
    15,
    16,
    21,
    30,
    40,
    50,
    56,
    headBytes - 1,
    headBytes,
    headBytes + 1000,
    headBytes + sealedPieceBytes - 1,
    file.length - 1,
  ];
  for (const at of places) {
    const changed = Buffer.from(file);
    changed[at]! ^= 1;
    await assert.rejects(opened(changed), { name: "RefusedError", code: /^backup-(unreadable|passphrase|damaged)$/ }, `byte ${at}`);
  }
});

test("a head that asks for all of the memory is refused before it is given", async () => {
  const file = Buffer.from(await sealed(Buffer.from("x")));
  file.writeUInt32BE(0xffff_ffff, 16);
  await assert.rejects(opened(file), { code: "backup-damaged", message: /numbers that no release writes/ });
});

test("a file that was cut off is refused, also between two pieces", async () => {
  const file = await sealed(randomBytes(3 * pieceBytes));
  for (const length of [headBytes, headBytes + 10, headBytes + sealedPieceBytes, headBytes + 2 * sealedPieceBytes, file.length - 1])
    await assert.rejects(opened(file.subarray(0, length)), { code: "backup-damaged" }, `${length} bytes`);
});

test("pieces in another order, left out, twice, or of another backup under the same passphrase are refused", async () => {
  const file = await sealed(randomBytes(3 * pieceBytes));
  const other = await sealed(randomBytes(3 * pieceBytes));
  const [a, b, c] = [0, 1, 2].map((index) => pieceOf(file, index)) as [Buffer, Buffer, Buffer];
  assert.ok(put(file, a, b, c).equals(file));
  for (const [what, pieces] of [
    ["another order", [b, a, c]],
    ["one left out", [a, c]],
    ["one twice", [a, a, b, c]],
    ["the last one twice", [a, b, c, c]],
    ["of another", [a, pieceOf(other, 1), c]],
    ["the last of another", [a, b, pieceOf(other, 2)]],
    ["something behind it", [a, b, c, Buffer.from("x")]],
  ] as const)
    await assert.rejects(opened(put(file, ...pieces)), { code: "backup-damaged" }, what);
});
