import { type Box, boxOf, grownBox } from "../volume/crop.ts";
import type { Ijk } from "../volume/grid.ts";
import type { Plans, Zyx } from "./plans.ts";
import { type Prepared, reversed, shapeOf } from "./preprocess.ts";
import { tilePositions, tileStarts } from "./tiles.ts";

/** `exact`: every tile where upstream puts it. `fast`: the body only, in as few voxels of tiles as cover it; see README.md for what that changes. */
export type Mode = "exact" | "fast";

/** Where a network looks at a prepared CT. */
export type Windows = {
  readonly tile: Zyx;
  /** The part of the CT that is looked at. */
  readonly box: Box;
  /** Of the box with its padding. */
  readonly shape: Zyx;
  /** Voxels of padding before the box: one that is smaller than a tile lies in the tile's middle. */
  readonly before: Zyx;
  /** First voxel of each tile, in the padded box, in order of z. */
  readonly starts: readonly Zyx[];
  /** Whether there is nothing but air under a tile, in the order of `starts`: then it is not asked about. */
  readonly isAir: readonly boolean[];
};

/** What a network can be asked about. */
export type Tile = {
  readonly patchSize: Zyx;
  /** Whether the graph was made for this size only, or takes any multiple of the strides. */
  readonly isFixed: boolean;
};

/** Above this there is more than air and lung: skin, fat, a couch. */
const bodyHu = -500;
/** Kept around the body, mm: what a network sees of the air beside it. */
const bodyMarginMm = 15;
/** How much larger than the plans' patch a side of a tile may be in fast mode: normalisation within a tile changes with what is in it. */
const largestGrowth = 4 / 3;

/**
 * Tiles over a prepared CT, where nnU-Net puts them.
 *
 * @param stepSize largest distance between tiles as a share of the tile: above 0, at most 1
 * @source nnunetv2/inference/predict_from_raw_data.py, predict_sliding_window_return_logits; acvl_utils, pad_nd_image
 */
export function windowsOf({ box }: Prepared, tile: Zyx, stepSize: number): Windows {
  return windowsIn(box, tile, stepSize);
}

/** Tiles over the body only, of the size that covers it with the fewest voxels, those over nothing but air marked. */
export function fastWindowsOf(prepared: Prepared, plans: Plans, { patchSize, isFixed }: Tile, stepSize: number): Windows {
  const box = bodyBox(prepared, plans);
  const boxShape = shapeOf(box.dims);
  const tile = patchSize.map((side, axis) => {
    const stride = plans.network.strides.reduce((product, strides) => product * strides[axis]!, 1);
    return isFixed ? side : cheapestSide(boxShape[axis]!, side, stride, stepSize);
  }) as unknown as Zyx;
  const windows = windowsIn(filledBox(box, prepared.dims, tile), tile, stepSize);
  return { ...windows, isAir: windows.starts.map((start) => isAirUnder(prepared, windows, start)) };
}

function windowsIn(box: Box, tile: Zyx, stepSize: number): Windows {
  const boxShape = shapeOf(box.dims);
  const along = (of: (length: number, side: number) => number): Zyx => [
    of(boxShape[0], tile[0]),
    of(boxShape[1], tile[1]),
    of(boxShape[2], tile[2]),
  ];
  const before = along((length, side) => Math.max(0, Math.floor((side - length) / 2)));
  const shape = along(Math.max);
  const starts = tilePositions(shape, tile, stepSize);
  return { tile, box, shape, before, starts, isAir: starts.map(() => false) };
}

/** The box around everything that is no air, with a margin; what nnU-Net would crop to where there is nothing. */
function bodyBox({ hu, dims, box }: Prepared, { spacing }: Plans): Box {
  const body = boxOf(dims, hu, (value) => value > bodyHu);
  if (!body) return box;
  const [i, j, k] = reversed(spacing.map((mm) => Math.ceil(bodyMarginMm / mm)));
  return grownBox(body, [i, j, k], dims);
}

/** The box, as long as a tile where the CT goes on: what is there beside the body costs nothing then, and is air, where padding would be tissue to the network. */
function filledBox({ start, dims }: Box, within: Ijk, [depth, height, width]: Zyx): Box {
  const along = (axis: 0 | 1 | 2, side: number): [from: number, length: number] => {
    const length = Math.max(dims[axis], Math.min(side, within[axis]));
    const from = Math.max(0, Math.min(start[axis] - Math.floor((length - dims[axis]) / 2), within[axis] - length));
    return [from, length];
  };
  const [i, j, k] = [along(0, width), along(1, height), along(2, depth)];
  return { start: [i[0], j[0], k[0]], dims: [i[1], j[1], k[1]] };
}

/** The side of tiles, a multiple of the stride, that covers a length with the fewest voxels; the plans' own among equals. */
function cheapestSide(length: number, side: number, stride: number, stepSize: number): number {
  const costOf = (candidate: number): number => candidate * tileStarts(Math.max(length, candidate), candidate, stepSize).length;
  let best = side;
  for (let candidate = side + stride; candidate <= side * largestGrowth; candidate += stride)
    if (costOf(candidate) < costOf(best)) best = candidate;
  return best;
}

function isAirUnder({ hu, dims: [ni, nj] }: Prepared, { box, before, tile }: Windows, [z0, y0, x0]: Zyx): boolean {
  const [i0, j0, k0] = box.start;
  const [bi, bj, bk] = box.dims;
  const [fi, fj, fk] = [x0 - before[2], y0 - before[1], z0 - before[0]];
  for (let k = Math.max(0, fk); k < Math.min(bk, fk + tile[0]); k++)
    for (let j = Math.max(0, fj); j < Math.min(bj, fj + tile[1]); j++) {
      const row = i0 + ni * (j0 + j + nj * (k0 + k));
      for (let i = Math.max(0, fi); i < Math.min(bi, fi + tile[2]); i++) if (hu[row + i]! > bodyHu) return false;
    }
  return true;
}
