import { createHash } from "node:crypto";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { seriesToVolume } from "../dicom/series-to-volume.ts";
import type { AccuracyRecord } from "../domain/accuracy.ts";
import { evidenceOf } from "../domain/form-evidence.ts";
import type { InferenceTrace } from "../domain/result.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import { readAccuracy } from "../inference/accuracy-file.ts";
import { readActivation } from "../inference/activation-file.ts";
import { startThreads } from "../inference/compute-threads.ts";
import { engineName } from "../inference/engine.ts";
import { writeDurably } from "../store/objects.ts";
import { type Grid, type Lps, lpsToIjk, spacingMm } from "../volume/grid.ts";
import { measureLabels } from "../volume/measure.ts";
import { straighten } from "../volume/restack.ts";
import type { CtVolume } from "../volume/volume.ts";
import { lazily, loadVersion } from "./child-inputs.ts";
import type { ChildProgress, SegmentReply, SegmentRequest } from "./child-requests.ts";
import { modelFilesOf } from "./model-files.ts";
import { runModel } from "./run-model.ts";

/** Leaves volume.i16, labels.u8 and images.json (see api/series.ts, ImagesInfo) in the output folder. */
export async function inferSeries(request: SegmentRequest, onProgress: (share: ChildProgress) => void): Promise<SegmentReply> {
  const watch = stopwatch();
  const model = await loadVersion(request);
  const { manifest, parts } = model;
  const { activation, note } = request.activationFile
    ? await readActivation(request.activationFile, request.modelFolder)
    : { activation: null, note: null };
  const { accuracy, note: accuracyNote } = await readJudgement(request.modelFolder);
  const readModel = watch.lap();
  const { volume, notes } = await seriesToVolume(request.files.map(lazily));
  const readImages = watch.lap();
  const volumeWritten = writeVolume(request.outputFolder, volume); // while the networks compute
  volumeWritten.catch(() => {}); // thrown where it is awaited
  await using compute = startThreads(request.threads);
  const stagesMs = { prepare: 0, open: 0, infer: 0, finish: 0 };
  let networkMs = 0;
  const straight = straighten(volume);
  const run = await runModel(straight.volume, model, {
    activation,
    activationFolder: request.activationFile ? dirname(request.activationFile) : null,
    threads: request.threads,
    compute,
    mode: request.mode ?? "exact",
    wanted: request.labels ?? null,
    cropBy: request.cropBy ?? null,
    benchPrecision: request.benchPrecision ?? null,
    asBefore: request.asBefore ?? null,
    isLast: true,
    onInfer(ms) {
      networkMs += ms;
    },
    onProgress,
    onStage(stage) {
      stagesMs[stage] += watch.lap();
    },
  });
  const labelMap = straight.toSlices(run.labelMap);
  const { used } = run;
  const structures = measureLabels(volume, labelMap).map(({ centre, ...measure }) => ({
    ...measure,
    centreLps: centre,
    centreIjk: nearestIjk(volume.grid, centre),
  }));
  const measure = watch.lap();
  await writeDurably(join(request.outputFolder, "labels.u8"), [labelMap.labels]);
  await volumeWritten;
  await writeImagesInfo(request.outputFolder, volume.grid);
  const write = watch.lap();
  const trace: InferenceTrace = {
    softwareVersion: readSoftwareVersion(),
    engine: engineName,
    threads: request.threads,
    cpu: cpus()[0]?.model.trim() ?? "",
    modelFiles: await modelFilesOf(model, request.labels ? (request.cropBy ?? null) : null),
    patchSize: parts[0]!.plans.patchSize,
    spacingMm: parts[0]!.plans.spacing,
    stepSize: manifest.stepSize,
    mode: request.mode ?? "exact",
    patchesOfAir: run.patchesOfAir,
    mirrorAxes: manifest.mirrorAxes,
    networks: used.map(({ part, network, provider, threads }) => ({
      part,
      file: network.file,
      precision: network.precision,
      provider,
      threads: threads ?? request.threads,
      sha256: network.sha256,
      evidence: evidenceOf(network, provider, accuracy, activation),
    })),
    labelMapSha256: createHash("sha256").update(labelMap.labels).digest("hex"),
    stepsMs: {
      readModel,
      readImages,
      prepare: stagesMs.prepare,
      openNetwork: stagesMs.open,
      infer: stagesMs.infer,
      network: Math.round(networkMs),
      finish: stagesMs.finish,
      measure,
      write,
    },
  };
  return {
    structures,
    record: {
      provider: [...new Set(used.map(({ provider }) => provider))].join(", "),
      precision: [...new Set(used.map(({ network }) => network.precision))].join(", "),
      patches: run.patches,
      inferenceMs: stagesMs.infer,
      wallMs: watch.totalMs(),
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      notes: [...notes, ...run.notes, ...[note, accuracyNote].filter((each) => each !== null)],
      trace,
    },
  };
}

/** How the model's INT8 forms were judged. A record that can't be read stops nobody's CT; the result says so. */
async function readJudgement(modelFolder: string): Promise<{ accuracy: AccuracyRecord | null; note: string | null }> {
  try {
    return { accuracy: await readAccuracy(modelFolder), note: null };
  } catch (error) {
    if (error instanceof RefusedError) return { accuracy: null, note: error.message };
    throw error;
  }
}

/** Whole milliseconds since the last look, and since the start. */
function stopwatch(): { lap(): number; totalMs(): number } {
  const startedMs = performance.now();
  let lastMs = startedMs;
  return {
    lap() {
      const sinceMs = performance.now() - lastMs;
      lastMs += sinceMs;
      return Math.round(sinceMs);
    },
    totalMs: () => Math.round(performance.now() - startedMs),
  };
}

function nearestIjk(grid: Grid, point: Lps): [number, number, number] {
  const [i, j, k] = lpsToIjk(grid, point);
  return [Math.round(i), Math.round(j), Math.round(k)];
}

function writeVolume(folder: string, { hu }: CtVolume): Promise<void> {
  return writeDurably(join(folder, "volume.i16"), [new Uint8Array(hu.buffer, hu.byteOffset, hu.byteLength)]);
}

/** Written last: who finds it finds the other two. */
async function writeImagesInfo(folder: string, grid: Grid): Promise<void> {
  const steps = spacingMm(grid);
  const images = {
    dims: grid.dims,
    spacingMm: steps,
    directions: grid.steps.map((step, axis) => step.map((part) => part / steps[axis]!)),
  };
  await writeDurably(join(folder, "images.json"), [Buffer.from(JSON.stringify(images))]);
}
