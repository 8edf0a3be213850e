import type { Picture } from "./picture.ts";

/** What of an axis is shown, from edge to edge in pixels (from > to: turned round), in how many pixels. */
export type Axis = { readonly from: number; readonly to: number; readonly pixels: number };

/**
 * A part of a picture in another size: between pixels where it becomes larger, the mean of those that fall together, near ones counting more,
 * where it becomes smaller (a triangle filter).
 */
export function scalePicture({ width, height, rgb }: Picture, across: Axis, down: Axis): Picture {
  const columns = weightsOf(across, width);
  const rows = weightsOf(down, height);
  const narrowed = new Float32Array(3 * across.pixels * height);
  for (let y = 0; y < height; y++)
    for (const [x, { first, weights }] of columns.entries())
      for (let part = 0; part < 3; part++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * rgb[3 * (y * width + first + tap) + part]!;
        narrowed[3 * (y * across.pixels + x) + part] = sum;
      }
  const rowLength = 3 * across.pixels;
  const scaled = new Uint8Array(rowLength * down.pixels);
  for (const [y, { first, weights }] of rows.entries())
    for (let at = 0; at < rowLength; at++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * narrowed[(first + tap) * rowLength + at]!;
      scaled[y * rowLength + at] = Math.round(sum);
    }
  return { width: across.pixels, height: down.pixels, rgb: scaled };
}

type Taps = { readonly first: number; readonly weights: readonly number[] };

/** Of each new pixel, which of the old ones count, and how much; together 1. */
function weightsOf({ from, to, pixels }: Axis, length: number): Taps[] {
  const step = (to - from) / pixels;
  const reach = Math.max(1, Math.abs(step));
  return Array.from({ length: pixels }, (_, index) => {
    const center = from + (index + 0.5) * step;
    const first = Math.min(length - 1, Math.max(0, Math.floor(center - reach)));
    const last = Math.min(length - 1, Math.ceil(center + reach));
    const weights = Array.from({ length: last - first + 1 }, (_, tap) => Math.max(0, 1 - Math.abs(first + tap + 0.5 - center) / reach));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}
