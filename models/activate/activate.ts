import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import { readSourceSeries } from "../../appliance/dicom/series-to-volume.ts";
import type { FormAccuracy } from "../../appliance/domain/accuracy.ts";
import { type Activation, type Agreement, choicesOf, type Provider, type Trial, trialsOf } from "../../appliance/domain/activation.ts";
import type { ModelPart, NetworkFile } from "../../appliance/domain/model.ts";
import { askChild } from "../../appliance/host/child-process.ts";
import { machineName, manifestDigest } from "../../appliance/inference/activation-record.ts";
import { engineName } from "../../appliance/inference/engine.ts";
import { type LoadedPart, loadModel } from "../../appliance/inference/models.ts";
import { fillsPatch } from "../../appliance/nnunet/fills-patch.ts";
import { writeDurably } from "../../appliance/store/objects.ts";
import { compareLabels } from "../../appliance/volume/compare.ts";
import { type Grid, spacingMm } from "../../appliance/volume/grid.ts";
import { accuracyOf, verdictOn } from "../quantize/judge.ts";
import { engineFileOf, removeOtherEngines } from "./build-engine.ts";
import { type TrialReply, type TrialRequest, trialEntry } from "./trial-requests.ts";

export type ActivateOptions = {
  readonly modelFolder: string;
  /** DICOM files of the CT that forms are tried with. */
  readonly images: readonly string[];
  /** Where the outcome is kept. */
  readonly activationFile: string;
  readonly cores: number;
  readonly now: number;
  /** Called when a trial begins and when it is over. */
  readonly onTrial: (trial: { network: NetworkFile; provider: Provider }, outcome: Trial | null) => void;
  readonly signal?: AbortSignal;
};

/** A patch of the largest network without its arena takes minutes on a small box. */
const trialStallMs = 20 * 60_000;

/**
 * Tries every form of a model's networks on every provider of this box, each in a child process of its own: whether it runs, where it is
 * really computed, which settings are fastest, and whether its labels are those of fp32 on the CPU. The outcome decides which form is run from
 * now on, and is kept in a file.
 */
export async function activate(options: ActivateOptions): Promise<Activation> {
  const { modelFolder, images, activationFile, now } = options;
  const { manifest, parts } = await loadModel(modelFolder);
  const { grid } = await readSourceSeries(images.map((path) => ({ sopInstanceUid: path, load: () => readFile(path) })));
  for (const part of parts) requireFullCt(part, grid);
  const work = await mkdtemp(join(tmpdir(), "segbox-activate-"));
  try {
    const trials: Trial[] = [];
    for (const [index, part] of parts.entries()) {
      const engine = { folder: dirname(activationFile), file: engineFileOf(manifest.name, index, now) };
      trials.push(...(await tryPart(part, engine, grid, work, options)));
    }
    const activation: Activation = {
      schema: 1,
      model: manifest.name,
      version: manifest.version,
      manifestSha256: await manifestDigest(modelFolder),
      machine: machineName(),
      engine: engineName,
      at: now,
      trials,
    };
    await mkdir(dirname(activationFile), { recursive: true });
    await writeDurably(activationFile, [Buffer.from(`${JSON.stringify(activation, null, 2)}\n`)]);
    await removeOtherEngines(dirname(activationFile), activation);
    return activation;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Parts of which no form may be run on this box. */
export function partsWithoutForm(parts: readonly ModelPart[], activation: Activation): readonly string[] {
  return parts.filter((part) => choicesOf(part, activation).length === 0).map(({ name }) => name);
}

/** INT8 forms are judged on CTs of which they may make results: on a thinner one they would be barred for what nobody asks of them. */
function requireFullCt({ part, plans }: LoadedPart, grid: Grid): void {
  if (!trialsOf(part).some(({ network }) => network.precision === "int8") || fillsPatch(grid, plans)) return;
  const extent = spacingMm(grid).map((mm, axis) => Math.round(mm * grid.dims[axis]!));
  const patch = plans.patchSize.map((length, axis) => Math.round(length * plans.spacing[axis]!)).reverse();
  throw new RefusedError(
    "ct-too-small",
    `the CT is ${extent.join(" x ")} mm; to judge an INT8 form it must fill half of the network's patch of ${patch.join(" x ")} mm along every axis: give a larger one with --input`,
  );
}

async function tryPart(
  { part, plans }: LoadedPart,
  engine: TrialRequest["engine"],
  grid: Grid,
  work: string,
  options: ActivateOptions,
): Promise<readonly Trial[]> {
  const planned = trialsOf(part);
  const reference = planned.find(({ network, provider }) => provider === "cpu" && network.precision === "fp32")!;
  const nameOf = (value: number): string => plans.labels.find((label) => label.value === value)?.name ?? `label ${value}`;
  const judged = new Map<(typeof planned)[number], Trial>();
  let expected: Uint8Array | null = null;
  // fp32 on the CPU first: what the others are judged by.
  for (const trial of [reference, ...planned.filter((each) => each !== reference)]) {
    const { network, provider } = trial;
    options.onTrial(trial, null);
    const labelsFile = join(work, "labels");
    const reply = await ask(options, part.name, engine, network, provider, labelsFile);
    const about = { part: part.name, file: network.file, sha256: network.sha256, precision: network.precision, provider };
    let outcome: Trial;
    if (reply.outcome !== "ran") outcome = { ...about, ...reply, measured: null };
    else {
      const { outcome: _, built, ...ran } = reply;
      const labels = await readFile(labelsFile);
      const accuracy = trial === reference || !expected ? null : accuracyOf([compareLabels(grid, expected, labels).labels], nameOf);
      if (trial === reference) expected = labels;
      const measured = { ...ran, agreement: accuracy && agreementOf(accuracy) };
      outcome = { ...about, ...verdict(trial === reference, accuracy), measured, ...(built && { built }) };
    }
    judged.set(trial, outcome);
    options.onTrial(trial, outcome);
  }
  return planned.map((trial) => judged.get(trial)!);
}

async function ask(
  { modelFolder, images, cores, signal }: ActivateOptions,
  part: string,
  engine: TrialRequest["engine"],
  network: NetworkFile,
  provider: Provider,
  labelsFile: string,
): Promise<TrialReply> {
  const threads = cores > 3 ? [cores, Math.ceil(cores / 2)] : [cores];
  try {
    return await askChild<TrialRequest, number, TrialReply>(
      trialEntry,
      { modelFolder, part, file: network.file, provider, images, threads, engine, labelsFile },
      { stallMs: trialStallMs, ...(signal && { signal }) },
    );
  } catch (error) {
    if (provider === "cpu" || signal?.aborted) throw error;
    return { outcome: "fails", detail: error instanceof Error ? error.message : String(error) }; // a driver that crashes takes only its child along
  }
}

function verdict(isReference: boolean, accuracy: FormAccuracy | null): Pick<Trial, "outcome" | "detail"> {
  if (isReference) return { outcome: "usable", detail: "what the others are judged by" };
  if (!accuracy) return { outcome: "barred", detail: "fp32 on the CPU can't be run, so there is nothing to judge it by" };
  const { passes, reason } = verdictOn(accuracy);
  return { outcome: passes ? "usable" : "barred", detail: reason };
}

const agreementOf = ({ meanDice, worstDice, worstLabel, compared }: FormAccuracy): Agreement => ({
  meanDice,
  worstDice,
  worstLabel,
  labels: compared,
});
