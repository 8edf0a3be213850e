import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grid, Lps } from "../../../appliance/volume/grid.ts";
import { type Plane, planeAxes } from "../../../appliance/volume/plane.ts";
import { cutSection, type IndexBox, type Section } from "../../../appliance/volume/section.ts";
import { chooseSlices, countLabelsBySlice } from "../../../appliance/volume/slice-choice.ts";
import { allFlips, allOrders, phantom, storedOtherwise } from "../../make/phantom.ts";

const grid: Grid = {
  dims: [40, 30, 20],
  origin: [-39, -29, -38],
  steps: [
    [2, 0, 0],
    [0, 2, 0],
    [0, 0, 4],
  ],
};
/** One towards each end of the patient, none of them in the middle of another's axis. */
const balls = (["left", "posterior", "head"] as const).map((name, at) => {
  const centre: Lps = [name === "left" ? 24 : 0, name === "posterior" ? 18 : 0, name === "head" ? 26 : 0];
  return { label: at + 1, centre, radiusMm: 8, hu: 100 * (at + 1) };
});
const [left, posterior, head] = [1, 2, 3];

const whole = ({ dims }: Grid): IndexBox => [
  [0, dims[0] - 1],
  [0, dims[1] - 1],
  [0, dims[2] - 1],
];

function sectionThrough(stored: Grid, plane: Plane, label: number, pixelMm = 1): Section {
  const { volume, labelMap } = phantom(stored, balls);
  const { axis } = planeAxes(stored, plane).through;
  const counts = countLabelsBySlice(labelMap)[axis].map((count, at) => (at % 256 === label ? count : 0));
  return cutSection(volume, labelMap, { plane, index: chooseSlices(counts, 1)[0]!, box: whole(stored), pixelMm });
}

/** Centre of a label in the picture, as shares of its width and height from the upper left; null where it is not in the picture. */
function placeOf({ labels, width, height }: Section, label: number): { x: number; y: number } | null {
  const at = [...labels.keys()].filter((pixel) => labels[pixel] === label);
  if (at.length === 0) return null;
  const mean = (of: (pixel: number) => number) => at.reduce((sum, pixel) => sum + of(pixel) + 0.5, 0) / at.length;
  return { x: mean((pixel) => pixel % width) / width, y: mean((pixel) => Math.floor(pixel / width)) / height };
}

function assertNear(found: { x: number; y: number } | null, x: number, y: number, name: string): void {
  assert.ok(found && Math.abs(found.x - x) < 0.03 && Math.abs(found.y - y) < 0.03, `${name}: ${JSON.stringify(found)} for ${x}, ${y}`);
}

test("left is on the right, anterior and head are up, in whichever of 48 ways the volume is stored", () => {
  for (const order of allOrders)
    for (const flips of allFlips) {
      const stored = storedOtherwise(grid, order, flips);
      const name = `axes ${order.join("")}, flips ${flips.map(Number).join("")}`;
      // The grid spans 80 x 60 x 80 mm around (0, 0, 0).
      const axial = sectionThrough(stored, "axial", left);
      assert.deepEqual([axial.width, axial.height], [80, 60], name);
      assertNear(placeOf(axial, left), 0.5 + 24 / 80, 0.5, `${name}, left in axial`);
      assertNear(placeOf(axial, posterior), 0.5, 0.5 + 18 / 60, `${name}, posterior in axial`);
      const coronal = sectionThrough(stored, "coronal", head);
      assertNear(placeOf(coronal, left), 0.5 + 24 / 80, 0.5, `${name}, left in coronal`);
      assertNear(placeOf(coronal, head), 0.5, 0.5 - 26 / 80, `${name}, head in coronal`);
      const sagittal = sectionThrough(stored, "sagittal", head);
      assertNear(placeOf(sagittal, posterior), 0.5 + 18 / 60, 0.5, `${name}, posterior in sagittal`);
      assertNear(placeOf(sagittal, head), 0.5, 0.5 - 26 / 80, `${name}, head in sagittal`);
    }
});

test("directions of a section say what they show, also for an oblique grid", () => {
  for (const flips of allFlips) {
    const axial = sectionThrough(storedOtherwise(grid, [0, 1, 2], flips), "axial", left);
    assert.deepEqual(
      [axial.right.map(Math.round), axial.down.map(Math.round)],
      [
        [1, 0, 0],
        [0, 1, 0],
      ].map((v) => v.map((part) => part + 0)),
    );
  }
  const turned: Grid = {
    ...grid,
    steps: [
      [2 * Math.cos(0.3), 2 * Math.sin(0.3), 0],
      [-2 * Math.sin(0.3), 2 * Math.cos(0.3), 0],
      [0, 0, 4],
    ],
  };
  const { right } = sectionThrough(turned, "axial", left);
  assert.ok(Math.abs(right[0] - Math.cos(0.3)) < 1e-12 && Math.abs(right[1] - Math.sin(0.3)) < 1e-12);
});

test("a ball is round however large the voxels are along each axis", () => {
  for (const plane of ["axial", "coronal", "sagittal"] as const) {
    const { labels, width } = sectionThrough(grid, plane, left, 0.5);
    const pixels = [...labels.keys()].filter((at) => labels[at] === left);
    const extent = (of: (at: number) => number) => Math.max(...pixels.map(of)) - Math.min(...pixels.map(of)) + 1;
    const [across, down] = [extent((at) => at % width), extent((at) => Math.floor(at / width))];
    // 16 mm at half a millimetre, to a voxel of 4 mm.
    assert.ok(Math.abs(across - 32) <= 8 && Math.abs(down - 32) <= 8, `${plane}: ${across} x ${down}`);
  }
});

test("HU are interpolated between voxel centres and kept at them", () => {
  const small: Grid = { ...grid, dims: [2, 2, 1] };
  const volume = { grid: small, hu: Int16Array.from([0, 100, 200, 300]) };
  const labelMap = { grid: small, labels: Uint8Array.from([1, 2, 3, 4]) };
  const { hu, labels } = cutSection(volume, labelMap, { plane: "axial", index: 0, box: whole(small), pixelMm: 1 });
  // Pixels of 1 mm on voxels of 2 mm: centres at -0.25, 0.25, 0.75, 1.25 of a voxel, held at the outermost centres.
  const share = [0, 0.25, 0.75, 1];
  assert.deepEqual(
    [...hu],
    share.flatMap((down) => share.map((across) => 100 * across + 200 * down)),
  );
  assert.deepEqual([...labels], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
});
