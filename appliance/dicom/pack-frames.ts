import type { LabelSlices } from "../volume/label-slices.ts";
import type { LabelMap } from "../volume/volume.ts";

/**
 * The pixels of a binary SEG: one bit each, first pixel in the lowest bit, frame after frame without a gap, so that a frame whose pixels
 * are no multiple of 8 shares a byte with the next (PS3.5 8.1.1 and 8.2). One frame per label and slice it lies in, in the order given.
 * A piece is overwritten once the next is asked for.
 */
export function* packFrames({ grid, labels }: LabelMap, found: readonly LabelSlices[]): Generator<Uint8Array, void, undefined> {
  const [ni, nj] = grid.dims;
  const pixels = ni * nj;
  const bits = new Uint8Array(Math.ceil((7 + pixels) / 8));
  let used = 0; // bits of the first byte that belong to the frame before
  let carried = 0;
  for (const { label, slices } of found)
    for (const { k, box } of slices) {
      bits.fill(0);
      bits[0] = carried;
      for (let j = box.jMin; j <= box.jMax; j++) {
        let bit = used + ni * j + box.iMin;
        const end = pixels * k + ni * j + box.iMax;
        for (let at = pixels * k + ni * j + box.iMin; at <= end; at++, bit++) if (labels[at]! === label) bits[bit >> 3]! |= 1 << (bit & 7);
      }
      const filled = used + pixels;
      yield bits.subarray(0, filled >> 3);
      used = filled & 7;
      carried = used === 0 ? 0 : bits[filled >> 3]!;
    }
  if (used > 0) yield Uint8Array.of(carried);
}
