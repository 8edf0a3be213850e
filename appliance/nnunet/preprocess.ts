import { type Box, nonZeroBox } from "../volume/crop.ts";
import { type Ijk, spacingMm } from "../volume/grid.ts";
import { type AxisTurn, rasTurns, turnView, type VoxelView, viewOf } from "../volume/orient.ts";
import { zoomedLength } from "../volume/resample.ts";
import type { CtVolume } from "../volume/volume.ts";
import type { Compute } from "./compute.ts";
import type { CtForeground, Plans, Zyx } from "./plans.ts";

/**
 * A CT on the network's grid: its axes, its spacing, still in HU. `dims` and `box` list axes fastest first, so they are nnU-Net's lists
 * reversed; the memory is nnU-Net's.
 */
export type Prepared = {
  readonly hu: Int16Array;
  readonly dims: Ijk;
  /** The part that the network sees: everything but the margins that hold nothing but 0 HU. */
  readonly box: Box;
  /** What a voxel of it holds, by the spacing that was asked for. */
  readonly voxelMm3: number;
  /** How the source's axes were turned. */
  readonly turns: readonly [AxisTurn, AxisTurn, AxisTurn];
};

/**
 * Turns a CT to canonical axes, transposes it as the plans ask, resamples it to the plans' spacing and finds the box
 * that nnU-Net crops to. Intensities are normalised where patches are read ({@link normalisedValues}): of the whole volume only int16 is kept.
 *
 * @source totalsegmentator/nnunet.py, nnUNet_predict_image (as_closest_canonical, change_spacing to int32, order 1 unless the model says 3);
 * nnunetv2/preprocessing/cropping/cropping.py, crop_to_nonzero: voxels other than 0 decide, filling holes cannot change their box
 */
export async function preprocess(volume: CtVolume, plans: Plans, compute: Pick<Compute, "zoomCt">): Promise<Prepared> {
  const ras = rasTurns(volume.grid);
  const spacing = spacingMm(volume.grid);
  // nnU-Net reads the canonical x, y, z as zyx; the network's axis n is zyx axis transposeForward[n]. Our lists run fastest axis first.
  const zyx = [ras[2], ras[1], ras[0]] as const;
  const turns = reversed(plans.transposeForward.map((axis) => zyx[axis]!));
  const view = turnView(viewOf(volume.grid.dims, volume.hu), turns);
  const wanted = reversed(plans.spacing);
  const length = (axis: 0 | 1 | 2): number => {
    // NIfTI headers, from which TotalSegmentator takes the spacing, store 32-bit floats.
    const zoom = Math.fround(spacing[turns[axis].axis]) / wanted[axis];
    return zoomedLength(view.dims[axis], zoom);
  };
  const dims: Ijk = [length(0), length(1), length(2)];
  const hu = await compute.zoomCt(view, dims, plans.zoomOrder);
  return { hu, dims, box: nonZeroBox(dims, hu), voxelMm3: wanted[0] * wanted[1] * wanted[2], turns };
}

/** The label map that belongs on a prepared CT's source grid, seen along the network's axes. */
export function sourceView(sourceDims: Ijk, labels: Uint8Array, turns: Prepared["turns"]): VoxelView<Uint8Array> {
  return turnView(viewOf(sourceDims, labels), turns);
}

/**
 * Every int16 HU normalised for the network, at index HU + 32768: clipped to the percentiles of the training foreground, minus its mean, over
 * its standard deviation, in 32-bit steps as nnU-Net's arrays are.
 *
 * @source nnunetv2/preprocessing/normalization/default_normalization_schemes.py, CTNormalization
 */
export function normalisedValues({ low, high, mean, std }: CtForeground): Float32Array {
  const values = new Float32Array(65536);
  const mean32 = Math.fround(mean);
  const std32 = Math.fround(Math.max(std, 1e-8)); // upstream's floor; keeps a constant image finite
  for (let at = 0; at < values.length; at++) {
    const clipped = Math.fround(Math.min(Math.max(at - 32768, low), high));
    values[at] = Math.fround(clipped - mean32) / std32;
  }
  return values;
}

/** A list of axes the other way round: nnU-Net's slowest-first to fastest-first and back. */
export function reversed<T>(list: readonly T[]): readonly [T, T, T] {
  return [list[2]!, list[1]!, list[0]!];
}

/** nnU-Net's shape of a block given fastest axis first. */
export function shapeOf(dims: Ijk): Zyx {
  return [dims[2], dims[1], dims[0]];
}
