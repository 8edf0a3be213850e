import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packFrames } from "../../../appliance/dicom/pack-frames.ts";
import { findLabelSlices } from "../../../appliance/volume/label-slices.ts";
import { axialGrid } from "../../make/result-request.ts";

test("frames follow each other bit by bit, lowest bit first, by label and then by slice", () => {
  const labels = Uint8Array.from([
    ...[1, 0, 0, 0, 0, 0, 0, 0, 1], // slice 0: label 1 in the first and the last pixel
    ...[0, 0, 0, 0, 2, 0, 0, 0, 0], // slice 1: label 2 in the middle
    ...[0, 1, 0, 0, 0, 0, 0, 2, 0], // slice 2: both
  ]);
  const labelMap = { grid: axialGrid(3, 3, 3), labels };
  const bytes: number[] = [];
  for (const piece of packFrames(labelMap, findLabelSlices(labelMap))) bytes.push(...piece);
  const bits = ["100000001", "010000000", "000010000", "000000010"].join("").padEnd(40, "0");
  assert.deepEqual(
    bytes,
    bits.match(/.{8}/g)!.map((byte) => Number.parseInt([...byte].reverse().join(""), 2)),
  );
});

test("whatever a piece holds, the bits are those of the pixels taken one by one", () => {
  const dims = [5, 7, 3] as const; // 35 pixels: frames begin at every bit of a byte
  const label = fc.constantFrom<number>(0, 0, 1, 2, 255);
  fc.assert(
    fc.property(fc.array(label, { minLength: 105, maxLength: 105 }), fc.integer({ min: 1, max: 400 }), (values, piecePixels) => {
      const labelMap = { grid: axialGrid(...dims), labels: Uint8Array.from(values) };
      const expected: boolean[] = [];
      for (const wanted of [1, 2, 255])
        for (let k = 0; k < 3; k++) {
          const slice = values.slice(35 * k, 35 * (k + 1));
          if (slice.includes(wanted)) expected.push(...slice.map((value) => value === wanted));
        }
      const bytes: number[] = [];
      for (const piece of packFrames(labelMap, findLabelSlices(labelMap), piecePixels)) bytes.push(...piece);
      assert.equal(bytes.length, Math.ceil(expected.length / 8));
      for (let bit = 0; bit < 8 * bytes.length; bit++)
        assert.equal(((bytes[bit >> 3]! >> (bit & 7)) & 1) === 1, expected[bit] ?? false, `bit ${bit}`);
    }),
  );
});
