import { zoomCubicSlices } from "./cubic-zoom.ts";
import type { Ijk } from "./grid.ts";
import type { VoxelView } from "./orient.ts";

/** How many voxels an axis of `length` has after zooming; halves go to the even number as in Python's round. At least one. */
export function zoomedLength(length: number, zoom: number): number {
  return Math.max(1, roundHalfEven(length * zoom));
}

/** numpy's and Python's rounding: halves go to the even neighbour. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Where the samples of a zoomed axis lie on the source axis. First and last sample lie on the first and last source voxel. */
type Samples = { readonly low: Int32Array; readonly high: Int32Array; readonly part: Float64Array };

/** By what a CT is resampled: 1 linear interpolation, 3 cubic splines. scipy's numbers. */
export type ZoomOrder = 1 | 3;

/**
 * Zooms a CT: {@link zoomLinear}, or by cubic splines ({@link zoomCubicSlices}).
 *
 * @param dims size of the result
 */
export function zoomCt(source: VoxelView<Int16Array>, dims: Ijk, order: ZoomOrder): Int16Array {
  const result = new Int16Array(dims[0] * dims[1] * dims[2]);
  zoomCtSlices(source, dims, order, result, 0, dims[2]);
  return result;
}

/** The slices kFrom up to, not including, kTo of {@link zoomCt}'s result: what one of several threads does. */
export function zoomCtSlices(
  source: VoxelView<Int16Array>,
  dims: Ijk,
  order: ZoomOrder,
  result: Int16Array,
  kFrom: number,
  kTo: number,
): void {
  (order === 3 ? zoomCubicSlices : zoomLinearSlices)(source, dims, result, kFrom, kTo);
}

/**
 * Zooms a volume by linear interpolation and cuts the fraction off (towards 0), as `scipy.ndimage.zoom(order=1, mode="nearest",
 * grid_mode=False)` followed by `astype(int32)` does. scipy sums eight weighted corners, here each axis is interpolated in turn, so a value
 * that lies on a whole number but for rounding may differ by 1.
 *
 * @param source axes in any order and direction; the result has the same axes, first axis fastest in memory
 * @param dims size of the result
 */
export function zoomLinear(source: VoxelView<Int16Array>, dims: Ijk): Int16Array {
  const result = new Int16Array(dims[0] * dims[1] * dims[2]);
  zoomLinearSlices(source, dims, result, 0, dims[2]);
  return result;
}

/** The slices kFrom up to, not including, kTo of {@link zoomLinear}'s result. */
function zoomLinearSlices(source: VoxelView<Int16Array>, dims: Ijk, result: Int16Array, kFrom: number, kTo: number): void {
  const [oi, oj, ok] = dims;
  const alongI = linearSamples(source.dims[0], oi);
  const alongJ = linearSamples(source.dims[1], oj);
  const alongK = linearSamples(source.dims[2], ok);
  // Two source slices, zoomed within their plane, bracket each slice of the result; neighbours share them when slices are added.
  let below = new Float64Array(oi * oj);
  let above = new Float64Array(oi * oj);
  let kBelow = -1;
  let kAbove = -1;
  const line = new Float64Array(source.dims[0]);
  for (let k = kFrom; k < kTo; k++) {
    const low = alongK.low[k]!;
    const high = alongK.high[k]!;
    const part = alongK.part[k]!;
    if (kBelow !== low && kAbove === low) {
      [below, above] = [above, below];
      [kBelow, kAbove] = [kAbove, kBelow];
    }
    if (kBelow !== low) zoomPlane(source, low, alongI, alongJ, line, below);
    kBelow = low;
    const at = k * oi * oj;
    if (part === 0) {
      for (let n = 0; n < below.length; n++) result[at + n] = below[n]!;
      continue;
    }
    if (kAbove !== high) zoomPlane(source, high, alongI, alongJ, line, above);
    kAbove = high;
    for (let n = 0; n < below.length; n++) {
      const from = below[n]!;
      result[at + n] = from + part * (above[n]! - from);
    }
  }
}

/**
 * Zooms labels by taking the nearest voxel, into `target`, whose size and axes decide. As `scipy.ndimage.zoom(order=0, mode="nearest",
 * grid_mode=False)`: the sample at source coordinate x takes voxel floor(x + 0.5).
 */
export function zoomNearest(source: VoxelView<Uint8Array>, target: VoxelView<Uint8Array>): void {
  zoomNearestSlices(source, target, 0, target.dims[2]);
}

/** The slices kFrom up to, not including, kTo of {@link zoomNearest}'s target: what one of several threads does. */
export function zoomNearestSlices(source: VoxelView<Uint8Array>, target: VoxelView<Uint8Array>, kFrom: number, kTo: number): void {
  const offsets = ([0, 1, 2] as const).map((axis) => {
    const at = nearestSamples(source.dims[axis], target.dims[axis]);
    for (let n = 0; n < at.length; n++) at[n] = at[n]! * source.strides[axis];
    return at;
  });
  const [alongI, alongJ, alongK] = [offsets[0]!, offsets[1]!, offsets[2]!];
  const from = source.data;
  const to = target.data;
  const [si, sj, sk] = target.strides;
  // Where rows lie in one piece, one that takes the same voxels as the row before it is copied: most do, as labels are enlarged.
  const first = si > 0 ? 0 : 1 - alongI.length;
  const rowAt = (k: number, j: number): number => target.offset + k * sk + j * sj + first;
  const isWhole = Math.abs(si) === 1;
  for (let k = kFrom; k < kTo; k++) {
    const sameSlice = isWhole && k > kFrom && alongK[k] === alongK[k - 1];
    for (let j = 0; j < alongJ.length; j++) {
      const sameRow = isWhole && j > 0 && alongJ[j] === alongJ[j - 1];
      if (sameSlice || sameRow) {
        const like = sameSlice ? rowAt(k - 1, j) : rowAt(k, j - 1);
        to.copyWithin(rowAt(k, j), like, like + alongI.length);
        continue;
      }
      const row = source.offset + alongK[k]! + alongJ[j]!;
      let at = target.offset + k * sk + j * sj;
      for (let i = 0; i < alongI.length; i++, at += si) to[at] = from[row + alongI[i]!]!;
    }
  }
}

/** Source coordinate of sample n is n * (length - 1) / (samples - 1). scipy/ndimage/_interpolation.py, zoom; src/ni_interpolation.c, NI_ZoomShift. */
function sampleStep(length: number, samples: number): number {
  return samples > 1 ? (length - 1) / (samples - 1) : 1;
}

function linearSamples(length: number, samples: number): Samples {
  const step = sampleStep(length, samples);
  const low = new Int32Array(samples);
  const high = new Int32Array(samples);
  const part = new Float64Array(samples);
  for (let n = 0; n < samples; n++) {
    const at = Math.min(n * step, length - 1); // rounding may push the last sample past the edge
    low[n] = Math.floor(at);
    high[n] = Math.min(low[n]! + 1, length - 1);
    part[n] = at - low[n]!;
  }
  return { low, high, part };
}

function nearestSamples(length: number, samples: number): Int32Array {
  const step = sampleStep(length, samples);
  const at = new Int32Array(samples);
  for (let n = 0; n < samples; n++) at[n] = Math.min(Math.floor(n * step + 0.5), length - 1);
  return at;
}

/** One source slice interpolated along its rows and columns. `line` is scratch for one row. */
function zoomPlane(
  { data, dims, offset, strides }: VoxelView<Int16Array>,
  k: number,
  alongI: Samples,
  alongJ: Samples,
  line: Float64Array,
  result: Float64Array,
): void {
  const ni = dims[0];
  const [si, sj, sk] = strides;
  const plane = offset + k * sk;
  const oi = alongI.low.length;
  const oj = alongJ.low.length;
  const { low, high, part } = alongI;
  for (let j = 0; j < oj; j++) {
    let first = plane + alongJ.low[j]! * sj;
    let second = plane + alongJ.high[j]! * sj;
    const partJ = alongJ.part[j]!;
    for (let i = 0; i < ni; i++, first += si, second += si) {
      const from = data[first]!;
      line[i] = from + partJ * (data[second]! - from);
    }
    const row = j * oi;
    for (let i = 0; i < oi; i++) {
      const from = line[low[i]!]!;
      result[row + i] = from + part[i]! * (line[high[i]!]! - from);
    }
  }
}
