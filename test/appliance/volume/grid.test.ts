import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  cross,
  dot,
  type Grid,
  ijkToLps,
  isEven,
  type Lps,
  length,
  lpsToIjk,
  scale,
  slabsMm,
  sliceGapsMm,
  spacingMm,
  subtract,
  voxelCount,
  voxelsMl,
} from "../../../appliance/volume/grid.ts";

/** 0.5 x 0.5 x 3 mm, k towards the feet. */
const axial: Grid = {
  dims: [512, 256, 40],
  origin: [-128, -64, 90],
  steps: [
    [0.5, 0, 0],
    [0, 0.5, 0],
    [0, 0, -3],
  ],
};

/** Slices sheared along y, as of a tilted gantry: 2 mm apart along z. */
const sheared: Grid = {
  dims: [4, 4, 4],
  origin: [1, 2, 3],
  steps: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 1.5, 2],
  ],
};

/** Slices of a gantry tilted by atan(0.5) at 0, 2, 4 and 9 mm: 2 mm of shift at the third. */
const uneven: Grid = {
  dims: [4, 4, 4],
  origin: [1, 2, 3],
  steps: [
    [0.5, 0, 0],
    [0, 0.5, 0],
    [0, 1.5, 3],
  ],
  sliceOrigins: [
    [1, 2, 3],
    [1, 3, 5],
    [1, 4, 7],
    [1, 6.5, 12],
  ],
};

function close(found: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(found.length, expected.length);
  for (const [axis, value] of expected.entries())
    assert.ok(Math.abs(found[axis]! - value) <= tolerance, `expected ${expected}, found ${found}`);
}

test("voxel (0,0,0) has its centre at the origin, and each index moves by its step", () => {
  assert.deepEqual(ijkToLps(axial, [0, 0, 0]), [-128, -64, 90]);
  assert.deepEqual(ijkToLps(axial, [2, 4, 10]), [-127, -62, 60]);
  assert.deepEqual(ijkToLps(axial, [0.5, 0, 0]), [-127.75, -64, 90]);
});

test("in a sheared grid a step along k moves along y too", () => {
  assert.deepEqual(ijkToLps(sheared, [0, 0, 2]), [1, 5, 7]);
  assert.deepEqual(lpsToIjk(sheared, [1, 5, 7]), [0, 0, 2]);
});

test("an index goes to patient space and back, in whatever grid", () => {
  const number = (most: number) => fc.integer({ min: -1000 * most, max: 1000 * most }).map((thousandths) => thousandths / 1000);
  const vector = (most: number) => fc.tuple(number(most), number(most), number(most));
  const grids = fc.record({ a: vector(5), b: vector(5), c: vector(5), origin: vector(1000), ijk: vector(500) });
  fc.assert(
    fc.property(grids, ({ a, b, c, origin, ijk }) => {
      fc.pre(Math.abs(dot(a, cross(b, c))) > 1); // a flat grid has no inverse, and a nearly flat one loses digits
      const grid: Grid = { dims: [1, 1, 1], origin, steps: [a, b, c] };
      close(lpsToIjk(grid, ijkToLps(grid, ijk)), ijk, 1e-8);
    }),
  );
});

test("uneven slices lie where they say; between and beyond them k goes on in line", () => {
  assert.deepEqual(ijkToLps(uneven, [2, 0, 3]), [2, 6.5, 12]);
  assert.deepEqual(ijkToLps(uneven, [0, 1, 2.5]), [1, 5.75, 9.5]);
  assert.deepEqual(ijkToLps(uneven, [0, 0, -0.5]), [1, 1.5, 2]);
  assert.deepEqual(ijkToLps(uneven, [0, 0, 4]), [1, 9, 17]);
  for (const k of [-1, -0.5, 0, 0.25, 1, 1.75, 2, 2.5, 3, 3.5, 5])
    close(lpsToIjk(uneven, ijkToLps(uneven, [1.5, -2, k])), [1.5, -2, k], 1e-12);
});

test("a slab reaches half-way to both neighbours, and a voxel holds its share of it", () => {
  assert.deepEqual(sliceGapsMm(uneven), [2, 2, 5]);
  assert.deepEqual([...slabsMm(uneven)], [2, 2, 3.5, 5]);
  assert.deepEqual([...voxelsMl(uneven)], [0.0005, 0.0005, 0.000875, 0.00125]);
});

test("slices that are even but for rounded positions have slabs of one thickness", () => {
  const heights = [0, 0.6, 1.3, 1.9, 2.5];
  const sliceOrigins = heights.map((z): Lps => [0, 0, z]);
  const rounded: Grid = {
    dims: [1, 1, 5],
    origin: [0, 0, 0],
    steps: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 0.625],
    ],
    sliceOrigins,
  };
  assert.equal(isEven(rounded), true);
  assert.deepEqual([...slabsMm(rounded)], [0.625, 0.625, 0.625, 0.625, 0.625]);
  assert.equal(isEven(uneven), false);
});

test("spacing is the distance of neighbours, also of sheared ones", () => {
  assert.deepEqual(spacingMm(axial), [0.5, 0.5, 3]);
  assert.deepEqual(spacingMm(sheared), [1, 1, 2.5]);
});

test("a voxel's volume is that of its parallelepiped: shearing keeps it, a left-handed grid too", () => {
  assert.equal(voxelsMl(axial)[7], 0.00075);
  assert.equal(voxelsMl(sheared)[0], 0.002);
});

test("voxels are counted", () => {
  assert.equal(voxelCount(axial), 512 * 256 * 40);
});

test("the cross product is right-handed and stands on both", () => {
  const [x, y, z]: Lps[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  assert.deepEqual(cross(x!, y!), z);
  const [a, b]: Lps[] = [
    [1, 2, 3],
    [-2, 0.5, 4],
  ];
  assert.equal(dot(cross(a!, b!), a!), 0);
  assert.equal(dot(cross(a!, b!), b!), 0);
});

test("vectors are measured, scaled and subtracted", () => {
  assert.equal(length([3, 4, 12]), 13);
  assert.deepEqual(scale([1, -2, 3], 2), [2, -4, 6]);
  assert.deepEqual(subtract([5, 5, 5], [1, 2, 3]), [4, 3, 2]);
});
