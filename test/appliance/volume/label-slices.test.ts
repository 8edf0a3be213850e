import assert from "node:assert/strict";
import { test } from "node:test";
import { findLabelSlices, labelMl } from "../../../appliance/volume/label-slices.ts";
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
        { k: 0, voxels: 2, box: { iMin: 1, iMax: 3, jMin: 1, jMax: 1 } },
        { k: 2, voxels: 1, box: { iMin: 3, iMax: 3, jMin: 2, jMax: 2 } },
      ],
    },
    { label: 255, voxels: 1, slices: [{ k: 0, voxels: 1, box: { iMin: 3, iMax: 3, jMin: 0, jMax: 0 } }] },
  ]);
});

test("background alone is nothing", () => {
  assert.deepEqual(findLabelSlices({ grid: axialGrid(2, 2, 2), labels: new Uint8Array(8) }), []);
});

test("a label holds as much as the slabs of its slices", () => {
  const even = axialGrid(2, 1, 4);
  const labels = Uint8Array.of(1, 1, 0, 1, 0, 0, 1, 0);
  const [found] = findLabelSlices({ grid: even, labels });
  assert.ok(Math.abs(labelMl(found!, even) - (4 * 0.78125 ** 2 * 2.5) / 1000) < 1e-12);
  // Slabs of 2, 2, 4 and 6 mm.
  const sliceOrigins = [0, 2, 4, 10].map((z) => [0, 0, z] as const);
  assert.ok(Math.abs(labelMl(found!, { ...even, sliceOrigins }) - (0.78125 ** 2 * (2 * 2 + 2 + 6)) / 1000) < 1e-12);
});
