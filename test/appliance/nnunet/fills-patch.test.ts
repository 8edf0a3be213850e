import assert from "node:assert/strict";
import { test } from "node:test";
import { fillsPatch } from "../../../appliance/nnunet/fills-patch.ts";
import type { Grid } from "../../../appliance/volume/grid.ts";

const plans = { transposeForward: [0, 1, 2], patchSize: [96, 64, 64], spacing: [3, 3, 3] } as const; // 288 x 192 x 192 mm
const axial = (slices: number, stepMm: number): Grid => ({
  dims: [100, 100, slices],
  origin: [0, 0, 0],
  steps: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, stepMm],
  ],
});

test("half of the patch along every axis is enough", () => {
  assert.equal(fillsPatch(axial(48, 3), plans), true);
  assert.equal(fillsPatch(axial(47, 3), plans), false);
  assert.equal(fillsPatch({ ...axial(48, 3), dims: [95, 100, 48] }, plans), false);
});

test("axes are those of the network, whatever order the images and the plans have", () => {
  // Sagittal images: rows run to the back, columns down, slices to the left.
  const sagittal = (across: number): Grid => ({
    dims: [100, 150, across],
    origin: [0, 0, 0],
    steps: [
      [0, 1, 0],
      [0, 0, -1],
      [1, 0, 0],
    ],
  });
  assert.equal(fillsPatch(sagittal(96), plans), true);
  assert.equal(fillsPatch(sagittal(95), plans), false);
  const turned = { ...plans, transposeForward: [2, 1, 0] } as const; // the patch is longest from left to right
  assert.equal(fillsPatch(sagittal(96), turned), false);
  assert.equal(fillsPatch(sagittal(144), turned), true);
});
