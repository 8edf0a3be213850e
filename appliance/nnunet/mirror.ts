import type { Zyx } from "./plans.ts";

/** All ways to mirror a patch along some of the given axes (0 z, 1 y, 2 x of the network), the patch as it is first. */
export function mirrorings(axes: readonly number[]): readonly (readonly number[])[] {
  const subsets: (readonly number[])[] = [[]];
  for (const axis of axes) subsets.push(...subsets.map((subset) => [...subset, axis]));
  return subsets;
}

/** A patch turned round along the given axes, into `target`. */
export function mirrorPatch(patch: Float32Array, [depth, height, width]: Zyx, axes: readonly number[], target: Float32Array): void {
  const [flipZ, flipY, flipX] = [0, 1, 2].map((axis) => axes.includes(axis));
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++) {
      const to = (z * height + y) * width;
      const from = ((flipZ ? depth - 1 - z : z) * height + (flipY ? height - 1 - y : y)) * width;
      if (flipX) for (let x = 0; x < width; x++) target[to + x] = patch[from + width - 1 - x]!;
      else target.set(patch.subarray(from, from + width), to);
    }
}
