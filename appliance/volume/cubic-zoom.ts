import type { Ijk } from "./grid.ts";
import type { VoxelView } from "./orient.ts";

/** The pole of the cubic B-spline's filter: what is n voxels away counts with its n-th power. */
const pole = Math.sqrt(3) - 2;
/** Slices beside those that are sampled, after which a cut is felt no more: 0.27 ** 20 is 4e-12. */
const reach = 20;
/** Source slices from which samples are taken at a time. */
const span = 32;
/** Columns that are filtered together: small enough to stay in the processor's cache. */
const columnsAtOnce = 512;
const rowsAtOnce = 16;

/**
 * The slices kFrom up to, not including, kTo of a volume zoomed by cubic splines, with the fraction cut off (towards 0), as
 * `scipy.ndimage.zoom(order=3, mode="nearest", grid_mode=False)` followed by `astype(int32)` does; what leaves int16 (splines overshoot) is held at its ends.
 *
 * The spline is a product of three, so each slice is zoomed within its plane first, and slices then along k. Of those no more are kept than
 * one block of samples and {@link reach} on both sides need (32-bit floats): memory does not grow with the number of slices.
 *
 * @param source axes in any order and direction; the result has the same axes, first axis fastest in memory
 * @param dims size of the result
 * @source scipy/ndimage/src/ni_splines.c and ni_interpolation.c; scipy/ndimage/_interpolation.py, _prepad_for_spline_filter
 */
export function zoomCubicSlices(source: VoxelView<Int16Array>, dims: Ijk, result: Int16Array, kFrom: number, kTo: number): void {
  const [oi, oj, ok] = dims;
  const taps = [tapsOf(source.dims[0], oi), tapsOf(source.dims[1], oj), tapsOf(source.dims[2], ok)] as const;
  const alongK = taps[2];
  const zoomPlane = planeZoom(source, taps[0], taps[1]);
  const size = oi * oj;
  const planes = new Map<number, Float32Array>();
  const work = new Float64Array((span + 2 * reach + 3 + 3) * columnsAtOnce);
  for (let k = kFrom, end = k; k < kTo; k = end) {
    const low = alongK.low[k]!;
    while (end < kTo && alongK.low[end]! < low + span) end++;
    const first = Math.max(0, low - reach);
    const last = Math.min(source.dims[2] - 1, alongK.low[end - 1]! + 1 + reach);
    const free = [...planes].filter(([at]) => at < first);
    for (const [at] of free) planes.delete(at);
    for (let at = first; at <= last; at++) {
      if (planes.has(at)) continue;
      const plane = free.pop()?.[1] ?? new Float32Array(size);
      zoomPlane(at, plane);
      planes.set(at, plane);
    }
    for (let column = 0; column < size; column += columnsAtOnce) {
      const width = Math.min(columnsAtOnce, size - column);
      for (let at = first; at <= last; at++) work.set(planes.get(at)!.subarray(column, column + width), (at - first + 1) * width);
      toCoefficients(work, last - first + 1, width);
      for (let sample = k; sample < end; sample++)
        sampleInto(result, sample * size + column, work, (alongK.low[sample]! - first) * width, width, alongK.weights, 4 * sample);
    }
  }
}

/** Zooms one source slice along its rows and columns. */
function planeZoom(
  { data, dims: [ni, nj], offset, strides: [si, sj, sk] }: VoxelView<Int16Array>,
  alongI: Taps,
  alongJ: Taps,
): (k: number, result: Float32Array) => void {
  const [oi, oj] = [alongI.low.length, alongJ.low.length];
  const rows = new Float64Array((ni + 3) * rowsAtOnce);
  const columns = new Float64Array((nj + 3) * oi);
  return (k, result) => {
    for (let j = 0; j < nj; j += rowsAtOnce) {
      const width = Math.min(rowsAtOnce, nj - j);
      for (let row = 0; row < width; row++)
        for (let i = 0, at = offset + k * sk + (j + row) * sj; i < ni; i++, at += si) rows[(i + 1) * width + row] = data[at]!;
      toCoefficients(rows, ni, width);
      const { low, weights } = alongI;
      for (let i = 0; i < oi; i++) {
        const [a, b, c, d] = [weights[4 * i]!, weights[4 * i + 1]!, weights[4 * i + 2]!, weights[4 * i + 3]!];
        let from = low[i]! * width;
        for (let row = 0; row < width; row++, from++)
          columns[(j + row + 1) * oi + i] =
            a * rows[from]! + b * rows[from + width]! + c * rows[from + 2 * width]! + d * rows[from + 3 * width]!;
      }
    }
    toCoefficients(columns, nj, oi);
    for (let j = 0; j < oj; j++) {
      const [a, b, c, d] = [0, 1, 2, 3].map((tap) => alongJ.weights[4 * j + tap]!) as [number, number, number, number];
      const from = alongJ.low[j]! * oi;
      for (let i = 0; i < oi; i++)
        result[j * oi + i] =
          a * columns[from + i]! + b * columns[from + oi + i]! + c * columns[from + 2 * oi + i]! + d * columns[from + 3 * oi + i]!;
    }
  };
}

/** Where the four coefficients of each sample begin, counted in a line with one coefficient before its first voxel, and their weights. */
type Taps = { readonly low: Int32Array; readonly weights: Float64Array };

function tapsOf(length: number, samples: number): Taps {
  const step = samples > 1 ? (length - 1) / (samples - 1) : 1;
  const low = new Int32Array(samples);
  const weights = new Float64Array(4 * samples);
  for (let n = 0; n < samples; n++) {
    const at = Math.min(n * step, length - 1); // rounding may push the last sample past the edge
    low[n] = Math.floor(at);
    const t = at - low[n]!;
    const rest = 1 - t;
    weights.set([rest ** 3 / 6, (t * t * (t - 2) * 3 + 4) / 6, (rest * rest * (rest - 2) * 3 + 4) / 6, t ** 3 / 6], 4 * n);
  }
  return { low, weights };
}

/**
 * Turns `width` lines of voxels into the B-spline's coefficients, in place: voxel n of a line is at (n + 1) * width, and one coefficient before the line
 * and two behind it are written too. Beyond its ends a line goes on as its first and last voxel for ever, whose sums are known; scipy puts 12 voxels there
 * and mirrors then, which is the same to 1e-14.
 */
function toCoefficients(work: Float64Array, length: number, width: number): void {
  const gain = 6; // (1 - pole) * (1 - 1 / pole)
  const end = length * width; // the last voxels
  for (let x = 0; x < width; x++) {
    const edge = gain / (1 - pole);
    const first = work[width + x]! * edge;
    const last = work[end + x]! * edge;
    let sum = first;
    for (let at = width + x; at <= end + x; at += width) {
      sum = gain * work[at]! + pole * sum;
      work[at] = sum;
    }
    let next = -pole * (last / (1 - pole) + (sum - last) / (1 - pole * pole));
    work[end + width + x] = next / pole + sum;
    work[end + 2 * width + x] = 0; // only ever weighed with 0
    work[end + x] = next;
    for (let at = end - width + x; at >= width; at -= width) {
      next = pole * (next - work[at]!);
      work[at] = next;
    }
    work[x] = pole * (next - first);
  }
}

function sampleInto(
  result: Int16Array,
  at: number,
  work: Float64Array,
  from: number,
  width: number,
  weights: Float64Array,
  w: number,
): void {
  const [a, b, c, d] = [weights[w]!, weights[w + 1]!, weights[w + 2]!, weights[w + 3]!];
  for (let x = 0; x < width; x++) {
    const value = a * work[from + x]! + b * work[from + width + x]! + c * work[from + 2 * width + x]! + d * work[from + 3 * width + x]!;
    result[at + x] = Math.max(-32768, Math.min(32767, value));
  }
}
