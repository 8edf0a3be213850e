import { voxelCount } from "../volume/grid.ts";
import { viewOf } from "../volume/orient.ts";
import { regularGridOf } from "../volume/regular-grid.ts";
import type { CtVolume, LabelMap } from "../volume/volume.ts";
import { type Compute, inThisThread } from "./compute.ts";
import type { Infer, OutputForm } from "./infer.ts";
import { mirrorings } from "./mirror.ts";
import type { Plans, Zyx } from "./plans.ts";
import { type Postprocessing, postprocess } from "./postprocess.ts";
import { normalisedValues, type Prepared, preprocess, sourceView } from "./preprocess.ts";
import { slideWindow } from "./sliding-window.ts";
import { fastWindowsOf, type Mode, type Windows, windowsOf } from "./windows.ts";

/** One network of a model, not opened yet. */
export type Part = {
  readonly plans: Plans;
  /** The label map's value of each of the network's classes, 0 for background. */
  readonly values: Uint8Array;
  readonly open: () => Promise<OpenNetwork>;
};

/** A network that is loaded and ready. Calls of `infer` must not overlap. */
export type OpenNetwork = {
  readonly infer: Infer;
  readonly output: OutputForm;
  /** {@link headMatrix} where the output is features; null where it is logits. */
  readonly head: Float32Array | null;
  /** The size that the graph was made for; null: the plans' patch, or another multiple of the strides. */
  readonly patchSize: Zyx | null;
  readonly close: () => Promise<void>;
};

export type PredictOptions = {
  /** Largest distance between tiles as a share of the tile: above 0, at most 1. */
  readonly stepSize: number;
  /** `exact` if left out. */
  readonly mode?: Mode;
  /** Axes of the network (0 z, 1 y, 2 x) to mirror patches along, as the manifest says; none if left out. */
  readonly mirrorAxes?: readonly number[];
  readonly postprocessing?: Postprocessing;
  /** Values of the labels to keep; all if left out. */
  readonly wanted?: ReadonlySet<number>;
  readonly compute?: Compute;
  readonly onProgress?: (tilesDone: number, tilesTotal: number) => void;
  /** Called when a stage is over. */
  readonly onStage?: (stage: Stage) => void;
  readonly signal?: AbortSignal;
};

export type Stage = "prepare" | "open" | "infer" | "finish";

export type Prediction = {
  readonly labelMap: LabelMap;
  /** Patches that networks were asked about. */
  readonly patches: number;
  /** Patches that were left out because there is nothing but air under them. */
  readonly patchesOfAir: number;
};

/**
 * Segments a CT the way TotalSegmentator runs nnU-Net v2 models; the label map lies on the CT's own grid, which has to be a regular one
 * (`volume/restack.ts`, straighten).
 *
 * Parts are merged in their order, later ones over earlier ones where they are not 0. A CT is prepared once for neighbouring parts with the same
 * spacing. Labels, not logits, are brought back to the source grid, by nearest voxel (plain nnU-Net interpolates logits): see README.md.
 *
 * @source totalsegmentator/nnunet.py, nnUNet_predict_image
 */
export async function predict(volume: CtVolume, parts: readonly Part[], options: PredictOptions): Promise<Prediction> {
  const { compute = inThisThread, mode = "exact", onProgress, onStage, signal } = options;
  signal?.throwIfAborted();
  if (regularGridOf(volume.grid) !== null) throw new Error("expected slices evenly apart and at right angles; straighten them first");
  const labels = compute.labels(voxelCount(volume.grid));
  const groups = groupsOf(parts);
  let [done, total, ofAir] = [0, 0, 0];
  for (const [index, group] of groups.entries()) {
    // The first network is loaded while the CT is prepared: the loops may run elsewhere.
    const [prepared, first] = await Promise.all([preprocess(volume, group[0]!.plans, compute), group[0]!.open()]);
    onStage?.("prepare");
    const found = compute.labels(prepared.hu.length);
    const windowsFor = ({ plans }: Part, patchSize: Zyx | null): Windows =>
      mode === "fast"
        ? fastWindowsOf(prepared, plans, { patchSize: patchSize ?? plans.patchSize, isFixed: patchSize !== null }, options.stepSize)
        : windowsOf(prepared, patchSize ?? plans.patchSize, options.stepSize);
    if (index === 0) total = parts.reduce((sum, part) => sum + windowsFor(part, null).starts.length, 0);
    onProgress?.(done, total);
    for (const part of group) {
      const network = part === group[0] ? first : await part.open();
      onStage?.("open");
      const windows = windowsFor(part, network.patchSize);
      total += windows.starts.length - windowsFor(part, null).starts.length;
      ofAir += windows.isAir.filter(Boolean).length;
      try {
        await runPart(prepared, part, network, windows, found, options, () => {
          done++;
          onProgress?.(done, total);
        });
      } finally {
        await network.close();
      }
      onStage?.("infer");
    }
    finish(found, prepared, options);
    await bringBack(prepared, found, volume, labels, index === 0, compute);
    onStage?.("finish");
  }
  const each = mirrorings(options.mirrorAxes ?? []).length;
  return { labelMap: { grid: volume.grid, labels }, patches: (done - ofAir) * each, patchesOfAir: ofAir * each };
}

/** Neighbouring parts that see the CT on the same grid. */
function groupsOf(parts: readonly Part[]): readonly (readonly Part[])[] {
  const groups: Part[][] = [];
  const gridOf = ({ plans }: Part): string => `${plans.spacing} ${plans.transposeForward} ${plans.zoomOrder}`;
  for (const part of parts) {
    const last = groups.at(-1);
    if (last && gridOf(last[0]!) === gridOf(part)) last.push(part);
    else groups.push([part]);
  }
  return groups;
}

async function runPart(
  prepared: Prepared,
  { plans, values }: Part,
  { infer, output, head }: OpenNetwork,
  windows: Windows,
  labels: Uint8Array,
  { mirrorAxes = [], compute = inThisThread, signal }: PredictOptions,
  onTile: () => void,
): Promise<void> {
  const { shape, tile, before, box } = windows;
  const { dims } = prepared;
  const merge = await compute.merge({ output, classes: plans.classes, head, shape, tile, before, labels, dims, box, values });
  try {
    await slideWindow(prepared, normalisedValues(plans.ct), windows, infer, merge, { mirrorAxes, onTile, signal });
  } finally {
    await merge.close();
  }
}

/** What is done to a merged label map on the network's grid. */
function finish(labels: Uint8Array, { dims, voxelMm3 }: Prepared, { wanted, postprocessing }: PredictOptions): void {
  if (wanted) {
    const keep = Uint8Array.from({ length: 256 }, (_, value) => (wanted.has(value) ? value : 0));
    for (let at = 0; at < labels.length; at++) labels[at] = keep[labels[at]!]!;
  }
  if (postprocessing) postprocess(labels, dims, voxelMm3, postprocessing);
}

/** Labels on the network's grid to the source grid, nearest voxel. */
async function bringBack(
  { dims, turns }: Prepared,
  found: Uint8Array,
  { grid }: CtVolume,
  labels: Uint8Array,
  isFirst: boolean,
  compute: Compute,
): Promise<void> {
  if (isFirst) return compute.zoomNearest(viewOf(dims, found), sourceView(grid.dims, labels, turns));
  const over = new Uint8Array(labels.length);
  await compute.zoomNearest(viewOf(dims, found), sourceView(grid.dims, over, turns));
  for (let at = 0; at < over.length; at++) if (over[at] !== 0) labels[at] = over[at]!;
}
