import assert from "node:assert/strict";
import { test } from "node:test";
import { compareLabels } from "../../../appliance/volume/compare.ts";
import type { Grid } from "../../../appliance/volume/grid.ts";

const grid: Grid = {
  dims: [4, 1, 2],
  origin: [0, 0, 0],
  steps: [
    [10, 0, 0],
    [0, 10, 0],
    [0, 0, 10],
  ],
};

test("Dice and volumes are per label, and voxels that differ are counted once", () => {
  const a = Uint8Array.of(0, 1, 1, 1, 2, 2, 0, 0);
  const b = Uint8Array.of(0, 1, 1, 2, 2, 2, 3, 0);
  assert.deepEqual(compareLabels(grid, a, b), {
    differingVoxels: 2,
    labels: [
      { value: 1, dice: 4 / 5, volumeMlA: 3, volumeMlB: 2 },
      { value: 2, dice: 4 / 5, volumeMlA: 2, volumeMlB: 3 },
      { value: 3, dice: 0, volumeMlA: 0, volumeMlB: 1 },
    ],
  });
});

test("maps of another size are refused", () => {
  assert.throws(() => compareLabels(grid, new Uint8Array(8), new Uint8Array(7)), /not on one grid/);
});
