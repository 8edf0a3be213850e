import { voxelCount } from "../volume/grid.ts";
import { viewOf } from "../volume/orient.ts";
import { zoomNearest } from "../volume/resample.ts";
import type { CtVolume, LabelMap } from "../volume/volume.ts";
import type { Infer } from "./infer.ts";
import { mirrored } from "./mirror.ts";
import type { Plans } from "./plans.ts";
import { normalisedValues, preprocess, sourceView } from "./preprocess.ts";
import { type SlidingWindowOptions, slideWindow } from "./sliding-window.ts";

export type { Infer } from "./infer.ts";

export type PredictOptions = SlidingWindowOptions & {
  /** Axes of the network (0 z, 1 y, 2 x) to mirror patches along, as the manifest says; none if left out. */
  readonly mirrorAxes?: readonly number[];
};

/**
 * Segments a CT the way TotalSegmentator runs an nnU-Net v2 model; the label map lies on the CT's own grid.
 *
 * Labels, not logits, are brought back to that grid, by nearest voxel (plain nnU-Net interpolates logits): see README.md.
 */
export async function predict(volume: CtVolume, plans: Plans, infer: Infer, options: PredictOptions): Promise<LabelMap> {
  options.signal?.throwIfAborted();
  const prepared = preprocess(volume, plans);
  const found = await slideWindow(
    prepared,
    normalisedValues(plans.ct),
    plans.patchSize,
    plans.classes,
    mirrored(infer, options.mirrorAxes ?? []),
    options,
  );
  const labels = new Uint8Array(voxelCount(volume.grid));
  zoomNearest(viewOf(prepared.dims, found), sourceView(volume.grid.dims, labels, prepared.turns));
  return { grid: volume.grid, labels };
}
