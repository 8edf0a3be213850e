import assert from "node:assert/strict";
import { test } from "node:test";
import { postprocess } from "../../../appliance/nnunet/postprocess.ts";
import type { Ijk } from "../../../appliance/volume/grid.ts";
import { connectedPieces } from "../../../appliance/volume/pieces.ts";
import { readReference, uint8Of } from "../../reference/read.ts";

type Reference = {
  name: string;
  dims: Ijk;
  voxelMm3: number;
  removeSmallBlobsMm3: number | null;
  removeSmallBlobsMm3Of: Record<string, number>;
  keepLargest: number[];
  before: string;
  after: string;
  pieces: number;
};

for (const sample of readReference<Reference[]>("pieces"))
  test(`small pieces go and largest ones stay as with scipy's components: ${sample.name}`, () => {
    const { dims, voxelMm3, removeSmallBlobsMm3 } = sample;
    const labels = uint8Of(sample.before);
    assert.equal(connectedPieces(labels, dims).count, sample.pieces);
    postprocess(labels, dims, voxelMm3, {
      removeSmallBlobsMm3,
      removeSmallBlobsMm3Of: new Map(Object.entries(sample.removeSmallBlobsMm3Of).map(([value, mm3]) => [Number(value), mm3])),
      keepLargest: new Set(sample.keepLargest),
    });
    assert.deepEqual(labels, uint8Of(sample.after));
  });

test("without anything to do a label map stays as it is", () => {
  const labels = Uint8Array.of(1, 0, 2);
  postprocess(labels, [3, 1, 1], 1, { removeSmallBlobsMm3: null, removeSmallBlobsMm3Of: new Map(), keepLargest: new Set() });
  assert.deepEqual([...labels], [1, 0, 2]);
});
