import assert from "node:assert/strict";
import { test } from "node:test";
import type { Infer } from "../../../appliance/nnunet/infer.ts";
import { mirrored } from "../../../appliance/nnunet/mirror.ts";

const shape = [2, 2, 3] as const;
const patch = Float32Array.from({ length: 12 }, (_, at) => at + 1);

/** Two channels: the values themselves, and the values of the voxel before (0 for the first): the second one knows left from right. */
const seen: number[][] = [];
const infer: Infer = async (values) => {
  seen.push([...values]);
  const logits = new Float32Array(24);
  logits.set(values);
  for (let row = 0; row < 4; row++) for (let x = 1; x < 3; x++) logits[12 + 3 * row + x] = values[3 * row + x - 1]!;
  return logits;
};

test("without axes the network itself is asked, once", () => {
  assert.equal(mirrored(infer, []), infer);
});

test("one axis: two answers, mirrored back and averaged, in every channel", async () => {
  seen.length = 0;
  const logits = await mirrored(infer, [2])(patch, shape);
  assert.deepEqual(seen, [[...patch], [3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]]);
  assert.deepEqual([...logits.subarray(0, 12)], [...patch]);
  // First row 1 2 3: before, (0, 1, 2); seen from the other side, (2, 3, 0).
  assert.deepEqual([...logits.subarray(12, 15)], [1, 2, 1]);
});

test("three axes: all eight mirror images are asked, and a network that treats voxels alike answers as before", async () => {
  seen.length = 0;
  const logits = await mirrored(infer, [0, 1, 2])(patch, shape);
  assert.equal(new Set(seen.map(String)).size, 8);
  assert.ok(seen.some((values) => values[0] === 12 && values[11] === 1));
  assert.deepEqual([...logits.subarray(0, 12)], [...patch]);
});
