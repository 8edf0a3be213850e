import type { Ijk } from "../volume/grid.ts";
import type { Infer } from "./infer.ts";
import type { Merging } from "./merge.ts";
import { mirrorings, mirrorPatch } from "./mirror.ts";
import type { Zyx } from "./plans.ts";
import type { Prepared } from "./preprocess.ts";
import type { Windows } from "./windows.ts";

export type SlidingWindowOptions = {
  /** Axes of the network (0 z, 1 y, 2 x) to mirror patches along. */
  readonly mirrorAxes: readonly number[];
  /** Called after each tile. */
  readonly onTile: () => void;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Asks the network about every tile and brings its answers to be merged. While one answer is merged the next is computed, if `merge` works
 * elsewhere. What lies outside the box is 0 for the network: the mean of the training foreground, as values are normalised.
 *
 * @param values normalised value per HU, see normalisedValues
 */
export async function slideWindow(
  prepared: Prepared,
  values: Float32Array,
  windows: Windows,
  infer: Infer,
  merge: Merging,
  { mirrorAxes, onTile, signal }: SlidingWindowOptions,
): Promise<void> {
  const { tile, before, starts, isAir, box } = windows;
  const seen = { hu: prepared.hu, dims: prepared.dims, box };
  const subsets = mirrorings(mirrorAxes);
  const patch = new Float32Array(tile[0] * tile[1] * tile[2]);
  const mirrored = subsets.length > 1 ? new Float32Array(patch.length) : patch;
  let merged: Promise<void> = Promise.resolve();
  for (const [index, start] of starts.entries()) {
    signal?.throwIfAborted();
    if (isAir[index]) {
      await merged;
      merged = merge.add(null, start, []);
      onTile();
      continue;
    }
    readPatch(seen, values, [start[2] - before[2], start[1] - before[1], start[0] - before[0]], tile, patch);
    for (const subset of subsets) {
      if (subset.length > 0) mirrorPatch(patch, tile, subset, mirrored);
      const output = await infer(subset.length > 0 ? mirrored : patch, tile);
      await merged; // the network's two outputs are in use at most: the one being merged and the one being computed
      merged = merge.add(output, start, subset);
      merged.catch(() => {}); // awaited, and so thrown, in the next round
    }
    onTile();
  }
  await merged;
  await merge.end();
}

/** Fills a patch with normalised values, from voxel `first` of the box on; what lies outside the box is 0. */
export function readPatch(
  { hu, dims: [ni, nj], box }: Pick<Prepared, "hu" | "dims" | "box">,
  values: Float32Array,
  [fi, fj, fk]: Ijk,
  [depth, height, width]: Zyx,
  patch: Float32Array,
): void {
  const [i0, j0, k0] = box.start;
  const [bi, bj, bk] = box.dims;
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
