import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boxOf, croppedCt, grownBox, marginVoxels, nonZeroBox, uncroppedLabels } from "../../../appliance/volume/crop.ts";
import type { Lps } from "../../../appliance/volume/grid.ts";

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

test("a margin ends at the grid's border, and parts of a voxel of it don't count", () => {
  const box = { start: [1, 4, 2], dims: [2, 3, 1] } as const;
  assert.deepEqual(grownBox(box, [2, 1, 0], [10, 7, 3]), { start: [0, 3, 2], dims: [5, 4, 1] });
  const steps: [Lps, Lps, Lps] = [
    [0.7, 0, 0],
    [0, -0.7, 0],
    [0, 0, 2.5],
  ];
  const grid = { dims: [2, 2, 2], origin: [0, 0, 0], steps } as const;
  // 20 / 0.7 = 28.57
  assert.deepEqual(marginVoxels({ grid, hu: new Int16Array(8) }, 20), [28, 28, 8]);
});

test("a crop lies where it lay in the patient, and its labels go back there", () => {
  const dims = [4, 3, 5] as const;
  const steps: [Lps, Lps, Lps] = [
    [0, 2, 0],
    [-1, 0, 0],
    [0, 0, 3],
  ];
  const grid = { dims, origin: [10, 20, 30], steps } as const;
  const hu = Int16Array.from({ length: 60 }, (_, at) => at);
  const box = { start: [1, 0, 3], dims: [2, 3, 2] } as const;
  const crop = croppedCt({ grid, hu }, box);
  assert.deepEqual(crop.grid.origin, [10, 22, 39]);
  assert.deepEqual([...crop.hu.subarray(0, 4)], [37, 38, 41, 42]);
  const labels = uncroppedLabels(dims, box, Uint8Array.from(crop.hu));
  for (let k = 0; k < 5; k++)
    for (let j = 0; j < 3; j++)
      for (let i = 0; i < 4; i++) {
        const at = i + 4 * (j + 3 * k);
        assert.equal(labels[at], k >= 3 && i >= 1 && i < 3 ? at : 0);
      }
  assert.equal(
    boxOf(dims, labels, (value) => value > 59),
    null,
  );
});
