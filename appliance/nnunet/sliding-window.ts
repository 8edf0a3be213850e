import type { Ijk } from "../volume/grid.ts";
import type { Infer } from "./infer.ts";
import type { Zyx } from "./plans.ts";
import { type Prepared, shapeOf } from "./preprocess.ts";
import { SlabSum } from "./slab-sum.ts";
import { tilePositions, tileWeights } from "./tiles.ts";

export type SlidingWindowOptions = {
  /** Largest distance between tiles as a share of the tile: above 0, at most 1. */
  readonly stepSize: number;
  readonly onProgress?: (tilesDone: number, tilesTotal: number) => void;
  readonly signal?: AbortSignal;
};

/**
 * Labels of a prepared CT, on its own grid, from overlapping tiles. A CT smaller than a tile lies in the tile's middle, surrounded by 0 (the
 * mean of the training foreground, as values are normalised already).
 *
 * @param values normalised value per HU, see normalisedValues
 * @source nnunetv2/inference/predict_from_raw_data.py, predict_sliding_window_return_logits; acvl_utils, pad_nd_image
 */
export async function slideWindow(
  { hu, dims, box }: Prepared,
  values: Float32Array,
  tile: Zyx,
  classes: number,
  infer: Infer,
  { stepSize, onProgress, signal }: SlidingWindowOptions,
): Promise<Uint8Array> {
  const boxShape = shapeOf(box.dims);
  const before = boxShape.map((length, axis) => Math.max(0, Math.floor((tile[axis]! - length) / 2)));
  const padded: Zyx = [Math.max(boxShape[0], tile[0]), Math.max(boxShape[1], tile[1]), Math.max(boxShape[2], tile[2])];
  const labels = new Uint8Array(hu.length);
  const [ni, nj] = dims;
  const [bi, bj, bk] = box.dims;
  const [i0, j0, k0] = box.start;

  const slab = new SlabSum(classes, padded, tile, tileWeights(tile), (z, slice) => {
    const k = z - before[0]!;
    if (k < 0 || k >= bk) return;
    for (let j = 0; j < bj; j++) {
      const from = (j + before[1]!) * padded[2] + before[2]!;
      labels.set(slice.subarray(from, from + bi), i0 + ni * (j0 + j + nj * (k0 + k)));
    }
  });

  const tiles = tilePositions(padded, tile, stepSize);
  const patch = new Float32Array(tile[0] * tile[1] * tile[2]);
  onProgress?.(0, tiles.length);
  for (const [index, start] of tiles.entries()) {
    signal?.throwIfAborted();
    const first: Ijk = [start[2] - before[2]!, start[1] - before[1]!, start[0] - before[0]!];
    readPatch(hu, dims, { start: [i0, j0, k0], dims: box.dims }, values, first, tile, patch);
    slab.add(await infer(patch, tile), start);
    onProgress?.(index + 1, tiles.length);
  }
  slab.end();
  return labels;
}

/** Fills a patch whose first voxel is `first` of the box; what lies outside the box is 0. */
function readPatch(
  hu: Int16Array,
  [ni, nj]: Ijk,
  { start: [i0, j0, k0], dims: [bi, bj, bk] }: Prepared["box"],
  values: Float32Array,
  [fi, fj, fk]: Ijk,
  [depth, height, width]: Zyx,
  patch: Float32Array,
): void {
  patch.fill(0);
  const xFrom = Math.max(0, -fi);
  const xTo = Math.min(width, bi - fi);
  for (let z = Math.max(0, -fk); z < Math.min(depth, bk - fk); z++) {
    for (let y = Math.max(0, -fj); y < Math.min(height, bj - fj); y++) {
      const to = (z * height + y) * width;
      const from = i0 + fi + ni * (j0 + fj + y + nj * (k0 + fk + z));
      for (let x = xFrom; x < xTo; x++) patch[to + x] = values[hu[from + x]! + 32768]!;
    }
  }
}
