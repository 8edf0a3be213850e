import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRle, rleEncoder } from "../../../appliance/dicom/rle.ts";
import { seededRandom } from "../../make/result-request.ts";

/** The one segment of a frame, without its header. */
const packed = (rows: number, columns: number, pixels: readonly number[]) => [
  ...rleEncoder(rows, columns)(Uint8Array.from(pixels)).subarray(64),
];

test("runs and what lies between them are packed as PS3.5 annex G has it", () => {
  assert.deepEqual(packed(1, 4, [7, 7, 7, 7]), [257 - 4, 7]);
  assert.deepEqual(packed(1, 4, [1, 2, 3, 4]), [3, 1, 2, 3, 4, 0]); // with a zero, for an even length
  assert.deepEqual(packed(1, 8, [5, 5, 5, 5, 5, 1, 2, 9]), [257 - 5, 5, 2, 1, 2, 9]);
  assert.deepEqual(packed(1, 5, [1, 2, 2, 3, 4]), [4, 1, 2, 2, 3, 4]); // a run of two among others is not worth its own
});

test("no run goes over the end of a row", () => {
  assert.deepEqual(packed(2, 3, [0, 0, 0, 0, 0, 0]), [257 - 3, 0, 257 - 3, 0]);
  assert.deepEqual(packed(2, 1, [1, 2]), [0, 1, 0, 2]);
});

test("a run has at most 128 pixels", () => {
  const run = (length: number) => packed(1, length, Array(length).fill(9));
  assert.deepEqual(run(128), [129, 9]);
  assert.deepEqual(run(129), [129, 9, 0, 9]);
  assert.deepEqual(run(130), [129, 9, 255, 9]);
  const literal = packed(
    1,
    129,
    Array.from({ length: 129 }, (_, i) => i),
  );
  assert.deepEqual([literal.length, literal[0], literal[129], literal[130]], [132, 127, 0, 128]);
});

test("the header names one segment, right behind it", () => {
  const header = Buffer.from(rleEncoder(1, 2)(Uint8Array.of(1, 2)).subarray(0, 64));
  assert.deepEqual([header.readUInt32LE(0), header.readUInt32LE(4), header.subarray(8).some((byte) => byte !== 0)], [1, 64, false]);
});

test("frames of every grain come back, and an encoder keeps nothing of the frame before", () => {
  const random = seededRandom(5);
  for (const columns of [1, 2, 3, 127, 128, 129, 300]) {
    const rows = 20;
    const encode = rleEncoder(rows, columns);
    for (const grain of [1, 2, 3, 5, 40, 400]) {
      let left = 0;
      let value = 0;
      const frame = Uint8Array.from({ length: rows * columns }, () => {
        if (left-- <= 0) [left, value] = [Math.floor(random() * grain), Math.floor(random() * 256)];
        return value;
      });
      const stream = encode(frame);
      assert.equal(stream.length % 2, 0);
      assert.deepEqual(decodeRle(stream, frame.length, 1), frame, `${columns} columns, grain ${grain}`);
    }
  }
});
