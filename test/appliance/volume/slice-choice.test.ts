import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseSlices, countLabelsBySlice, labelledRange } from "../../../appliance/volume/slice-choice.ts";
import { axialGrid, noiseLabels } from "../../make/result-request.ts";

/** Counts of slices given as label to voxels. */
const countsOf = (...slices: Readonly<Record<number, number>>[]): Int32Array => {
  const counts = new Int32Array(256 * slices.length);
  for (const [index, slice] of slices.entries())
    for (const [label, count] of Object.entries(slice)) counts[256 * index + Number(label)] = count;
  return counts;
};

test("every voxel of a label is counted once along each axis", () => {
  const grid = axialGrid(7, 5, 4);
  const labels = noiseLabels(grid, 3, 0.4, 1);
  const expected = [new Int32Array(256 * 7), new Int32Array(256 * 5), new Int32Array(256 * 4)];
  for (const [at, label] of labels.entries()) {
    if (label === 0) continue;
    const index = [at % 7, Math.floor(at / 7) % 5, Math.floor(at / 35)];
    for (const axis of [0, 1, 2]) expected[axis]![256 * index[axis]! + label]!++;
  }
  assert.deepEqual(countLabelsBySlice({ grid, labels }), expected);
});

test("one slice is where the structures have most of their area, a small one counting as much as a large one", () => {
  assert.deepEqual(chooseSlices(countsOf({ 1: 1000 }, { 1: 900, 2: 5 }, { 2: 6 }), 1), [1]);
});

test("each further slice shows what those before it do not", () => {
  assert.deepEqual(chooseSlices(countsOf({ 3: 1 }, { 1: 1000 }, { 1: 990, 2: 5 }, { 1: 980, 2: 5 }), 2), [0, 2]);
});

test("no more slices than show something better", () => {
  assert.deepEqual(chooseSlices(countsOf({}, { 1: 8, 2: 3 }, { 1: 7 }, {}), 4), [1]);
});

test("of equal slices the one nearest the middle is taken, and the middle one where nothing is labelled", () => {
  const rod = Array.from({ length: 9 }, () => ({ 1: 5 }));
  assert.deepEqual(chooseSlices(countsOf(...rod), 3), [4]);
  assert.deepEqual(chooseSlices(countsOf({}, {}, {}, {}), 2), [1]);
});

test("the labelled range goes from the first to the last slice with a label", () => {
  assert.deepEqual(labelledRange(countsOf({}, { 255: 1 }, {}, { 1: 1 }, {})), [1, 3]);
  assert.equal(labelledRange(countsOf({}, {})), null);
});
