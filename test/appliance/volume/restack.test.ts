import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { compareLabels } from "../../../appliance/volume/compare.ts";
import { type Grid, ijkToLps, type Lps, lpsToIjk, sliceGapsMm } from "../../../appliance/volume/grid.ts";
import { measureLabels } from "../../../appliance/volume/measure.ts";
import { regularGridOf } from "../../../appliance/volume/regular-grid.ts";
import { restackHu, restackLabels, straighten } from "../../../appliance/volume/restack.ts";
import type { CtVolume } from "../../../appliance/volume/volume.ts";
import { type Ball, phantom } from "../../make/phantom.ts";
import { python } from "../../peers/python.ts";

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** 48 x 44 pixels of 2 x 2.2 mm, these heights, as a gantry tilted by so many degrees takes them: rows lean, the table moves along z. */
function slices(degrees: number, heights: readonly number[]): Grid {
  const column: Lps = [0, Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  const sliceOrigins = heights.map((z): Lps => [-47, -45, z]);
  const mean = (heights.at(-1)! - heights[0]!) / (heights.length - 1);
  return {
    dims: [48, 44, heights.length],
    origin: sliceOrigins[0]!,
    steps: [
      [2, 0, 0],
      [0, 2.2 * column[1], 2.2 * column[2]],
      [0, 0, mean],
    ],
    sliceOrigins,
  };
}

const even = Array.from({ length: 30 }, (_, k) => -45 + 3 * k);
const twoSpacings = [...Array.from({ length: 16 }, (_, k) => -45 + 2.5 * k), ...Array.from({ length: 10 }, (_, k) => -2.5 + 5 * k)];
const grids: readonly (readonly [what: string, grid: Grid])[] = [
  ["tilted by 18.5 degrees", slices(18.5, even)],
  ["tilted by -18.5 degrees", slices(-18.5, even)],
  ["of 2.5 and 5 mm", slices(0, twoSpacings)],
  ["of 2.5 and 5 mm, tilted by 22 degrees", slices(22, twoSpacings)],
];

/** Waves of 60 mm and more: linear interpolation between voxels h mm apart is off by h^2 (2 pi / 60)^2 amplitude / 8 per axis. */
const wave = ([x, y, z]: Lps): number =>
  150 * Math.sin((2 * Math.PI * x) / 60) + 150 * Math.cos((2 * Math.PI * y) / 70) + 150 * Math.sin((2 * Math.PI * z) / 80);
const largestOff = 0.5 + ((2 * Math.PI) ** 2 * 150 * (2.2 ** 2 / 60 ** 2 + 2.2 ** 2 / 70 ** 2 + 5 ** 2 / 80 ** 2)) / 8 + 0.5;

function sampled(grid: Grid): CtVolume {
  const hu = new Int16Array(grid.dims[0] * grid.dims[1] * grid.dims[2]);
  for (let k = 0, at = 0; k < grid.dims[2]; k++)
    for (let j = 0; j < grid.dims[1]; j++)
      for (let i = 0; i < grid.dims[0]; i++, at++) hu[at] = Math.round(wave(ijkToLps(grid, [i, j, k])));
  return { grid, hu };
}

for (const [what, grid] of grids)
  test(`slices ${what} are straightened to what regular slices would show, and to what scipy makes of them`, async () => {
    const { volume } = straighten(sampled(grid));
    assert.deepEqual(volume.grid, regularGridOf(grid));
    const expected = sampled(volume.grid).hu;
    const [ni, nj, nk] = volume.grid.dims;
    let inside = 0;
    for (let k = 0, at = 0; k < nk; k++)
      for (let j = 0; j < nj; j++)
        for (let i = 0; i < ni; i++, at++) {
          const [sourceI, sourceJ] = lpsToIjk(grid, ijkToLps(volume.grid, [i, j, k]));
          if (Math.min(sourceI, sourceJ) < 1 || sourceI > 46 || sourceJ > 42) continue; // a border is held for half a pixel
          inside++;
          assert.ok(Math.abs(volume.hu[at]! - expected[at]!) <= largestOff, `${[i, j, k]}: ${volume.hu[at]}, expected ${expected[at]}`);
        }
    assert.ok(inside > 44 * 40 * (nk - 1), `${inside} voxels`);
    const { differing, compared } = (await python(join(import.meta.dirname, "restack.py"), {
      source: { ...grid, hu: [...sampled(grid).hu] },
      target: { ...volume.grid, hu: [...volume.hu] },
    })) as { differing: number; compared: number };
    assert.ok(compared > inside * 0.9);
    assert.equal(differing, 0);
  });

/** Each over 1 ml, none of them alike, none in the middle, so that an axis the wrong way round shows. */
const markers: readonly Ball[] = [
  { label: 1, centre: [22, -3, 4], radiusMm: 12, hu: 40 },
  { label: 2, centre: [-8, 18, -6], radiusMm: 9, hu: 60 },
  { label: 3, centre: [5, -14, 20], radiusMm: 14, hu: 80 },
];

for (const [what, grid] of grids)
  test(`a label map of slices ${what} goes to the regular grid and back, and lies there where it lay`, () => {
    const { volume, labelMap } = phantom(grid, markers);
    const straight = straighten(volume);
    const there = restackLabels(labelMap, straight.volume.grid);
    const back = straight.toSlices(there);
    assert.deepEqual(back.grid, grid);
    for (const { value, dice, volumeMlA, volumeMlB } of compareLabels(grid, labelMap.labels, back.labels).labels) {
      assert.ok(volumeMlA > 1);
      assert.ok(dice >= 0.99, `label ${value}: Dice ${dice}`);
      assert.ok(Math.abs(volumeMlB / volumeMlA - 1) < 0.01);
    }
    const widestMm = Math.max(...sliceGapsMm(grid));
    const measures = [
      ["as received", measureLabels(volume, labelMap)],
      ["straightened", measureLabels(restackHu(volume, there.grid), there)],
    ] as const;
    for (const [where, found] of measures)
      for (const { value, centre, volumeMl } of found) {
        const marker = markers[value - 1]!;
        const offMm = Math.hypot(...centre.map((mm, axis) => mm - marker.centre[axis]!));
        // Half a voxel as received; of a plane between two slices the lower one's labels are taken, which moves them by less.
        assert.ok(offMm < (where === "as received" ? 0.5 : widestMm / 2), `label ${value} ${where}: ${offMm.toFixed(2)} mm off`);
        assert.ok(
          Math.abs(volumeMl / ((4 / 3) * Math.PI * (marker.radiusMm / 10) ** 3) - 1) < (where === "as received" ? 0.05 : 0.12),
          `label ${value} ${where}: ${volumeMl} ml`,
        );
      }
  });

test("what a network finds on the regular grid comes back to each slice from its nearest one", () => {
  const grid = slices(0, [0, 2, 4, 6, 9, 12, 15]);
  const regular = regularGridOf(grid)!;
  assert.equal(regular.dims[2], 9); // every 1.875 mm
  const ofSlice = regular.dims[0] * regular.dims[1];
  const labels = Uint8Array.from({ length: ofSlice * 9 }, (_, at) => Math.floor(at / ofSlice));
  const back = restackLabels({ grid: regular, labels }, grid);
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((k) => back.labels[k * ofSlice + 100]),
    [0, 1, 2, 3, 5, 6, 8],
  );
});

test("outside the slices a straightened volume is air and a label map background", () => {
  const grid = slices(30, even);
  const { volume } = straighten({ grid, hu: new Int16Array(48 * 44 * 30).fill(70) });
  assert.deepEqual(
    [...new Set(volume.hu)].sort((a, b) => a - b),
    [-1024, 70],
  );
  const there = restackLabels({ grid, labels: new Uint8Array(48 * 44 * 30).fill(1) }, volume.grid);
  assert.equal(
    there.labels.reduce((sum, label) => sum + label, 0),
    48 * 44 * 30,
  );
});
