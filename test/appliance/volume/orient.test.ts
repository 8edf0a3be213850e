import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ijk } from "../../../appliance/volume/grid.ts";
import { rasTurns, turnView, type VoxelView, viewOf } from "../../../appliance/volume/orient.ts";
import { gridFromRas, readReference } from "../../reference/read.ts";

const cases = readReference<{ name: string; matrix: number[][]; dims: number[]; order: number[] }[]>("orientation");

/** Every voxel of a view, first axis fastest. */
function read({ data, dims, offset, strides }: VoxelView): number[] {
  const values: number[] = [];
  for (let c = 0; c < dims[2]; c++)
    for (let b = 0; b < dims[1]; b++)
      for (let a = 0; a < dims[0]; a++) values.push(data[offset + a * strides[0] + b * strides[1] + c * strides[2]]!);
  return values;
}

const source: Ijk = [2, 3, 4];
const numbered = Int16Array.from({ length: 24 }, (_, at) => at);

test("every one of the 48 orientations, and oblique and sheared grids, are turned to RAS as nibabel does", () => {
  assert.equal(cases.length, 88);
  for (const { name, matrix, dims, order } of cases) {
    const turned = turnView(viewOf(source, numbered), rasTurns(gridFromRas(source, matrix)));
    assert.deepEqual([...turned.dims], dims, name);
    assert.deepEqual(read(turned), order, name);
  }
});

test("turning a view moves no voxel: what is written through it lies at the source's own index", () => {
  const labels = new Uint8Array(24);
  const turns = rasTurns(
    gridFromRas(source, [
      [0, -1, 0],
      [0, 0, 1],
      [-1, 0, 0],
    ]),
  ); // i to Inferior, j to Left, k to Anterior
  const view = turnView(viewOf(source, labels), turns);
  // Rightmost, most posterior, most superior voxel: j = 0, k = 0, i = 0.
  labels[view.offset + (view.dims[0] - 1) * view.strides[0] + (view.dims[2] - 1) * view.strides[2]] = 9;
  assert.equal(labels[0], 9);
});

test("a grid whose axes lie in one plane is refused", () => {
  const flat = gridFromRas(source, [
    [1, 0, 1],
    [0, 1, 1],
    [0, 0, 0],
  ]);
  assert.throws(() => rasTurns(flat), { code: "grid-flat" });
});

test("a view of too few voxels is refused", () => {
  assert.throws(() => viewOf([2, 3, 5], numbered), /holds 30 voxels, found 24/);
});
