import type { Ijk } from "../volume/grid.ts";
import { connectedPieces } from "../volume/pieces.ts";

export type Postprocessing = {
  /** Connected pieces of a label of this volume or less are taken away; null for none. Not looked for in labels of {@link keepLargest}. */
  readonly removeSmallBlobsMm3: number | null;
  /** The volume for values that have one of their own. */
  readonly removeSmallBlobsMm3Of: ReadonlyMap<number, number>;
  /** Values of labels of which only the largest piece stays. */
  readonly keepLargest: ReadonlySet<number>;
};

/**
 * Takes small pieces of labels away, and all but the largest piece of some, in place. Pieces are connected through faces.
 *
 * Of pieces of one size the first one in memory stays; upstream takes the first one along its slowest axis.
 *
 * @source totalsegmentator/postprocessing.py, remove_small_blobs_multilabel and keep_largest_blob_multilabel; called in nnunet.py for the body with
 * keep largest for the trunk and 50 000 mm3 for the extremities, and where it is asked for with 200 mm3 for all labels
 */
export function postprocess(
  labels: Uint8Array,
  dims: Ijk,
  voxelMm3: number,
  { removeSmallBlobsMm3, removeSmallBlobsMm3Of, keepLargest }: Postprocessing,
): void {
  if (removeSmallBlobsMm3 === null && removeSmallBlobsMm3Of.size === 0 && keepLargest.size === 0) return;
  const pieces = connectedPieces(labels, dims);
  const smallest = Float64Array.from({ length: 256 }, (_, value) => {
    const usual = keepLargest.has(value) ? null : removeSmallBlobsMm3;
    return (removeSmallBlobsMm3Of.get(value) ?? usual ?? 0) / voxelMm3;
  });
  const largest = new Map<number, { size: number; piece: number }>();
  for (let piece = 0; piece < pieces.count; piece++) {
    const value = pieces.value(piece);
    const size = pieces.size(piece);
    if (keepLargest.has(value) && size > (largest.get(value)?.size ?? 0)) largest.set(value, { size, piece });
  }
  pieces.erase((piece) => {
    const value = pieces.value(piece);
    const isLesser = keepLargest.has(value) && largest.get(value)!.piece !== piece;
    return isLesser || pieces.size(piece) <= smallest[value]!;
  });
}
