import type { Zyx } from "./plans.ts";
import { type Prepared, shapeOf } from "./preprocess.ts";
import { tilePositions } from "./tiles.ts";

/** Where a network looks at a prepared CT. */
export type Windows = {
  readonly tile: Zyx;
  /** Of the box with its padding. */
  readonly shape: Zyx;
  /** Voxels of padding before the box: one that is smaller than a tile lies in the tile's middle. */
  readonly before: Zyx;
  /** First voxel of each tile, in the padded box, in order of z. */
  readonly starts: readonly Zyx[];
};

/**
 * Tiles where nnU-Net puts them.
 *
 * @param stepSize largest distance between tiles as a share of the tile: above 0, at most 1
 * @source nnunetv2/inference/predict_from_raw_data.py, predict_sliding_window_return_logits; acvl_utils, pad_nd_image
 */
export function windowsOf({ box }: Prepared, tile: Zyx, stepSize: number): Windows {
  const boxShape = shapeOf(box.dims);
  const along = (of: (length: number, side: number) => number): Zyx => [
    of(boxShape[0], tile[0]),
    of(boxShape[1], tile[1]),
    of(boxShape[2], tile[2]),
  ];
  const before = along((length, side) => Math.max(0, Math.floor((side - length) / 2)));
  const shape = along(Math.max);
  return { tile, shape, before, starts: tilePositions(shape, tile, stepSize) };
}
