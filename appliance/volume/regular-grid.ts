import { cross, dot, type Grid, type Ijk, isEven, type Lps, length, normalOf, scale, sliceGapsMm, sliceOrigin, subtract } from "./grid.ts";

/** Up to here a network is given slices as they lie: patients lie less straight, and resampling would cost more than it mends. */
const unnoticedTiltDegrees = 1;

/** By how much slices are shifted within their planes from one to the next: the angle of a gantry that was tilted. 0 to 90. */
export function tiltDegrees(grid: Grid): number {
  const normal = normalOf(grid);
  const alongMm = dot(grid.steps[2], normal);
  const lateralMm = length(subtract(grid.steps[2], scale(normal, alongMm)));
  return (Math.atan2(lateralMm, Math.abs(alongMm)) * 180) / Math.PI;
}

/**
 * The smallest grid that holds all of a sheared or uneven one with evenly spaced slices at right angles to their rows and columns; null where
 * it is such a grid already, up to `largestTiltDegrees` and the rounding of positions. Rows and columns stay what they are, so that a tilted
 * series is shifted within its slices only. Uneven slices become as dense as their densest; as no two are nearer than its step, every slice
 * has a nearest one in the regular grid that is no other's.
 */
export function regularGridOf(grid: Grid, largestTiltDegrees = unnoticedTiltDegrees): Grid | null {
  const isSheared = tiltDegrees(grid) > largestTiltDegrees;
  const even = isEven(grid);
  if (even && !isSheared) return null;
  const [ni, nj, nk] = grid.dims;
  const [row, column, step] = grid.steps;
  const normal = normalOf(grid);
  const depthMm = dot(step, normal) * (nk - 1); // negative where k runs against the normal
  const densestMm = even ? Math.abs(depthMm) / (nk - 1) : Math.min(...sliceGapsMm(grid));
  const slices = even ? nk : Math.ceil(Math.abs(depthMm) / densestMm - 0.01) + 1;
  // How far the slices reach along rows and columns of the first one.
  const [alongI, alongJ] = inPlane(grid);
  const shifts = Array.from({ length: nk }, (_, k) => subtract(sliceOrigin(grid, k), grid.origin));
  const reach = (along: Lps): readonly [number, number] => {
    const pixels = shifts.map((shift) => dot(shift, along));
    return [Math.floor(Math.min(...pixels) + hairPixels), Math.ceil(Math.max(...pixels) - hairPixels)];
  };
  const [[iMin, iMax], [jMin, jMax]] = [reach(alongI), reach(alongJ)];
  const origin: Lps = [0, 1, 2].map((axis) => grid.origin[axis]! + iMin * row[axis]! + jMin * column[axis]!) as unknown as Lps;
  const dims: Ijk = [ni + iMax - iMin, nj + jMax - jMin, slices];
  return { dims, origin, steps: [row, column, scale(normal, depthMm / (slices - 1))] };
}

/** Shifts by less than this share of a pixel are rounding, and need no pixel more. */
const hairPixels = 0.01;

/** Vectors whose product with one in the planes of the slices is its length in columns and in rows; what is across the planes counts for nothing. */
export function inPlane({ steps: [row, column] }: Grid): readonly [Lps, Lps] {
  const normal = cross(row, column);
  const perArea = 1 / dot(normal, normal);
  return [scale(cross(column, normal), perArea), scale(cross(normal, row), perArea)];
}
