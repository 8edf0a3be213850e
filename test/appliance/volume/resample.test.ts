import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Ijk } from "../../../appliance/volume/grid.ts";
import { turnView, viewOf } from "../../../appliance/volume/orient.ts";
import { roundHalfEven, zoomCt, zoomedLength, zoomLinear, zoomNearest } from "../../../appliance/volume/resample.ts";
import { int16Of, readReference, uint8Of } from "../../reference/read.ts";

type Reference = {
  cubic: { dims: Ijk; zoom: Ijk; hu: string; zoomedDims: Ijk; zoomed: string }[];
  linear: { dims: Ijk; zoom: Ijk; hu: string; zoomedDims: Ijk; zoomed: string }[];
  nearest: { dims: Ijk; labels: string; zoomedDims: Ijk; zoomed: string }[];
};
const reference = readReference<Reference>("zoom");

test("linear zoom equals scipy's to 1 HU after cutting the fraction off, and nearly always exactly", () => {
  let [voxels, unequal] = [0, 0];
  for (const { dims, zoom, hu, zoomedDims, zoomed } of reference.linear) {
    assert.deepEqual(
      dims.map((length, axis) => zoomedLength(length, zoom[axis]!)),
      zoomedDims,
    );
    const expected = int16Of(zoomed);
    const found = zoomLinear(viewOf(dims, int16Of(hu)), zoomedDims);
    assert.equal(found.length, expected.length);
    for (const [at, value] of found.entries()) {
      // The sum of eight weighted corners, as scipy forms it, may fall just below a whole number that interpolating axis by axis meets.
      assert.ok(Math.abs(value - expected[at]!) <= 1, `${dims} at ${at}: ${value} against ${expected[at]}`);
      voxels++;
      if (value !== expected[at]) unequal++;
    }
  }
  assert.ok(unequal / voxels < 0.05, `${unequal} of ${voxels} voxels differ by 1`);
});

test("cubic zoom equals scipy's to 1 HU after cutting the fraction off, and nearly always exactly, however many slices", () => {
  let [voxels, unequal] = [0, 0];
  for (const { dims, hu, zoomedDims, zoomed } of reference.cubic) {
    const expected = int16Of(zoomed);
    const found = zoomCt(viewOf(dims, int16Of(hu)), zoomedDims, 3);
    const isConstant = new Set(int16Of(hu)).size === 1; // there every voxel is a whole number but for rounding
    for (const [at, value] of found.entries()) {
      assert.ok(Math.abs(value - expected[at]!) <= 1, `${dims} at ${at}: ${value} against ${expected[at]}`);
      if (isConstant) continue;
      voxels++;
      if (value !== expected[at]) unequal++;
    }
  }
  assert.ok(voxels > 30_000);
  assert.ok(unequal / voxels < 0.01, `${unequal} of ${voxels} voxels differ by 1`);
});

test("nearest zoom equals scipy's in every voxel", () => {
  for (const { dims, labels, zoomedDims, zoomed } of reference.nearest) {
    const found = new Uint8Array(zoomedDims[0] * zoomedDims[1] * zoomedDims[2]);
    zoomNearest(viewOf(dims, uint8Of(labels)), viewOf(zoomedDims, found));
    assert.deepEqual(found, uint8Of(zoomed), `${dims} to ${zoomedDims}`);
  }
});

test("by hand: three voxels become five, halves are cut towards zero", () => {
  const view = viewOf([3, 1, 1], Int16Array.of(0, 5, -2));
  assert.deepEqual([...zoomLinear(view, [5, 1, 1])], [0, 2, 5, 1, -2]);
  const negative = viewOf([2, 1, 1], Int16Array.of(-5, 0));
  assert.deepEqual([...zoomLinear(negative, [3, 1, 1])], [-5, -2, 0]);
});

test("halves round to the even number, as numpy's do", () => {
  assert.deepEqual([0.5, 1.5, 2.5, 3.49, 3.51, -0.5, -1.5].map(roundHalfEven), [0, 2, 2, 3, 4, 0, -2]);
  assert.equal(zoomedLength(5, 0.5), 2);
  assert.equal(zoomedLength(1, 0.2), 1, "an axis never vanishes");
});

const dimsOf = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));
const volumeOf = dimsOf.chain((dims) => {
  const size = dims[0] * dims[1] * dims[2];
  return fc.tuple(fc.constant(dims), fc.int16Array({ minLength: size, maxLength: size }));
});

test("zooming to the same size changes nothing", () => {
  fc.assert(fc.property(volumeOf, ([dims, hu]) => assert.deepEqual(zoomLinear(viewOf(dims, hu), dims), hu)));
});

test("no value leaves the range of the volume it comes from", () => {
  fc.assert(
    fc.property(volumeOf, dimsOf, ([dims, hu], target) => {
      const [low, high] = [Math.min(...hu), Math.max(...hu)];
      for (const value of zoomLinear(viewOf(dims, hu), target)) assert.ok(value >= Math.min(low, 0) && value <= Math.max(high, 0));
    }),
  );
});

test("a turned view is zoomed as its copy would be", () => {
  const dims: Ijk = [4, 3, 5];
  const hu = Int16Array.from({ length: 60 }, (_, at) => ((at * 7919) % 4000) - 1000);
  const turned = turnView(viewOf(dims, hu), [
    { axis: 2, flip: true },
    { axis: 0, flip: false },
    { axis: 1, flip: true },
  ]);
  const copy = new Int16Array(60);
  for (let c = 0, at = 0; c < 3; c++)
    for (let b = 0; b < 4; b++) for (let a = 0; a < 5; a++) copy[at++] = hu[b + 4 * (2 - c + 3 * (4 - a))]!;
  assert.deepEqual(zoomLinear(turned, [7, 6, 2]), zoomLinear(viewOf([5, 4, 3], copy), [7, 6, 2]));
});
