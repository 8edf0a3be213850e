import { join } from "node:path";
import { messageOf, RefusedError, UnavailableError } from "../base/errors.ts";
import { type Activation, type Choice, choicesAsBefore, choicesOf, mayHaveArena, type PastForm } from "../domain/activation.ts";
import type { ModelManifest, ModelPart, NetworkFile } from "../domain/model.ts";
import { multipliesBytes } from "../host/byte-products.ts";
import { drawnLabels, type LoadedModel, type LoadedPart, readModel } from "../inference/models.ts";
import { openNetwork, valuesOf } from "../inference/network.ts";
import type { Compute } from "../nnunet/compute.ts";
import { fillsPatch } from "../nnunet/fills-patch.ts";
import type { Postprocessing } from "../nnunet/postprocess.ts";
import { type OpenNetwork, predict, type Stage } from "../nnunet/predict.ts";
import type { Mode } from "../nnunet/windows.ts";
import { type Box, boxOf, croppedCt, grownBox, marginVoxels, uncroppedLabels } from "../volume/crop.ts";
import { voxelCount } from "../volume/grid.ts";
import type { CtVolume, LabelMap } from "../volume/volume.ts";

export type RunModelOptions = {
  readonly activation: Activation | null;
  /** Where the activation lies, and what was built for it; null where there is none. */
  readonly activationFolder: string | null;
  readonly threads: number;
  readonly compute: Compute;
  readonly mode: Mode;
  /** Names of the labels to draw, null for all. Parts that have none of them are not run. */
  readonly wanted: readonly string[] | null;
  /** Another installed model, which crops the CT to the wanted labels first, as TotalSegmentator does for a choice of organs; null for none. */
  readonly cropBy: string | null;
  /** To measure time only: the forms of this precision, barred or not; null: what may make results. */
  readonly benchPrecision: NetworkFile["precision"] | null;
  /** To make a result again: the forms that made it; null: those that are best now. */
  readonly asBefore: readonly PastForm[] | null;
  /** Whether the process ends after this: then the last network is not closed. */
  readonly isLast: boolean;
  /** Told how long each answer of a network took, ms. */
  readonly onInfer: (ms: number) => void;
  readonly onProgress: (share: number) => void;
  readonly onStage: (stage: Stage) => void;
};

/** A form of a network that made a result. */
export type UsedNetwork = Choice & { readonly part: string };

export type ModelRun = {
  readonly labelMap: LabelMap;
  readonly patches: number;
  readonly patchesOfAir: number;
  readonly used: readonly UsedNetwork[];
  readonly notes: readonly string[];
};

/** Around the labels that TotalSegmentator crops a choice of organs to, mm. */
const choiceMarginMm = 20;

/**
 * Runs a model on a CT: crops first where the model or the caller asks for it, then every part that has something to draw, each with the best
 * form of its network that may be run here. A form that can't be loaded leaves a note and the next one is taken.
 */
export async function runModel(volume: CtVolume, model: LoadedModel, options: RunModelOptions): Promise<ModelRun> {
  const { manifest } = model;
  const unknown = options.wanted?.find((name) => manifest.labels.every((label) => label.name !== name));
  if (unknown !== undefined)
    throw new RefusedError(
      "label-unknown",
      `model ${manifest.name} has no label ${unknown}; it has ${manifest.labels.map(({ name }) => name).join(", ")}`,
    );
  const crop =
    manifest.crop ??
    (options.cropBy === null || !options.wanted ? null : { model: options.cropBy, labels: options.wanted, marginMm: choiceMarginMm });
  if (!crop) return runWhole(volume, model, options);

  const cropModel = await readModel(join(model.folder, "..", crop.model));
  const rough = await runModel(volume, cropModel, {
    ...options,
    activation: null, // of another model; it is small, and judged by nothing but a box
    asBefore: null,
    wanted: crop.labels,
    cropBy: null,
    isLast: false,
    onProgress: (share) => options.onProgress(share / 10),
  });
  const around = rough.labelMap.labels;
  const found = boxOf(volume.grid.dims, around, (value) => value !== 0);
  const used = { patches: rough.patches, patchesOfAir: rough.patchesOfAir, used: rough.used };
  if (!found) {
    const note = `${crop.model} found nothing of ${crop.labels.join(", ")} to crop to, so nothing was looked for`;
    const labels = new Uint8Array(voxelCount(volume.grid));
    return { labelMap: { grid: volume.grid, labels }, ...used, notes: [...rough.notes, note] };
  }
  const box: Box = grownBox(found, marginVoxels(volume, crop.marginMm), volume.grid.dims);
  const fine = await runWhole(croppedCt(volume, box), model, {
    ...options,
    onProgress: (share) => options.onProgress(0.1 + 0.9 * share),
  });
  return {
    labelMap: { grid: volume.grid, labels: uncroppedLabels(volume.grid.dims, box, fine.labelMap.labels) },
    patches: rough.patches + fine.patches,
    patchesOfAir: rough.patchesOfAir + fine.patchesOfAir,
    used: [...rough.used, ...fine.used],
    notes: [...rough.notes, ...fine.notes],
  };
}

async function runWhole(volume: CtVolume, { folder, manifest, parts }: LoadedModel, options: RunModelOptions): Promise<ModelRun> {
  const { activation, asBefore, threads, compute, wanted, benchPrecision, onProgress, onStage } = options;
  const used: UsedNetwork[] = [];
  const notes: string[] = [];
  const run = parts.filter((each) => !wanted || drawnLabels(each).some(({ name }) => wanted.includes(name)));
  const open = async ({ part, plans }: LoadedPart): Promise<OpenNetwork> => {
    const usual = asBefore
      ? choicesAsBefore(part, asBefore, activation)
      : choicesOf(part, activation, await multipliesBytes()).filter(
          ({ network }) => network.precision !== "int8" || fillsPatch(volume.grid, plans),
        );
    const choices = benchPrecision === null ? usual : benchChoices(part, benchPrecision);
    for (const [index, choice] of choices.entries()) {
      const { network, provider, arena, isBuilt = false } = choice;
      try {
        const opened = await openNetwork(isBuilt ? options.activationFolder! : folder, network, plans, {
          provider,
          arena,
          threads: choice.threads ?? threads,
        });
        used.push({ ...choice, part: part.name });
        const answering = timed(opened, options.onInfer);
        // Letting go of a large network takes up to a second; the end of the process does it at once.
        return options.isLast && part === run.at(-1)?.part ? { ...answering, close: async () => {} } : answering;
      } catch (error) {
        const isLast = index === choices.length - 1;
        // Of the model itself; an engine is made of it, and can be made again.
        const isDamaged = !isBuilt && error instanceof RefusedError && ["model-digest", "model-missing"].includes(error.code);
        if (isLast || isDamaged || error instanceof UnavailableError) throw error;
        notes.push(`${network.file} can't be run on ${provider}: ${messageOf(error)}`);
      }
    }
    throw new RefusedError("model-barred", `no form of the network of part ${part.name} of ${manifest.name} may be run on this machine`);
  };
  const { labelMap, patches, patchesOfAir } = await predict(
    volume,
    run.map((loaded) => ({ plans: loaded.plans, values: valuesOf(loaded, manifest.labels), open: () => open(loaded) })),
    {
      stepSize: manifest.stepSize,
      mode: options.mode,
      mirrorAxes: manifest.mirrorAxes,
      postprocessing: postprocessingOf(manifest),
      ...(wanted && { wanted: new Set(manifest.labels.filter(({ name }) => wanted.includes(name)).map(({ value }) => value)) }),
      compute,
      onProgress: (done, total) => onProgress(done / total),
      onStage,
    },
  );
  return { labelMap, patches, patchesOfAir, used, notes };
}

function timed(network: OpenNetwork, onInfer: (ms: number) => void): OpenNetwork {
  return {
    ...network,
    async infer(patch, shapeZyx) {
      const startedMs = performance.now();
      const output = await network.infer(patch, shapeZyx);
      onInfer(performance.now() - startedMs);
      return output;
    },
  };
}

/** Whatever is there of a precision, for the processor. What comes of it is a time, never a result. */
function benchChoices({ networks }: ModelPart, benchPrecision: NetworkFile["precision"]): readonly Choice[] {
  return networks
    .filter(({ engine, precision }) => engine === "onnx" && precision === benchPrecision)
    .map((network) => ({ network, provider: "cpu", threads: null, arena: mayHaveArena(network) }));
}

function postprocessingOf({ postprocessing, labels }: ModelManifest): Postprocessing {
  const { removeSmallBlobsMm3, removeSmallBlobsMm3Of = {}, keepLargest } = postprocessing;
  const own = labels.flatMap(({ name, value }) =>
    Object.hasOwn(removeSmallBlobsMm3Of, name) ? [[value, removeSmallBlobsMm3Of[name]!] as const] : [],
  );
  const kept = labels.filter(({ name }) => keepLargest.includes(name));
  return { removeSmallBlobsMm3, removeSmallBlobsMm3Of: new Map(own), keepLargest: new Set(kept.map(({ value }) => value)) };
}
