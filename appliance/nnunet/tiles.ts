import { roundHalfEven } from "../volume/resample.ts";
import type { Zyx } from "./plans.ts";

/**
 * Where tiles start along one axis: evenly spread, at most `stepSize` of a tile apart, the last one flush with the end. `length` is at least
 * `tile`.
 *
 * @source nnunetv2/inference/sliding_window_prediction.py, compute_steps_for_sliding_window
 */
export function tileStarts(length: number, tile: number, stepSize: number): readonly number[] {
  const count = Math.ceil((length - tile) / (tile * stepSize)) + 1;
  const step = count > 1 ? (length - tile) / (count - 1) : 0;
  return Array.from({ length: count }, (_, n) => roundHalfEven(step * n));
}

/** All tiles, slowest axis outermost: those of one slab follow each other. */
export function tilePositions(shape: Zyx, tile: Zyx, stepSize: number): readonly Zyx[] {
  if (!(stepSize > 0 && stepSize <= 1)) throw new Error(`step size must be above 0 and at most 1, found ${stepSize}`);
  const [zs, ys, xs] = [0, 1, 2].map((axis) => tileStarts(shape[axis]!, tile[axis]!, stepSize));
  return zs!.flatMap((z) => ys!.flatMap((y) => xs!.map((x): Zyx => [z, y, x])));
}

/** upstream scales the weights so that few underflow as half precision */
const peakWeight = 10;

/**
 * How much a tile's voxels count where tiles overlap: a Gaussian around the centre, sigma an eighth of the tile, peak 10, rounded to half
 * precision as upstream keeps it; where that gives 0 the smallest other weight stands.
 *
 * @source nnunetv2/inference/sliding_window_prediction.py, compute_gaussian, with the arguments of predict_from_raw_data.py
 */
export function tileWeights(tile: Zyx): Float32Array {
  const exact = gaussianWeights(tile);
  const weights = new Float32Array(exact.length);
  let smallest = Number.POSITIVE_INFINITY;
  for (let at = 0; at < weights.length; at++) {
    const weight = roundToHalf(exact[at]! * peakWeight);
    weights[at] = weight;
    if (weight > 0 && weight < smallest) smallest = weight;
  }
  for (let at = 0; at < weights.length; at++) if (weights[at] === 0) weights[at] = smallest;
  return weights;
}

/** The Gaussian before rounding, 1 at the tile's centre (index n / 2 rounded down). Equals scipy's gaussian_filter of a single 1, truncated at 4 sigma. */
export function gaussianWeights(tile: Zyx): Float64Array {
  const [alongZ, alongY, alongX] = tile.map(gaussianAxis);
  const weights = new Float64Array(tile[0] * tile[1] * tile[2]);
  let at = 0;
  for (const z of alongZ!) for (const y of alongY!) for (const x of alongX!) weights[at++] = z * y * x;
  return weights;
}

function gaussianAxis(length: number): Float64Array {
  const centre = Math.floor(length / 2);
  const sigma = length / 8;
  const radius = Math.floor(4 * sigma + 0.5);
  return Float64Array.from({ length }, (_, n) => {
    const off = n - centre;
    return Math.abs(off) > radius ? 0 : Math.exp((-0.5 / (sigma * sigma)) * off * off);
  });
}

/** The nearest IEEE 754 half-precision number, halves to even; for values from 0 to 65504. */
export function roundToHalf(value: number): number {
  if (value === 0) return 0;
  // 11 significant bits from 2^-14 upwards, a fixed step of 2^-24 below.
  const exponent = Math.max(Math.floor(Math.log2(value)), -14);
  const step = 2 ** (exponent - 10);
  return roundHalfEven(value / step) * step;
}
