import { type Ijk, ijkToLps, type Lps, length, scale, spacingMm } from "./grid.ts";
import { type AxisTurn, turnView, viewOf } from "./orient.ts";
import { type Plane, planeAxes } from "./plane.ts";
import type { CtVolume, LabelMap } from "./volume.ts";

/** Ranges of grid indices along i, j and k, ends included. */
export type IndexBox = readonly [readonly [number, number], readonly [number, number], readonly [number, number]];

/** A slice of a volume as a picture: square pixels of one size in mm, rows from the top. */
export type Section = {
  readonly plane: Plane;
  /** Index along the grid axis that the picture lies across. */
  readonly index: number;
  readonly width: number;
  readonly height: number;
  readonly pixelMm: number;
  readonly hu: Float32Array;
  readonly labels: Uint8Array;
  /** Unit vectors to the right of the picture and down. */
  readonly right: Lps;
  readonly down: Lps;
  /** The middle of what is shown. */
  readonly centre: Lps;
};

/** Size of what a section shows, mm: width and height. Voxels count whole, from edge to edge. */
export function sectionSizeMm({ grid }: LabelMap, plane: Plane, box: IndexBox): readonly [width: number, height: number] {
  const { across, down } = planeAxes(grid, plane);
  const size = ({ axis }: AxisTurn) => (box[axis][1] - box[axis][0] + 1) * spacingMm(grid)[axis];
  return [size(across), size(down)];
}

/** Cuts a slice out of a volume and its label map. HU are interpolated between voxel centres, labels are the nearest voxel's. */
export function cutSection(
  volume: CtVolume,
  labelMap: LabelMap,
  { plane, index, box, pixelMm }: { readonly plane: Plane; readonly index: number; readonly box: IndexBox; readonly pixelMm: number },
): Section {
  const { grid } = labelMap;
  const axes = planeAxes(grid, plane);
  const { across, down, through } = axes;
  const steps = spacingMm(grid);
  const [widthMm, heightMm] = sectionSizeMm(labelMap, plane, box);
  const width = Math.max(1, Math.round(widthMm / pixelMm));
  const height = Math.max(1, Math.round(heightMm / pixelMm));
  const turns = [across, down, { axis: through.axis, flip: false }] as const;
  const hu = turnView(viewOf(grid.dims, volume.hu), turns);
  const labels = turnView(viewOf(grid.dims, labelMap.labels), turns);
  const columns = samples(width, steps[across.axis], pixelMm, turnedRange(across, box, grid.dims));
  const rows = samples(height, steps[down.axis], pixelMm, turnedRange(down, box, grid.dims));
  const out = { hu: new Float32Array(width * height), labels: new Uint8Array(width * height) };
  const plan = hu.offset + index * hu.strides[2];
  for (let y = 0, at = 0; y < height; y++) {
    const upper = plan + rows.low[y]! * hu.strides[1];
    const lower = plan + rows.high[y]! * hu.strides[1];
    const nearest = labels.offset + index * labels.strides[2] + rows.nearest[y]! * labels.strides[1];
    const share = rows.share[y]!;
    for (let x = 0; x < width; x++, at++) {
      const left = columns.low[x]! * hu.strides[0];
      const right = columns.high[x]! * hu.strides[0];
      const part = columns.share[x]!;
      const above = hu.data[upper + left]! * (1 - part) + hu.data[upper + right]! * part;
      const below = hu.data[lower + left]! * (1 - part) + hu.data[lower + right]! * part;
      out.hu[at] = above * (1 - share) + below * share;
      out.labels[at] = labels.data[nearest + columns.nearest[x]! * labels.strides[0]]!;
    }
  }
  const direction = ({ axis, flip }: AxisTurn): Lps => scale(grid.steps[axis], (flip ? -1 : 1) / length(grid.steps[axis]));
  const middle = box.map(([first, last], axis) => (axis === through.axis ? index : (first + last) / 2)) as unknown as Ijk;
  return {
    plane,
    index,
    width,
    height,
    pixelMm,
    ...out,
    right: direction(across),
    down: direction(down),
    centre: ijkToLps(grid, middle),
  };
}

/** The range of a box along a turned axis, in the order in which the picture shows it. */
function turnedRange({ axis, flip }: AxisTurn, box: IndexBox, dims: Ijk): readonly [number, number] {
  const [first, last] = box[axis];
  return flip ? [dims[axis] - 1 - last, dims[axis] - 1 - first] : [first, last];
}

/** For each pixel of a row or column: the voxels before and behind its centre, how far it is between them, and the one it lies in. */
function samples(count: number, stepMm: number, pixelMm: number, [first, last]: readonly [number, number]) {
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const nearest = new Int32Array(count);
  const share = new Float32Array(count);
  for (let pixel = 0; pixel < count; pixel++) {
    const place = Math.min(Math.max(first + ((pixel + 0.5) * pixelMm) / stepMm - 0.5, first), last);
    low[pixel] = Math.floor(place);
    high[pixel] = Math.min(low[pixel]! + 1, last);
    nearest[pixel] = Math.round(place);
    share[pixel] = place - low[pixel]!;
  }
  return { low, high, nearest, share };
}
