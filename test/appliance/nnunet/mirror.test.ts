import assert from "node:assert/strict";
import { test } from "node:test";
import { mirrorings, mirrorPatch } from "../../../appliance/nnunet/mirror.ts";

const shape = [2, 2, 3] as const;
const patch = Float32Array.from({ length: 12 }, (_, at) => at + 1);

test("the patch as it is comes first, then every combination of axes once", () => {
  assert.deepEqual(mirrorings([]), [[]]);
  assert.deepEqual(mirrorings([2]), [[], [2]]);
  const all = mirrorings([0, 1, 2]);
  assert.equal(new Set(all.map(String)).size, 8);
  assert.deepEqual(all[0], []);
});

test("rows, columns and slices are turned round; twice gives the patch back", () => {
  const turned = new Float32Array(12);
  mirrorPatch(patch, shape, [2], turned);
  assert.deepEqual([...turned], [3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]);
  mirrorPatch(patch, shape, [0, 1], turned);
  assert.deepEqual([...turned], [10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3]);
  for (const axes of mirrorings([0, 1, 2])) {
    const again = new Float32Array(12);
    mirrorPatch(patch, shape, axes, turned);
    mirrorPatch(turned, shape, axes, again);
    assert.deepEqual(again, patch);
  }
});
