import assert from "node:assert/strict";
import { test } from "node:test";
import { findLabelSlices } from "../../../appliance/volume/label-slices.ts";
import { axialGrid } from "../../make/result-request.ts";

test("each label is found with its voxels, slices and boxes", () => {
  const labels = Uint8Array.from([
    ...[0, 0, 0, 255, 0, 7, 0, 7, 0, 0, 0, 0], // 4 x 3 pixels
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
  ]);
  assert.deepEqual(findLabelSlices({ grid: axialGrid(4, 3, 3), labels }), [
    {
      label: 7,
      voxels: 3,
      slices: [
        { k: 0, box: { iMin: 1, iMax: 3, jMin: 1, jMax: 1 } },
        { k: 2, box: { iMin: 3, iMax: 3, jMin: 2, jMax: 2 } },
      ],
    },
    { label: 255, voxels: 1, slices: [{ k: 0, box: { iMin: 3, iMax: 3, jMin: 0, jMax: 0 } }] },
  ]);
});

test("background alone is nothing", () => {
  assert.deepEqual(findLabelSlices({ grid: axialGrid(2, 2, 2), labels: new Uint8Array(8) }), []);
});
