import type { Box } from "./crop.ts";
import { dot, type Grid, ijkToLps, isEven, type Lps, normalOf, sliceOrigin, subtract, voxelCount, voxelsMl } from "./grid.ts";
import type { CtVolume, LabelMap } from "./volume.ts";

/** What a label covers. */
export type LabelMeasure = {
  readonly value: number;
  readonly voxels: number;
  readonly volumeMl: number;
  readonly meanHu: number;
  /** Standard deviation over the label's voxels themselves (divided by their number, as numpy's std). */
  readonly sdHu: number;
  readonly minHu: number;
  readonly maxHu: number;
  /** Of an even number of voxels, half-way between the two in the middle. */
  readonly medianHu: number;
  /** A voxel lies in the outermost layer of the grid: the structure may go on outside the images, its volume is a lower bound. */
  readonly touchesBorder: boolean;
  /** Centre of mass of the label's voxels; need not lie inside it. */
  readonly centre: Lps;
  /** The smallest block of voxels that holds the label. */
  readonly box: Box;
};

/**
 * Volume, HU and place of each label that occurs, by rising value, from one pass; all of it exact but for the last rounding. The two must be
 * on the same grid. In an uneven grid a voxel's share of volume and centre is that of its slab; HU are those of the voxels as they are.
 */
export function measureLabels(volume: CtVolume, labelMap: LabelMap): readonly LabelMeasure[] {
  const { grid } = labelMap;
  const { hu } = volume;
  const { labels } = labelMap;
  const [ni, nj, nk] = grid.dims;
  const size = voxelCount(grid);
  if (hu.length !== size || labels.length !== size || volume.grid.dims.some((dim, axis) => dim !== grid.dims[axis]))
    throw new Error(`volume of ${volume.grid.dims.join(" x ")} and label map of ${grid.dims.join(" x ")} are not on one grid`);

  const voxels = new Float64Array(256);
  const { perVoxelMl, weights, places } = slicesOf(grid);
  const weighted = new Float64Array(256); // voxels, a thicker slab's count more
  const sums = [new Float64Array(256), new Float64Array(256), new Float64Array(256)] as const; // of i, j, k
  const lowest = [new Int32Array(256).fill(ni), new Int32Array(256).fill(nj), new Int32Array(256).fill(nk)] as const;
  const highest = [new Int32Array(256).fill(-1), new Int32Array(256).fill(-1), new Int32Array(256).fill(-1)] as const;
  // int16 has 65536 values, so counting them costs one increment a voxel and gives every statistic exactly. Only pages in use are real memory.
  const histograms: Uint32Array[] = [];
  for (let k = 0, at = 0; k < nk; k++) {
    const weight = weights[k]!;
    const place = places[k]!;
    for (let j = 0; j < nj; j++) {
      // Labels come in runs: only the HU need a look at every voxel.
      for (let i = 0, next = 0; i < ni; i = next) {
        const value = labels[at]!;
        next = i + 1;
        if (value === 0) {
          at++;
          continue;
        }
        histograms[value] ??= new Uint32Array(histogramSize);
        const histogram = histograms[value];
        histogram[hu[at++]! + histogramZero]!++;
        while (next < ni && labels[at]! === value) {
          histogram[hu[at++]! + histogramZero]!++;
          next++;
        }
        const run = next - i;
        voxels[value]! += run;
        const counts = weight * run;
        weighted[value]! += counts;
        sums[0][value]! += (counts * (i + next - 1)) / 2;
        sums[1][value]! += counts * j;
        sums[2][value]! += counts * place;
        if (i < lowest[0][value]!) lowest[0][value] = i;
        if (next - 1 > highest[0][value]!) highest[0][value] = next - 1;
        if (j < lowest[1][value]!) lowest[1][value] = j;
        if (j > highest[1][value]!) highest[1][value] = j;
        if (k < lowest[2][value]!) lowest[2][value] = k;
        highest[2][value] = k;
      }
    }
  }

  const evenly = { dims: grid.dims, origin: grid.origin, steps: grid.steps }; // where `places` are indices
  const measures: LabelMeasure[] = [];
  for (let value = 1; value < 256; value++) {
    const count = voxels[value]!;
    if (count === 0) continue;
    const of = ([alongI, alongJ, alongK]: readonly [Int32Array, Int32Array, Int32Array]) =>
      [alongI[value]!, alongJ[value]!, alongK[value]!] as const;
    const first = of(lowest);
    const last = of(highest);
    measures.push({
      value,
      voxels: count,
      volumeMl: weighted[value]! * perVoxelMl,
      ...summarise(histograms[value]!, count),
      touchesBorder: first.some((index) => index === 0) || last.some((index, axis) => index === grid.dims[axis]! - 1),
      centre: ijkToLps(evenly, [
        sums[0][value]! / weighted[value]!,
        sums[1][value]! / weighted[value]!,
        sums[2][value]! / weighted[value]!,
      ]),
      box: { start: first, dims: [last[0] - first[0] + 1, last[1] - first[1] + 1, last[2] - first[2] + 1] },
    });
  }
  return measures;
}

/**
 * What a voxel holds on average, what one of each slice counts for beside that, and where the slices lie, in mean steps from the first: 1 and
 * k unless slices are uneven. The mean of places is that of positions, the mean of indices would not be.
 */
function slicesOf(grid: Grid): { readonly perVoxelMl: number; readonly weights: Float64Array; readonly places: Float64Array } {
  const perVoxel = voxelsMl(grid);
  const meanMl = voxelsMl({ dims: grid.dims, origin: grid.origin, steps: grid.steps })[0]!;
  if (isEven(grid)) return { perVoxelMl: meanMl, weights: perVoxel.fill(1), places: perVoxel.map((_, k) => k) };
  const normal = normalOf(grid);
  const perStepMm = dot(grid.steps[2], normal);
  return {
    perVoxelMl: meanMl,
    weights: perVoxel.map((ml) => ml / meanMl),
    places: perVoxel.map((_, k) => dot(subtract(sliceOrigin(grid, k), grid.origin), normal) / perStepMm),
  };
}

const histogramSize = 65536;
/** Where 0 HU is counted. */
const histogramZero = 32768;

function summarise(histogram: Uint32Array, count: number): Pick<LabelMeasure, "meanHu" | "sdHu" | "minHu" | "maxHu" | "medianHu"> {
  let min = histogramSize;
  let max = 0;
  let sum = 0; // at most 2^31 voxels of 2^15 HU: a whole number that float64 holds
  let seen = 0;
  let lowerMiddle = -1;
  let upperMiddle = -1;
  for (let at = 0; at < histogramSize; at++) {
    const n = histogram[at]!;
    if (n === 0) continue;
    if (at < min) min = at;
    max = at;
    sum += n * (at - histogramZero);
    seen += n;
    if (lowerMiddle < 0 && 2 * seen >= count) lowerMiddle = at;
    if (upperMiddle < 0 && 2 * seen > count) upperMiddle = at;
  }
  const mean = sum / count;
  let squares = 0; // about the mean, so that nothing is lost by taking large sums from each other
  for (let at = min; at <= max; at++) squares += histogram[at]! * (at - histogramZero - mean) ** 2;
  return {
    meanHu: mean,
    sdHu: Math.sqrt(squares / count),
    minHu: min - histogramZero,
    maxHu: max - histogramZero,
    medianHu: (lowerMiddle + upperMiddle) / 2 - histogramZero,
  };
}
