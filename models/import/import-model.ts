import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import type { ModelManifest } from "../../appliance/domain/model.ts";
import type { LoadedModel } from "../../appliance/inference/models.ts";
import { type CatalogueTask, usableTask } from "../catalogue/catalogue.ts";
import { copyModel } from "./copy-model.ts";
import { installModel, leaveWorkshop, modelNameFrom, workshopOf } from "./install.ts";
import { labelsOf } from "./labels.ts";
import { type ImportedPart, importPart } from "./part.ts";
import { knownTasks, type TaskHere } from "./tasks-here.ts";
import { chooseFold, findTrained, type Trained } from "./trained.ts";
import { unpackModel } from "./unpack.ts";

export type ImportOptions = {
  /** The folder that models are installed in: DATA/models. */
  readonly models: string;
  /** Name of the model, or of a catalogue's task where the path holds several. */
  readonly name?: string | undefined;
  /** Fold of the training; 0 unless said. */
  readonly fold?: string | undefined;
  /** Whether somebody has the licence that some of TotalSegmentator's tasks need. */
  readonly licensed?: boolean;
  /** Whether a model of the same name is taken away. */
  readonly replace?: boolean;
  /** Pieces of every label of this volume or less are taken away; a task's own volumes for labels stay. */
  readonly removeSmallBlobsMm3?: number | undefined;
  /** Names of models that come with the service and would hide one of the same name. */
  readonly reserved?: readonly string[];
  /** Told what is chosen, found and left out, a sentence each. */
  readonly say?: (line: string) => void;
  /** Called with each model before it is put in its place; what it throws ends the import. */
  readonly beforeInstall?: (manifest: ModelManifest) => Promise<void>;
};

/**
 * Imports what lies at a path: a folder or zip archive of nnU-Net v2's (one trained network), TotalSegmentator's weights folder (every task that
 * is whole there, or the named one), or a folder or archive with a manifest and its ONNX files. Nothing of it is run but the finished network.
 *
 * RefusedError, one line, for whatever can't be imported; then nothing is installed.
 */
export async function importModels(from: string, options: ImportOptions): Promise<readonly LoadedModel[]> {
  const about = await stat(from).catch(() => undefined);
  if (!about) throw new RefusedError("import-path", `there is nothing at ${from}`);
  if (about.isDirectory()) return await importFolder(from, options);
  if (from.endsWith(".onnx"))
    throw new RefusedError(
      "import-path",
      `${basename(from)} alone does not say its spacing and labels: give a folder with its manifest.json, plans.json and dataset.json`,
    );
  // Not in the system's temporary folder: that can be memory, and an archive unpacks to gigabytes.
  const folder = join(await workshopOf(options.models), `unpacked.${process.pid}`);
  try {
    await mkdir(folder);
    await unpackModel(from, folder);
    return await importFolder(folder, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await leaveWorkshop(options.models);
  }
}

async function importFolder(folder: string, options: ImportOptions): Promise<readonly LoadedModel[]> {
  if (existsSync(join(folder, "manifest.json"))) return [await copyModel(folder, options)];
  const trained = await findTrained(folder);
  if (trained.length === 0)
    throw new RefusedError(
      "import-path",
      `${basename(folder)} holds no model: expected nnU-Net's DatasetNNN_*/TRAINER__PLANS__CONFIGURATION/plans.json, or a manifest.json`,
    );
  const { tasks, others } = knownTasks(trained);
  if (tasks.length > 0) return await importTasks(tasks, others, options);
  const [only, ...more] = others;
  if (!only || more.length > 0)
    throw new RefusedError(
      "import-several",
      `${basename(folder)} holds ${others.length} networks and none of them is in the catalogue: give the folder of one, such as ${basename(others[0]!.folder)}`,
    );
  return [await importOwn(only, options)];
}

async function importTasks(
  tasks: readonly TaskHere[],
  others: readonly Trained[],
  options: ImportOptions,
): Promise<readonly LoadedModel[]> {
  const { name, say = () => {} } = options;
  const named = tasks.filter(({ task }) => task.name === name);
  const chosen = name === undefined || (named.length === 0 && tasks.length === 1) ? tasks : named;
  if (chosen.length === 0) {
    usableTask(name!, options); // says why, where it is a task at all
    throw new RefusedError("task-not-here", `${name} is not here; here are ${tasks.map(({ task }) => task.name).join(", ")}`);
  }
  const isOne = chosen.length === 1;
  for (const other of isOne ? [] : others) say(`${basename(other.folder)} is not in the catalogue and left out`);
  const installed: LoadedModel[] = [];
  for (const here of chosen) {
    try {
      installed.push(await importTask(here, name ?? here.task.name, options));
    } catch (error) {
      // Of several, one that can't be imported does not keep the others out.
      if (isOne || !(error instanceof RefusedError)) throw error;
      say(`${here.task.name} is left out: ${error.message}`);
    }
  }
  if (installed.length === 0) throw new RefusedError("import-nothing", `none of ${chosen.length} tasks could be imported`);
  return installed;
}

async function importTask({ task, parts, missing }: TaskHere, name: string, options: ImportOptions): Promise<LoadedModel> {
  const { models, say = () => {} } = options;
  usableTask(task.name, options);
  if (missing.length > 0)
    throw new RefusedError(
      "task-incomplete",
      `${task.name} has ${task.parts.length} parts, and ${missing.map((part) => part.folder).join(", ")} not here`,
    );
  return await installModel(
    models,
    modelNameFrom(name),
    async (target) => {
      const imported: ImportedPart[] = [];
      for (const { part, trained } of parts) {
        const fold = foldOf(trained, options);
        const one = await importPart(trained, fold, {
          target,
          name: part.name,
          known: part,
          isResampledByPlans: task.spacingMmXyz === null,
        });
        saySpacing(task, part.name, one, say);
        for (const renamed of one.renamed) say(`${task.name}, ${part.name}: label ${renamed}, as the catalogue numbers it`);
        imported.push(one);
      }
      const { labels, uncoded } = labelsOf(task.labels);
      sayUncoded(task.name, uncoded, say);
      if (task.spacingMmXyz === null) say(`${task.name}: ${resampledOtherwise}`);
      if (task.crop) say(`${task.name} needs the model ${task.crop.model} too, which it crops the CT by`);
      return manifestOf(modelNameFrom(name), imported, labels, task, options);
    },
    options,
  );
}

/** A network that the catalogue does not know: its own labels, and nnU-Net's own way of inference. */
async function importOwn(trained: Trained, options: ImportOptions): Promise<LoadedModel> {
  const { models, say = () => {} } = options;
  const dataset = trained.dataset ?? basename(trained.folder);
  const name = modelNameFrom(options.name ?? dataset.replace(/^Dataset\d{3}_/, ""));
  return await installModel(
    models,
    name,
    async (target) => {
      const imported = await importPart(trained, foldOf(trained, options), { target, name: "main", isResampledByPlans: true });
      const { labels, uncoded } = labelsOf(imported.plans.labels.map((label) => label.name));
      const coded = labels.filter((label) => !uncoded.includes(label.name)).map((label) => label.name);
      if (coded.length > 0) say(`labels coded by their names: ${coded.join(", ")}`);
      sayUncoded(name, uncoded, say);
      say(`${name}: ${resampledOtherwise}`);
      return manifestOf(name, [imported], labels, null, options);
    },
    options,
  );
}

function foldOf(trained: Trained, { fold, say = () => {} }: ImportOptions): string {
  const chosen = chooseFold(trained, fold);
  const rest = trained.folds.filter((each) => each !== chosen);
  if (rest.length > 0) say(`${basename(trained.folder)}: fold ${chosen} of ${trained.folds.join(", ")}; folds are not run together`);
  return chosen;
}

/** See appliance/nnunet/README.md. */
const resampledOtherwise =
  "the CT is resampled as its plans say, but first and last voxels stay where they are, where nnU-Net holds on to their outer edges";

/** A network that was trained at another spacing than upstream brings the CT to would be resampled twice there, and once here. */
function saySpacing({ name, spacingMmXyz }: CatalogueTask, part: string, { plans }: ImportedPart, say: (line: string) => void): void {
  if (!spacingMmXyz) return;
  const zyx: number[] = [];
  for (const [axis, from] of plans.transposeForward.entries()) zyx[from] = plans.spacing[axis]!;
  const trained = zyx.toReversed();
  if (trained.some((length, axis) => Math.abs(length / spacingMmXyz[axis]! - 1) > 0.005))
    say(`${name}, ${part}: trained at ${trained.join(" x ")} mm, where upstream brings the CT to ${spacingMmXyz.join(" x ")} mm first`);
}

function sayUncoded(name: string, uncoded: readonly string[], say: (line: string) => void): void {
  if (uncoded.length > 0)
    say(`${name}: no standard code is known for ${uncoded.join(", ")}; DICOM will carry a private code (99SEGBOX) that means the name`);
}

function manifestOf(
  name: string,
  imported: readonly ImportedPart[],
  labels: ModelManifest["labels"],
  task: CatalogueTask | null,
  { removeSmallBlobsMm3 }: ImportOptions,
): ModelManifest {
  const weights = createHash("sha256")
    .update(imported.map(({ checkpointSha256 }) => checkpointSha256).join())
    .digest("hex")
    .slice(0, 12);
  const datasets = imported.map(({ plans, cases }) => ({ name: plans.datasetName, cases: cases ?? 0 }));
  const title = task?.title ?? datasets.map((dataset) => dataset.name).join(", ");
  return {
    schema: 2,
    name,
    version: `weights-${weights}`,
    title,
    intendedUse: task
      ? `Segments CT as TotalSegmentator's task ${task.upstream.task} does.`
      : "Imported on this box; whoever imported it knows what it is for.",
    notFor: "Not a medical device. How well it works on this site's CTs is not known from the import.",
    licence: task?.licence ?? "not stated",
    algorithm: { name: title, version: `weights-${weights}` },
    trainingData: datasets.map((dataset) => ({
      ...dataset,
      licence: "not stated",
      use: "weights as imported; cases as dataset.json says",
    })),
    parts: imported.map(({ part }) => part),
    crop: task?.crop ?? null,
    stepSize: task?.stepSize ?? 0.5,
    // TotalSegmentator never mirrors; nnU-Net does along the axes that the training allowed.
    mirrorAxes: task ? [] : imported[0]!.mirrorAxes,
    postprocessing: { ...(task?.postprocessing ?? { keepLargest: [] }), removeSmallBlobsMm3: removeSmallBlobsMm3 ?? null },
    labels,
  };
}
