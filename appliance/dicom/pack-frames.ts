import type { LabelSlices, PixelBox } from "../volume/label-slices.ts";
import type { LabelMap } from "../volume/volume.ts";

/** One frame to pack: where a label lies in a slice, and the frame's first bit in the piece that it goes into. */
type PackedFrame = { readonly label: number; readonly k: number; readonly box: PixelBox; readonly firstBit: number };

/** Pixels that one piece holds, 32 MB of them: a slice is then read once for all its labels, or, of noise, a few times. */
const pixelsPerPiece = 2 ** 28;

/**
 * The pixels of a binary SEG: one bit each, first pixel in the lowest bit, frame after frame without a gap, so that a frame whose pixels
 * are no multiple of 8 shares a byte with the next (PS3.5 8.1.1 and 8.2). One frame per label and slice it lies in, in the order given.
 * A piece is overwritten once the next is asked for.
 *
 * @param piecePixels how many a piece holds at most, but at least one frame
 */
export function* packFrames(
  labelMap: LabelMap,
  found: readonly LabelSlices[],
  piecePixels = pixelsPerPiece,
): Generator<Uint8Array, void, undefined> {
  const [ni, nj] = labelMap.grid.dims;
  const pixels = ni * nj;
  const frames = found.flatMap(({ label, slices }) => slices.map(({ k, box }) => ({ label, k, box })));
  const perPiece = Math.max(1, Math.min(frames.length, Math.floor(piecePixels / pixels)));
  const bits = new Uint8Array(Math.ceil((7 + pixels * perPiece) / 8));
  let used = 0; // bits of the first byte that belong to the frame before
  let carried = 0;
  for (let first = 0; first < frames.length; first += perPiece) {
    const piece = frames.slice(first, first + perPiece);
    bits.fill(0);
    bits[0] = carried;
    drawFrames(
      labelMap,
      piece.map((frame, index): PackedFrame => ({ ...frame, firstBit: used + pixels * index })),
      bits,
    );
    const filled = used + pixels * piece.length;
    yield bits.subarray(0, filled >> 3);
    used = filled & 7;
    carried = used === 0 ? 0 : bits[filled >> 3]!;
  }
  if (used > 0) yield Uint8Array.of(carried);
}

/** Draws frames, slice by slice: every slice is read once, however many labels it holds. */
function drawFrames({ grid, labels }: LabelMap, frames: readonly PackedFrame[], bits: Uint8Array): void {
  const [ni, nj] = grid.dims;
  const firstBits = new Int32Array(256); // of a label's frame in a slice; -1 where it has none
  for (const [k, inSlice] of Map.groupBy(frames, (frame) => frame.k)) {
    firstBits.fill(-1);
    for (const { label, firstBit } of inSlice) firstBits[label] = firstBit;
    const { iMin, iMax, jMin, jMax } = aroundAll(inSlice);
    for (let j = jMin; j <= jMax; j++) {
      const row = ni * (j + nj * k);
      for (let i = iMin; i <= iMax; ) {
        const label = labels[row + i]!;
        const from = i;
        do i++;
        while (i <= iMax && labels[row + i]! === label);
        const firstBit = firstBits[label]!;
        if (firstBit >= 0) setBits(bits, firstBit + ni * j + from, firstBit + ni * j + i);
      }
    }
  }
}

/** Sets the bits from the first up to, and without, the end. */
function setBits(bits: Uint8Array, first: number, end: number): void {
  const from = first >> 3;
  const to = end >> 3;
  const head = (0xff << (first & 7)) & 0xff;
  const tail = (1 << (end & 7)) - 1;
  if (from === to) {
    bits[from]! |= head & tail;
    return;
  }
  bits[from]! |= head;
  for (let at = from + 1; at < to; at++) bits[at] = 0xff;
  if (tail !== 0) bits[to]! |= tail;
}

function aroundAll(frames: readonly PackedFrame[]): PixelBox {
  const all = { iMin: Infinity, iMax: -1, jMin: Infinity, jMax: -1 };
  for (const { box } of frames) {
    all.iMin = Math.min(all.iMin, box.iMin);
    all.iMax = Math.max(all.iMax, box.iMax);
    all.jMin = Math.min(all.jMin, box.jMin);
    all.jMax = Math.max(all.jMax, box.jMax);
  }
  return all;
}
