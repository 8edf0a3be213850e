import { RefusedError } from "../base/errors.ts";
import { cross, dot, type Grid, type Lps, length, scale, subtract } from "../volume/grid.ts";
import type { CtFrame } from "./ct-instance.ts";
import type { Orientation } from "./instance-header.ts";

/** What places a slice. */
export type PlacedSlice = Pick<CtFrame, "position" | "orientation" | "pixelSpacingMm" | "instanceNumber"> & {
  readonly rows: number;
  readonly columns: number;
};

/** With two, any gap between them looks like the spacing; from three on a missing slice shows, unless it is every second one. */
export const fewestSlices = 3;
/** Direction cosines are off by less, and differ by less within a series: a quarter of a millimetre at 250 mm from the first voxel. */
const orientationTolerance = 1e-3;
/** Nearer images lie at the same position; no CT reconstructs so finely. */
const samePositionMm = 0.05;
/** Positions are rounded by scanners (to 0.1 mm at worst, so 0.05 mm off) and by their table; a voxel misplaced by this much is still in its place. */
const positionToleranceMm = 0.1;
/** The same for thin slices, as a share of the step. */
const positionToleranceShare = 0.1;
/** Beyond, resampling in index space would shear the anatomy that the network sees. */
const largestTiltDegrees = 1;
/** 2 GiB of int16; a whole body at 0.5 mm has about half of it. */
const mostVoxels = 2 ** 30;
/** No scanner sees more than 0.8 m across or 2.5 m along; what a header says beyond would measure wrongly, and keep the box busy for a day. */
const longestMm = 3000;

/**
 * Sorts slices along their normal and finds the grid they lie on; k increases along the normal (row x column), so the grid is right-handed.
 * Refuses, and names the place: too few slices, mixed sizes, spacings or orientations, two images at one position, gaps and uneven steps, in-plane
 * drift, gantry tilt. PS3.3 C.7.6.2
 */
export function arrangeSlices<Slice extends PlacedSlice>(
  slices: readonly Slice[],
): { readonly grid: Grid; readonly sorted: readonly Slice[]; readonly notes: readonly string[] } {
  const [first] = slices;
  if (!first || slices.length < fewestSlices)
    throw new RefusedError(
      slices.length === 1 ? "single-slice" : "too-few-slices",
      `expected at least ${fewestSlices} slices, found ${slices.length}`,
    );
  requireOneShape(slices, first);
  const { row, column, normal } = axesOf(first.orientation);
  const along = (slice: PlacedSlice): number => dot(slice.position, normal);
  const sorted = slices.toSorted((a, b) => along(a) - along(b));
  requireDistinctPositions(sorted, along);
  const origin = sorted[0]!.position;
  const step = scale(subtract(sorted.at(-1)!.position, origin), 1 / (sorted.length - 1));
  const stepMm = dot(step, normal);
  requireEvenSteps(sorted, along, stepMm);
  requireStraightLine(sorted, origin, step, normal);
  const lateralMm = length(subtract(step, scale(normal, stepMm)));
  const tiltDegrees = (Math.atan2(lateralMm, stepMm) * 180) / Math.PI;
  if (tiltDegrees > largestTiltDegrees)
    throw new RefusedError(
      "gantry-tilt",
      `the slices are sheared by ${tiltDegrees.toFixed(1)} degrees (gantry tilt), at most ${largestTiltDegrees} can be segmented in place`,
    );
  const dims = [first.columns, first.rows, sorted.length] as const;
  if (dims[0] * dims[1] * dims[2] > mostVoxels)
    throw new RefusedError("volume-too-large", `${dims.join(" x ")} voxels are more than ${mostVoxels}`);
  const [rowMm, columnMm] = first.pixelSpacingMm;
  const extentMm = [dims[0] * columnMm, dims[1] * rowMm, dims[2] * stepMm];
  if (!extentMm.every((mm) => mm <= longestMm))
    throw new RefusedError(
      "spacing-implausible",
      `the volume would be ${extentMm.map((mm) => mm.toFixed(0)).join(" x ")} mm, at most ${longestMm} mm are a patient`,
    );
  const notes = tiltDegrees > 0.05 ? [`slices are sheared by ${tiltDegrees.toFixed(2)} degrees; the grid follows them`] : [];
  return { grid: { dims, origin, steps: [scale(row, columnMm), scale(column, rowMm), step] }, sorted, notes };
}

/** Unit vectors at right angles along a row, a column and the normal. Cosines come rounded; refused when they are off by more than that. */
function axesOf(orientation: Orientation): { row: Lps; column: Lps; normal: Lps } {
  const [a, b, c, d, e, f] = orientation;
  const row: Lps = [a, b, c];
  const column: Lps = [d, e, f];
  const off = Math.max(Math.abs(length(row) - 1), Math.abs(length(column) - 1), Math.abs(dot(row, column)));
  if (!(off <= orientationTolerance))
    throw new RefusedError("orientation-invalid", `expected two unit vectors at a right angle, found ${orientation.join("\\")}`);
  const unitRow = scale(row, 1 / length(row));
  const normal = cross(unitRow, column);
  const unitNormal = scale(normal, 1 / length(normal));
  return { row: unitRow, column: cross(unitNormal, unitRow), normal: unitNormal };
}

function requireOneShape(slices: readonly PlacedSlice[], first: PlacedSlice): void {
  for (const slice of slices) {
    const at = nameOf(slice);
    if (slice.rows !== first.rows || slice.columns !== first.columns)
      throw new RefusedError(
        "sizes-mixed",
        `expected ${first.columns} x ${first.rows} pixels as in ${nameOf(first)}, found ${slice.columns} x ${slice.rows} in ${at}`,
      );
    if (slice.orientation.some((cosine, axis) => !(Math.abs(cosine - first.orientation[axis]!) <= orientationTolerance)))
      throw new RefusedError(
        "orientations-mixed",
        `expected orientation ${first.orientation.join("\\")} as in ${nameOf(first)}, found ${slice.orientation.join("\\")} in ${at}`,
      );
    if (slice.pixelSpacingMm.some((mm, axis) => !(Math.abs(mm / first.pixelSpacingMm[axis]! - 1) <= 1e-4)))
      throw new RefusedError(
        "spacings-mixed",
        `expected pixel spacing ${first.pixelSpacingMm.join("\\")} mm as in ${nameOf(first)}, found ${slice.pixelSpacingMm.join("\\")} mm in ${at}`,
      );
  }
}

type Along = (slice: PlacedSlice) => number;

function requireDistinctPositions(sorted: readonly PlacedSlice[], along: Along): void {
  const places = sorted.filter((slice, k) => k === 0 || along(slice) - along(sorted[k - 1]!) >= samePositionMm).length;
  if (places === sorted.length) return;
  const k = sorted.findIndex((slice, at) => at > 0 && along(slice) - along(sorted[at - 1]!) < samePositionMm);
  throw new RefusedError(
    "slices-not-a-volume",
    `${sorted.length} images lie at ${places} position(s): ${nameOf(sorted[k - 1]!)} and ${nameOf(sorted[k]!)} both at ${along(sorted[k]!).toFixed(2)} mm`,
  );
}

function requireEvenSteps(sorted: readonly PlacedSlice[], along: Along, stepMm: number): void {
  const steps = sorted.slice(1).map((slice, k) => along(slice) - along(sorted[k]!));
  const usualMm = steps.toSorted((a, b) => a - b)[steps.length >> 1]!;
  const gaps = steps.flatMap((mm, k) => (mm > 1.5 * usualMm ? [k] : []));
  const [gap] = gaps;
  if (gap !== undefined)
    throw new RefusedError(
      "slices-uneven",
      `expected slices every ${usualMm.toFixed(2)} mm, found ${steps[gap]!.toFixed(2)} mm after ${nameOf(sorted[gap]!)} at ${along(sorted[gap]!).toFixed(2)} mm${gaps.length > 1 ? `, and ${gaps.length - 1} more gaps` : ""}`,
    );
  const toleranceMm = Math.min(positionToleranceMm, positionToleranceShare * stepMm);
  const start = along(sorted[0]!);
  for (const [k, slice] of sorted.entries()) {
    const offMm = along(slice) - start - k * stepMm;
    if (!(Math.abs(offMm) <= toleranceMm))
      throw new RefusedError(
        "slices-uneven",
        `${nameOf(slice)} at ${along(slice).toFixed(2)} mm is ${Math.abs(offMm).toFixed(2)} mm off an even spacing of ${stepMm.toFixed(2)} mm`,
      );
  }
}

function requireStraightLine(sorted: readonly PlacedSlice[], origin: Lps, step: Lps, normal: Lps): void {
  for (const [k, slice] of sorted.entries()) {
    const off = subtract(subtract(slice.position, origin), scale(step, k));
    const lateralMm = length(subtract(off, scale(normal, dot(off, normal))));
    if (!(lateralMm <= positionToleranceMm))
      throw new RefusedError("slices-misaligned", `${nameOf(slice)} lies ${lateralMm.toFixed(2)} mm beside the line of the others`);
  }
}

function nameOf({ instanceNumber }: PlacedSlice): string {
  return instanceNumber === null ? "an instance without number" : `instance ${instanceNumber}`;
}
