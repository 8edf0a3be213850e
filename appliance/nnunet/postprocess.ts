import type { Ijk } from "../volume/grid.ts";
import { connectedPieces } from "../volume/pieces.ts";

export type Postprocessing = {
  /** Connected pieces of a label of this volume or less are taken away; null for none. */
  readonly removeSmallBlobsMm3: number | null;
  /** Values of labels of which only the largest piece stays; small pieces are not looked for in them. */
  readonly keepLargest: ReadonlySet<number>;
};

/**
 * Takes small pieces of labels away, and all but the largest piece of some, in place. Pieces are connected through faces.
 *
 * Of pieces of one size the first one in memory stays; upstream takes the first one along its slowest axis.
 *
 * @source totalsegmentator/postprocessing.py, remove_small_blobs_multilabel and keep_largest_blob_multilabel; called in nnunet.py with 200 mm3 for
 * all labels, or for the body with keep largest for the trunk and 50 000 mm3 for the extremities
 */
export function postprocess(labels: Uint8Array, dims: Ijk, voxelMm3: number, { removeSmallBlobsMm3, keepLargest }: Postprocessing): void {
  if (removeSmallBlobsMm3 === null && keepLargest.size === 0) return;
  const pieces = connectedPieces(labels, dims);
  const smallest = (removeSmallBlobsMm3 ?? 0) / voxelMm3;
  const largest = new Map<number, { size: number; piece: number }>();
  for (let piece = 0; piece < pieces.count; piece++) {
    const value = pieces.value(piece);
    const size = pieces.size(piece);
    if (keepLargest.has(value) && size > (largest.get(value)?.size ?? 0)) largest.set(value, { size, piece });
  }
  pieces.erase((piece) => {
    const value = pieces.value(piece);
    return keepLargest.has(value) ? largest.get(value)!.piece !== piece : pieces.size(piece) <= smallest;
  });
}
