import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readSourceSeries } from "../../appliance/dicom/series-to-volume.ts";
import { type Activation, type Agreement, choicesOf, type Provider, type Trial, trialsOf } from "../../appliance/domain/activation.ts";
import type { ModelPart, NetworkFile } from "../../appliance/domain/model.ts";
import { askChild } from "../../appliance/host/child-process.ts";
import { machineName, manifestDigest } from "../../appliance/inference/activation-file.ts";
import { type LoadedPart, loadModel } from "../../appliance/inference/models.ts";
import { engineName } from "../../appliance/inference/session.ts";
import { writeDurably } from "../../appliance/store/objects.ts";
import { compareLabels } from "../../appliance/volume/compare.ts";
import type { Grid } from "../../appliance/volume/grid.ts";
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

/** What a form must reach against fp32 on the CPU to be used. Dice of labels over 1 ml. */
export const gate = { meanDice: 0.99, worstDice: 0.97, fromMl: 1 };
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
  const work = await mkdtemp(join(tmpdir(), "segbox-activate-"));
  try {
    const trials: Trial[] = [];
    for (const part of parts) trials.push(...(await tryPart(part, grid, work, options)));
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
    return activation;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Parts of which no form may be run on this box. */
export function partsWithoutForm(parts: readonly ModelPart[], activation: Activation): readonly string[] {
  return parts.filter((part) => choicesOf(part, activation).length === 0).map(({ name }) => name);
}

async function tryPart({ part, plans }: LoadedPart, grid: Grid, work: string, options: ActivateOptions): Promise<readonly Trial[]> {
  const planned = trialsOf(part);
  const reference = planned.find(({ network, provider }) => provider === "cpu" && network.precision === "fp32")!;
  const nameOf = new Map(plans.labels.map(({ value, name }) => [value, name]));
  const judged = new Map<(typeof planned)[number], Trial>();
  let expected: Uint8Array | null = null;
  // fp32 on the CPU first: what the others are judged by.
  for (const trial of [reference, ...planned.filter((each) => each !== reference)]) {
    const { network, provider } = trial;
    options.onTrial(trial, null);
    const labelsFile = join(work, "labels");
    const reply = await ask(options, part.name, network, provider, labelsFile);
    const about = { part: part.name, file: network.file, sha256: network.sha256, precision: network.precision, provider };
    let outcome: Trial;
    if (reply.outcome !== "ran") outcome = { ...about, ...reply, measured: null };
    else {
      const { outcome: _, ...ran } = reply;
      const labels = await readFile(labelsFile);
      const agreement = trial === reference || !expected ? null : agreementOf(grid, expected, labels, nameOf);
      if (trial === reference) expected = labels;
      outcome = { ...about, ...verdict(trial === reference, agreement), measured: { ...ran, agreement } };
    }
    judged.set(trial, outcome);
    options.onTrial(trial, outcome);
  }
  return planned.map((trial) => judged.get(trial)!);
}

async function ask(
  { modelFolder, images, cores, signal }: ActivateOptions,
  part: string,
  network: NetworkFile,
  provider: Provider,
  labelsFile: string,
): Promise<TrialReply> {
  const threads = cores > 3 ? [cores, Math.ceil(cores / 2)] : [cores];
  try {
    return await askChild<TrialRequest, number, TrialReply>(
      trialEntry,
      { modelFolder, part, file: network.file, provider, images, threads, labelsFile },
      { stallMs: trialStallMs, ...(signal && { signal }) },
    );
  } catch (error) {
    if (provider === "cpu" || signal?.aborted) throw error;
    return { outcome: "fails", detail: error instanceof Error ? error.message : String(error) }; // a driver that crashes takes only its child along
  }
}

function verdict(isReference: boolean, agreement: Agreement | null): Pick<Trial, "outcome" | "detail"> {
  if (isReference) return { outcome: "usable", detail: "what the others are judged by" };
  if (!agreement) return { outcome: "barred", detail: "fp32 on the CPU can't be run, so there is nothing to judge it by" };
  if (agreement.labels === 0)
    return {
      outcome: "barred",
      detail: `the CT shows no structure over ${gate.fromMl} ml to judge by; give one that does with --input`,
    };
  const { meanDice, worstDice, worstLabel, labels } = agreement;
  const text = `Dice against fp32: mean ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel}), ${labels} structures`;
  const passes = meanDice >= gate.meanDice && worstDice >= gate.worstDice;
  return passes
    ? { outcome: "usable", detail: text }
    : { outcome: "barred", detail: `${text}; expected ${gate.meanDice} and ${gate.worstDice}` };
}

function agreementOf(grid: Grid, expected: Uint8Array, found: Uint8Array, nameOf: ReadonlyMap<number, string>): Agreement {
  const large = compareLabels(grid, expected, found).labels.filter(
    ({ volumeMlA, volumeMlB }) => Math.max(volumeMlA, volumeMlB) >= gate.fromMl,
  );
  const worst = large.toSorted((a, b) => a.dice - b.dice)[0];
  return {
    labels: large.length,
    meanDice: large.length === 0 ? 0 : large.reduce((sum, { dice }) => sum + dice, 0) / large.length,
    worstDice: worst?.dice ?? 0,
    worstLabel: worst ? (nameOf.get(worst.value) ?? String(worst.value)) : "",
  };
}
