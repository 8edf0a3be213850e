import assert from "node:assert/strict";
import { test } from "node:test";
import { dot, type Grid, ijkToLps, isEven, type Lps, lpsToIjk, normalOf, spacingMm } from "../../../appliance/volume/grid.ts";
import { regularGridOf, tiltDegrees } from "../../../appliance/volume/regular-grid.ts";
import { obliqueGrid } from "../../make/result-request.ts";

const turned = obliqueGrid(40, 30, 20);
const [row, column, step] = turned.steps;

/** The oblique grid's slices pushed along their columns and rows, and at other distances than its own. */
function pushed(perStep: readonly [i: number, j: number], steps: readonly number[] | null = null): Grid {
  const slanted = [0, 1, 2].map((axis) => step[axis]! + perStep[0] * row[axis]! + perStep[1] * column[axis]!) as unknown as Lps;
  if (!steps) return { ...turned, steps: [row, column, slanted] };
  const places = [0];
  for (const width of steps) places.push(places.at(-1)! + width);
  const sliceOrigins = places.map((place) => [0, 1, 2].map((axis) => turned.origin[axis]! + place * slanted[axis]!) as unknown as Lps);
  const mean = slanted.map((mm) => (mm * places.at(-1)!) / steps.length) as unknown as Lps;
  return { dims: [40, 30, places.length], origin: turned.origin, steps: [row, column, mean], sliceOrigins };
}

test("a grid at right angles is regular as it is, so is one that leans by up to a degree or is even but for rounding", () => {
  assert.equal(regularGridOf(turned), null);
  const leaning = pushed([0, 0.02]); // 0.026 of 3 mm
  assert.ok(Math.abs(tiltDegrees(leaning) - 0.5) < 0.01);
  assert.equal(regularGridOf(leaning), null);
  assert.notEqual(regularGridOf(leaning, 0.01), null);
  assert.equal(regularGridOf(pushed([0, 0], [1, 1.02, 0.98, 1])), null);
});

const cases: readonly (readonly [what: string, grid: Grid, dims: readonly number[]])[] = [
  ["tilted", pushed([0, 0.8]), [40, 46, 20]], // 19 steps of 0.8 rows: 15.2 more
  ["tilted the other way", pushed([0, -0.8]), [40, 46, 20]],
  ["pushed sideways", pushed([1, 0]), [59, 30, 20]],
  ["two spacings", pushed([0, 0], [1, 1, 1, 2, 2, 2]), [40, 30, 10]],
  ["both", pushed([0, 0.8], [1, 1, 1, 2, 2, 2]), [40, 38, 10]],
];

for (const [what, grid, dims] of cases)
  test(`the regular grid stands at right angles, is even, and holds every voxel: ${what}`, () => {
    const regular = regularGridOf(grid)!;
    assert.deepEqual(regular.dims, dims);
    assert.equal(isEven(regular), true);
    assert.ok(tiltDegrees(regular) < 1e-5);
    assert.deepEqual(regular.steps.slice(0, 2), grid.steps.slice(0, 2));
    assert.ok(dot(regular.steps[2], normalOf(regular)) > 0);
    assert.ok(Math.abs(spacingMm(regular)[2] - spacingMm(turned)[2]) < 1e-9);
    const [ni, nj, nk] = grid.dims;
    for (const i of [0, ni - 1])
      for (const j of [0, nj - 1])
        for (let k = 0; k < nk; k++)
          for (const [axis, index] of lpsToIjk(regular, ijkToLps(grid, [i, j, k])).entries())
            assert.ok(index > -0.02 && index < regular.dims[axis]! - 0.98, `${[i, j, k]}: ${index}`);
  });

test("k may run against the normal", () => {
  const grid = pushed([0, 0.8], [1, 1, 1, 2, 2, 2]);
  const { sliceOrigins = [], dims } = grid;
  const [a, b, c] = grid.steps;
  const reversed: Grid = {
    dims,
    origin: sliceOrigins.at(-1)!,
    steps: [a, b, [-c[0], -c[1], -c[2]]],
    sliceOrigins: sliceOrigins.toReversed(),
  };
  const regular = regularGridOf(reversed)!;
  assert.deepEqual(regular.dims, regularGridOf(grid)!.dims);
  assert.ok(dot(regular.steps[2], normalOf(regular)) < 0);
});
