import { RefusedError } from "../base/errors.ts";
import { cross, dot, type Grid, isEven, type Lps, length, scale, sliceGapsMm, sliceOrigin, subtract, voxelCount } from "../volume/grid.ts";
import { regularGridOf, tiltDegrees } from "../volume/regular-grid.ts";
import type { CtFrame } from "./ct-instance.ts";
import type { Orientation } from "./instance-header.ts";

/** What places a slice. */
export type PlacedSlice = Pick<CtFrame, "position" | "orientation" | "pixelSpacingMm" | "sliceThicknessMm" | "instanceNumber"> & {
  readonly rows: number;
  readonly columns: number;
};

/** With two, any gap between them looks like the spacing; from three on a missing slice shows, unless it is every second one. */
export const fewestSlices = 3;
/** Direction cosines are off by less, and differ by less within a series: a quarter of a millimetre at 250 mm from the first voxel. */
const orientationTolerance = 1e-3;
/** Nearer images lie at the same position; no CT reconstructs so finely. */
export const samePositionMm = 0.05;
/** A slice may lie this far beside the line of the others: positions are rounded to 0.1 mm at worst. */
const misalignedMm = 0.1;
/** Below, positions are written as coarsely: the line through them says where they are. */
const hairMm = 1e-3;
/** Gantries tilt by 30 degrees; beyond this, positions are not what a scanner measured. */
const largestTiltDegrees = 45;
/** A step that is wider by more than this than the narrowest is another spacing, or a gap. */
const widerThan = 1.5;
/** So many wide steps in a row, alike within a tenth, are a spacing that was meant; one or two are missing slices. */
const fewestAlike = 3;
/** Protocols change from 1.25 to 2.5 or 5 mm; beyond, most of what a network would see between two slices is made up. */
const widestToNarrowest = 4;
/** 2 GiB of int16; a whole body at 0.5 mm has about half of it. */
const mostVoxels = 2 ** 30;
/** No scanner sees more than 0.8 m across or 2.5 m along; what a header says beyond would measure wrongly, and keep the box busy for a day. */
const longestMm = 3000;

/**
 * Sorts slices along their normal and finds the grid they lie on; k increases along the normal (row x column), so the grid is right-handed. It is
 * where the slices are: sheared when a gantry was tilted, with a place of its own for each slice where those are not even. Refuses, and names
 * the place: too few slices, mixed sizes, spacings or orientations, two images at one position, gaps, steps that differ too much, slices beside
 * the line of the others, a tilt that no gantry has. PS3.3 C.7.6.2
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
  requireNoGap(sorted, along);
  requireStraightLine(sorted, along);
  const dims = [first.columns, first.rows, sorted.length] as const;
  const [rowMm, columnMm] = first.pixelSpacingMm;
  const step = scale(subtract(sorted.at(-1)!.position, sorted[0]!.position), 1 / (sorted.length - 1));
  const regular: Grid = { dims, origin: sorted[0]!.position, steps: [scale(row, columnMm), scale(column, rowMm), step] };
  const sliceOrigins = sorted.map(({ position }) => position);
  const isExact = sliceOrigins.every((origin, k) => length(subtract(origin, sliceOrigin(regular, k))) <= hairMm);
  const grid: Grid = isExact ? regular : { ...regular, sliceOrigins };
  return { grid, sorted, notes: requirePlausible(grid) };
}

/** Refuses what no scanner makes or no memory holds; what has to be done to the slices for a network is a note. */
function requirePlausible(grid: Grid): string[] {
  const tilt = tiltDegrees(grid);
  if (tilt > largestTiltDegrees)
    throw new RefusedError(
      "gantry-tilt",
      `the slices are sheared by ${tilt.toFixed(1)} degrees, expected at most ${largestTiltDegrees}: no gantry tilts so far`,
    );
  const [ni, nj, nk] = grid.dims;
  const gaps = sliceGapsMm(grid);
  const extentMm = [ni * length(grid.steps[0]), nj * length(grid.steps[1]), gaps.reduce((sum, gap) => sum + gap, 0) * (nk / (nk - 1))];
  const tooMany = ({ dims }: Grid) => new RefusedError("volume-too-large", `${dims.join(" x ")} voxels are more than ${mostVoxels}`);
  if (voxelCount(grid) > mostVoxels) throw tooMany(grid);
  if (!extentMm.every((mm) => mm <= longestMm))
    throw new RefusedError(
      "spacing-implausible",
      `the volume would be ${extentMm.map((mm) => mm.toFixed(0)).join(" x ")} mm, at most ${longestMm} mm are a patient`,
    );
  const straight = regularGridOf(grid);
  if (straight && voxelCount(straight) > mostVoxels) throw tooMany(straight);
  const notes: string[] = [];
  const even = isEven(grid);
  if (straight && tilt > 0.05)
    notes.push(
      `slices are sheared by ${tilt.toFixed(1)} degrees (gantry tilt): they were straightened for the model, results are on the slices as received`,
    );
  else if (tilt > 0.05) notes.push(`slices are sheared by ${tilt.toFixed(2)} degrees; the grid follows them`);
  if (!even)
    notes.push(
      `slices are ${Math.min(...gaps).toFixed(2)} to ${Math.max(...gaps).toFixed(2)} mm apart: they were resampled to ${length(straight!.steps[2]).toFixed(2)} mm for the model, results are on the slices as received`,
    );
  return notes;
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

/**
 * Tells a spacing that was changed on purpose from missing slices: a wider step must be one of several alike in a row, or lead over to them, and
 * be no wider than the slices there are thick where their thickness is known, or there would be tissue that no slice shows.
 */
function requireNoGap(sorted: readonly PlacedSlice[], along: Along): void {
  const steps = sorted.slice(1).map((slice, k) => along(slice) - along(sorted[k]!));
  const narrowestMm = Math.min(...steps);
  const usualMm = steps.toSorted((a, b) => a - b)[steps.length >> 1]!;
  const isMeant = steps.map((mm, k) => {
    let alike = 1;
    for (let at = k - 1; at >= 0 && areAlike(steps[at]!, mm); at--) alike++;
    for (let at = k + 1; at < steps.length && areAlike(steps[at]!, mm); at++) alike++;
    const thicknessMm = Math.max(sorted[k]!.sliceThicknessMm ?? 0, sorted[k + 1]!.sliceThicknessMm ?? 0);
    return alike >= fewestAlike && (thicknessMm === 0 || mm <= 1.1 * thicknessMm);
  });
  const leadsOver = (mm: number, to: number): boolean => isMeant[to] === true && mm <= steps[to]!;
  const gaps = steps.flatMap((mm, k) =>
    mm <= widerThan * narrowestMm || isMeant[k] || leadsOver(mm, k - 1) || leadsOver(mm, k + 1) ? [] : [k],
  );
  const describe = (k: number): string => `${steps[k]!.toFixed(2)} mm after ${nameOf(sorted[k]!)} at ${along(sorted[k]!).toFixed(2)} mm`;
  const [gap] = gaps;
  if (gap !== undefined)
    throw new RefusedError(
      "slices-uneven",
      `expected slices every ${usualMm.toFixed(2)} mm, found ${describe(gap)}${gaps.length > 1 ? `, and ${gaps.length - 1} more gaps` : ""}`,
    );
  const widest = steps.indexOf(Math.max(...steps));
  if (steps[widest]! > widestToNarrowest * narrowestMm)
    throw new RefusedError(
      "slices-uneven",
      `expected steps of at most ${widestToNarrowest} times the narrowest, ${narrowestMm.toFixed(2)} mm, found ${describe(widest)}`,
    );
}

function areAlike(a: number, b: number): boolean {
  return Math.abs(a - b) <= 0.1 * Math.max(a, b);
}

/** The line runs from the first slice to the last, by their height along the normal: it is where a table moves. */
function requireStraightLine(sorted: readonly PlacedSlice[], along: Along): void {
  const [first, last] = [sorted[0]!, sorted.at(-1)!];
  const whole = subtract(last.position, first.position);
  const depthMm = along(last) - along(first);
  for (const slice of sorted) {
    const share = (along(slice) - along(first)) / depthMm;
    const lateralMm = length(subtract(subtract(slice.position, first.position), scale(whole, share)));
    if (!(lateralMm <= misalignedMm))
      throw new RefusedError("slices-misaligned", `${nameOf(slice)} lies ${lateralMm.toFixed(2)} mm beside the line of the others`);
  }
}

export function nameOf({ instanceNumber }: PlacedSlice): string {
  return instanceNumber === null ? "an instance without number" : `instance ${instanceNumber}`;
}
