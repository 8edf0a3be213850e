import type { Infer } from "./infer.ts";

/**
 * A network asked about a patch and all its mirror images along the given axes (0 z, 1 y, 2 x of the network), answers mirrored back and
 * averaged. nnU-Net does so by default; TotalSegmentator does not.
 *
 * @source nnunetv2/inference/predict_from_raw_data.py, _internal_maybe_mirror_and_predict
 */
export function mirrored(infer: Infer, axes: readonly number[]): Infer {
  if (axes.length === 0) return infer;
  const subsets: (readonly number[])[] = [[]];
  for (const axis of axes) subsets.push(...subsets.map((subset) => [...subset, axis]));
  return async (patch, shape) => {
    let sum: Float32Array | undefined;
    for (const subset of subsets) {
      const logits = flip(await infer(flip(patch, shape, subset), shape), shape, subset);
      if (!sum) sum = logits.slice();
      else for (let at = 0; at < sum.length; at++) sum[at]! += logits[at]!;
    }
    for (let at = 0; at < sum!.length; at++) sum![at]! /= subsets.length;
    return sum!;
  };
}

/** Channels of `shape` turned round along the given axes. */
function flip(values: Float32Array, [depth, height, width]: readonly [number, number, number], axes: readonly number[]): Float32Array {
  if (axes.length === 0) return values;
  const flipped = new Float32Array(values.length);
  const size = depth * height * width;
  const [flipZ, flipY, flipX] = [0, 1, 2].map((axis) => axes.includes(axis));
  for (let channel = 0; channel < values.length; channel += size)
    for (let z = 0; z < depth; z++)
      for (let y = 0; y < height; y++) {
        const to = channel + (z * height + y) * width;
        const from = channel + ((flipZ ? depth - 1 - z : z) * height + (flipY ? height - 1 - y : y)) * width;
        if (flipX) for (let x = 0; x < width; x++) flipped[to + x] = values[from + width - 1 - x]!;
        else flipped.set(values.subarray(from, from + width), to);
      }
  return flipped;
}
