import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nonZeroBox } from "../../../appliance/volume/crop.ts";

test("the box holds the outermost voxels other than 0 on each side", () => {
  const hu = new Int16Array(5 * 4 * 3);
  hu[1 + 5 * (2 + 4 * 1)] = -1024;
  hu[3 + 5 * (0 + 4 * 2)] = 7;
  assert.deepEqual(nonZeroBox([5, 4, 3], hu), { start: [1, 0, 1], dims: [3, 3, 2] });
});

test("a volume of zeros is kept whole", () => {
  assert.deepEqual(nonZeroBox([2, 3, 4], new Int16Array(24)), { start: [0, 0, 0], dims: [2, 3, 4] });
});

test("the box is the range of indices of the non-zero voxels along each axis", () => {
  const place = fc.record({ i: fc.integer({ min: 0, max: 4 }), j: fc.integer({ min: 0, max: 5 }), k: fc.integer({ min: 0, max: 3 }) });
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: 6 }), (places) => {
      const hu = new Int16Array(5 * 6 * 4);
      for (const { i, j, k } of places) hu[i + 5 * (j + 6 * k)] = 1;
      const range = (along: readonly number[]): [number, number] => [Math.min(...along), Math.max(...along) - Math.min(...along) + 1];
      const [i, j, k] = [range(places.map((p) => p.i)), range(places.map((p) => p.j)), range(places.map((p) => p.k))];
      assert.deepEqual(nonZeroBox([5, 6, 4], hu), { start: [i[0], j[0], k[0]], dims: [i[1], j[1], k[1]] });
    }),
  );
});
