import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Zyx } from "../../../appliance/nnunet/plans.ts";
import { gaussianWeights, roundToHalf, tilePositions, tileStarts, tileWeights } from "../../../appliance/nnunet/tiles.ts";
import { readReference } from "../../reference/read.ts";

type Reference = {
  positions: { length: number; tile: number; step: number; starts: number[] }[];
  weights: { tile: Zyx; zerosInHalf: number; at: number[]; exact: number[]; half: number[] }[];
};
const reference = readReference<Reference>("tiles");

test("tiles start where nnU-Net's do", () => {
  for (const { length, tile, step, starts } of reference.positions)
    assert.deepEqual(tileStarts(length, tile, step), starts, `${tile} of ${length} by ${step}`);
});

test("tiles cover every voxel, begin at 0 and end flush, no further apart than the step", () => {
  const lengths = fc.integer({ min: 4, max: 64 }).chain((tile) => fc.tuple(fc.constant(tile), fc.integer({ min: tile, max: 6 * tile })));
  fc.assert(
    fc.property(lengths, fc.constantFrom(0.25, 0.5, 0.8, 1), ([tile, length], step) => {
      const starts = tileStarts(length, tile, step);
      assert.equal(starts[0], 0);
      assert.equal(starts.at(-1)! + tile, length);
      for (const [n, start] of starts.slice(1).entries()) {
        assert.ok(start > starts[n]!);
        assert.ok(start - starts[n]! <= Math.min(tile, tile * step + 1)); // a start is rounded to a whole voxel
      }
    }),
  );
});

test("tiles of a slab follow each other", () => {
  assert.deepEqual(tilePositions([6, 6, 4], [4, 4, 4], 0.5), [
    [0, 0, 0],
    [0, 2, 0],
    [2, 0, 0],
    [2, 2, 0],
  ]);
});

test("a step outside 0 to 1 is refused", () => {
  for (const step of [0, -0.5, 1.1, Number.NaN]) assert.throws(() => tilePositions([8, 8, 8], [4, 4, 4], step), /step size/);
});

test("the Gaussian equals scipy's to 1e-6 of each value", () => {
  for (const { tile, at, exact } of reference.weights) {
    const weights = gaussianWeights(tile);
    for (const [n, index] of at.entries())
      assert.ok(Math.abs(weights[index]! - exact[n]!) <= 1e-6 * exact[n]!, `${tile} at ${index}: ${weights[index]} against ${exact[n]}`);
  }
});

test("tile weights are upstream's half-precision values, with the smallest in place of 0", () => {
  let rounded = 0;
  let compared = 0;
  for (const { tile, zerosInHalf, at, half } of reference.weights) {
    const weights = tileWeights(tile);
    const smallest = weights.reduce((a, b) => Math.min(a, b));
    assert.ok(smallest > 0);
    if (zerosInHalf > 0) assert.ok(weights.reduce((count, weight) => count + Number(weight === smallest), 0) >= zerosInHalf);
    for (const [n, index] of at.entries()) {
      compared++;
      if (weights[index] === half[n]) continue;
      // A product within 1e-15 of the middle between two half-precision numbers may go either way.
      rounded++;
      assert.ok(Math.abs(weights[index]! - half[n]!) <= half[n]! / 1024 + 2 ** -24, `${tile} at ${index}`);
    }
  }
  assert.ok(rounded / compared < 0.01, `${rounded} of ${compared}`);
});

test("rounding to half precision: whole steps stay, halves go to even, tiny values become multiples of 2^-24", () => {
  assert.equal(roundToHalf(10), 10);
  assert.equal(roundToHalf(1 + 1 / 2048), 1);
  assert.equal(roundToHalf(1 + 3 / 2048), 1 + 2 / 1024);
  assert.equal(roundToHalf(2 ** -24 * 1.4), 2 ** -24);
  assert.equal(roundToHalf(2 ** -25), 0);
  assert.equal(roundToHalf(0), 0);
});
