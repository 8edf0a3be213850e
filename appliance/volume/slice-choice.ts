import type { LabelMap } from "./volume.ts";

/** How many voxels each label has in each slice, for the slices across each grid axis: `counts[axis][256 * index + label]`. */
export type SliceCounts = readonly [Int32Array, Int32Array, Int32Array];

/** Counts every label in every slice of all three axes, in one pass. Background is not counted. */
export function countLabelsBySlice({ grid, labels }: LabelMap): SliceCounts {
  const [ni, nj, nk] = grid.dims;
  const counts: SliceCounts = [new Int32Array(256 * ni), new Int32Array(256 * nj), new Int32Array(256 * nk)];
  const [byI, byJ, byK] = counts;
  for (let k = 0, at = 0; k < nk; k++)
    for (let j = 0; j < nj; j++) {
      // Labels come in runs: two of the three counts are made once for each.
      for (let i = 0; i < ni; ) {
        const label = labels[at]!;
        const from = i;
        do {
          if (label !== 0) byI[256 * i + label]!++;
          i++;
          at++;
        } while (i < ni && labels[at]! === label);
        if (label === 0) continue;
        byJ[256 * j + label]! += i - from;
        byK[256 * k + label]! += i - from;
      }
    }
  return counts;
}

/**
 * The slices across one axis that show the labels best, by rising index; at most so many, fewer when more would show nothing better, the
 * middle one when there is no label. Each next slice is the one that gains most over those before it, where a label counts by its area in
 * the slice as a share of its largest area in any: a small structure is worth as much as a large one. Of equals the one nearest the middle.
 */
export function chooseSlices(counts: Int32Array, most: number): number[] {
  const slices = counts.length / 256;
  const largest = new Int32Array(256);
  for (let at = 0; at < counts.length; at++) if (counts[at]! > largest[at % 256]!) largest[at % 256] = counts[at]!;
  const middle = (slices - 1) / 2;
  const shown = new Float64Array(256);
  const chosen: number[] = [];
  while (chosen.length < most) {
    let best = -1;
    let bestGain = 1e-6;
    for (let index = 0; index < slices; index++) {
      let gain = 0;
      for (let label = 1; label < 256; label++) {
        const count = counts[256 * index + label]!;
        if (count > 0) gain += Math.max(0, count / largest[label]! - shown[label]!);
      }
      const isNearer = Math.abs(index - middle) < Math.abs(best - middle);
      if (gain > bestGain + 1e-9 || (best >= 0 && gain > bestGain - 1e-9 && isNearer)) [best, bestGain] = [index, gain];
    }
    if (best < 0) break;
    chosen.push(best);
    for (let label = 1; label < 256; label++)
      if (largest[label]! > 0) shown[label] = Math.max(shown[label]!, counts[256 * best + label]! / largest[label]!);
  }
  return chosen.length > 0 ? chosen.sort((a, b) => a - b) : [Math.floor(middle)];
}

/** First and last slice across an axis that holds a label; null when none does. */
export function labelledRange(counts: Int32Array): readonly [first: number, last: number] | null {
  const first = counts.findIndex((count) => count > 0);
  return first < 0 ? null : [Math.floor(first / 256), Math.floor(counts.findLastIndex((count) => count > 0) / 256)];
}
