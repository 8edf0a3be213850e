import { open } from "node:fs/promises";
import { join } from "node:path";
import type { ModelAccuracy, ModelCard, ModelForm, ModelLine } from "../api/models.ts";
import { messageOf, RefusedError } from "../base/errors.ts";
import type { AccuracyRecord } from "../domain/accuracy.ts";
import { type Activation, choicesOf } from "../domain/activation.ts";
import type { ModelManifest } from "../domain/model.ts";
import { multipliesBytes } from "../host/byte-products.ts";
import { readAccuracy } from "../inference/accuracy-file.ts";
import { machineName, manifestDigest, readStoredActivation } from "../inference/activation-record.ts";
import { readBenchmark } from "../inference/benchmark-file.ts";
import { filesOf, listModels } from "../inference/models.ts";

/** Where models lie, and what was found out about them here. */
export type ModelPlaces = {
  /** The first that holds a name has it. */
  readonly folders: readonly string[];
  /** Null where there is no data folder. */
  readonly activationFile: (name: string) => string | null;
  readonly benchmarkFile: (name: string) => string | null;
};

/** A card is some pages of text; what is longer is cut. */
const longestCardBytes = 256 * 1024;

/** Every model folder; one that can't be used goes by its folder's name. */
export async function listModelLines({ folders }: ModelPlaces): Promise<ModelLine[]> {
  const listed = await listModels(folders);
  return listed.map((model) => {
    if (!("manifest" in model))
      return { name: model.folder.split("/").at(-1)!, version: "", title: "", labels: 0, intendedUse: "", refusal: model.refusal.message };
    const { name, version, title, labels, intendedUse } = model.manifest;
    return { name, version, title, labels: labels.length, intendedUse, refusal: null };
  });
}

/** All that is known of a model. Not found unless it is installed; what lies beside it and can't be read is a note. */
export async function readModelCard({ folders, activationFile, benchmarkFile }: ModelPlaces, name: string): Promise<ModelCard> {
  const listed = await listModels(folders);
  const model = listed.find((each) => "manifest" in each && each.manifest.name === name);
  if (!model || !("manifest" in model)) throw new RefusedError("not-found", `there is no model ${name} here`);
  const { folder, manifest } = model;
  const notes: string[] = [];
  const orNote = async <T>(reading: Promise<T>): Promise<T | null> => {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      notes.push(messageOf(error));
      return null;
    }
  };
  const manifestSha256 = await manifestDigest(folder);
  const accuracy = await orNote(readAccuracy(folder));
  const [activationPath, benchmarkPath] = [activationFile(name), benchmarkFile(name)];
  const activation = activationPath === null ? null : await orNote(readStoredActivation(activationPath));
  const benchmark = benchmarkPath === null ? null : await orNote(readBenchmark(benchmarkPath));
  if (accuracy && isOfOtherFiles(accuracy, manifest)) notes.push("the INT8 form that was judged is not the one that is installed");
  const holds = activation?.manifestSha256 === manifestSha256 && activation.machine === machineName();
  if (activation && !holds) notes.push("the model was tried in another version or on another machine; run segbox model activate again");
  if (benchmark && benchmark.version !== manifest.version) notes.push("what a job takes was measured with another version of the model");
  const { version, title, intendedUse, notFor, licence, algorithm, trainingData } = manifest;
  return {
    ...{ name, version, title, intendedUse, notFor, licence, algorithm, trainingData, manifestSha256 },
    forms: formsOf(manifest),
    used: await usedOf(manifest, holds ? activation : null),
    labels: manifest.labels.map(({ value, name, title, color, type, modifiers }) => ({
      ...{ value, name, title, color, code: type },
      modifiers: modifiers.map(({ meaning }) => meaning),
    })),
    card: await readCard(folder),
    accuracy: accuracy && accuracyOf(accuracy),
    activation: activation && {
      version: activation.version,
      machine: activation.machine,
      engine: activation.engine,
      at: activation.at,
      trials: activation.trials.map(({ part, file, precision, provider, outcome, detail }) => ({
        ...{ part, file, precision, provider, outcome, detail },
      })),
    },
    benchmark,
    notes,
  };
}

/** Whether the record is about INT8 files that are not there: its figures would be taken for those of others. */
function isOfOtherFiles({ parts }: AccuracyRecord, manifest: ModelManifest): boolean {
  const installed = new Set(manifest.parts.flatMap(({ networks }) => networks.map(({ sha256 }) => sha256)));
  return parts.some(({ int8Sha256, fp32Sha256 }) => !installed.has(int8Sha256) || !installed.has(fp32Sha256));
}

/** The form of each part's network that a result would be made with now. */
async function usedOf({ parts }: ModelManifest, activation: Activation | null): Promise<ModelCard["used"]> {
  const areBytes = await multipliesBytes();
  return parts.flatMap((part) => {
    const [best] = choicesOf(part, activation, areBytes);
    return best ? [{ part: part.name, file: best.network.file, precision: best.network.precision, provider: best.provider }] : [];
  });
}

function formsOf({ parts }: ModelManifest): ModelForm[] {
  return parts.flatMap(({ name, networks }) =>
    networks.flatMap((network) =>
      filesOf(network).map(({ file, sha256, sizeBytes }) => ({
        ...{ part: name, file, sha256, sizeBytes, precision: network.precision, barred: network.barred ?? null },
      })),
    ),
  );
}

function accuracyOf({ version, at, engine, machine, outcome, reason, limits, calibration, holdout, parts }: AccuracyRecord): ModelAccuracy {
  return {
    ...{ version, at, engine, machine, outcome, reason, limits },
    calibrationCts: calibration.cts.length,
    holdoutCts: holdout.cts.length,
    parts: parts.map(({ part, int8Sha256, keptFp32, againstFp32 }) => ({
      ...{ part, int8Sha256, keptFp32 },
      againstFp32: againstFp32 && {
        meanDice: againstFp32.meanDice,
        worstDice: againstFp32.worstDice,
        worstLabel: againstFp32.worstLabel,
        labels: againstFp32.labels,
      },
    })),
  };
}

async function readCard(folder: string): Promise<string | null> {
  try {
    await using file = await open(join(folder, "card.md"));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(longestCardBytes), 0, longestCardBytes, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
