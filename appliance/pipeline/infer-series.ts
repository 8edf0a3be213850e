import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { readFileMeta } from "../dicom/part10.ts";
import { type SeriesFile, seriesToVolume } from "../dicom/series-to-volume.ts";
import type { ModelManifest, ModelPart, NetworkFile } from "../domain/model.ts";
import type { InferenceTrace } from "../domain/result.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import { startThreads } from "../inference/compute-threads.ts";
import { filesOf, type LoadedModel, loadModel } from "../inference/models.ts";
import { openNetwork, valuesOf } from "../inference/network.ts";
import { engineName } from "../inference/session.ts";
import type { Postprocessing } from "../nnunet/postprocess.ts";
import { predict } from "../nnunet/predict.ts";
import { writeDurably } from "../store/objects.ts";
import { type Grid, type Lps, lpsToIjk, spacingMm } from "../volume/grid.ts";
import { measureLabels } from "../volume/measure.ts";
import { straighten } from "../volume/restack.ts";
import type { CtVolume, LabelMap } from "../volume/volume.ts";
import { type ChildProgress, modelChanged, type SegmentReply, type SegmentRequest, type SourceFile } from "./child-requests.ts";

/** The model that the result was planned with: a result must not name one version and come from another. */
export async function loadVersion({ modelFolder, modelVersion }: { modelFolder: string; modelVersion: string }): Promise<LoadedModel> {
  const model = await loadModel(modelFolder);
  const { name, version } = model.manifest;
  if (version !== modelVersion)
    throw new RefusedError(
      modelChanged,
      `model ${name} was version ${modelVersion} when this result was planned and is ${version} now; try again to plan it anew`,
    );
  return model;
}

/** Leaves volume.i16, labels.u8 and images.json (see api/series.ts, ImagesInfo) in the output folder. */
export async function inferSeries(request: SegmentRequest, onProgress: (share: ChildProgress) => void): Promise<SegmentReply> {
  const watch = stopwatch();
  const model = await loadVersion(request);
  const { manifest, parts } = model;
  const readModel = watch.lap();
  const { volume, notes } = await seriesToVolume(request.files.map(lazily));
  const readImages = watch.lap();
  await using compute = startThreads(request.threads);
  const stagesMs = { prepare: 0, open: 0, infer: 0, finish: 0 };
  const straight = straighten(volume);
  const { labelMap: found, patches } = await predict(
    straight.volume,
    parts.map(({ part, plans }) => ({
      plans,
      values: valuesOf(plans, manifest.labels),
      open: () => openNetwork(request.modelFolder, firstOf(part), plans, { threads: request.threads }),
    })),
    {
      stepSize: manifest.stepSize,
      mirrorAxes: manifest.mirrorAxes,
      postprocessing: postprocessingOf(manifest),
      compute,
      onProgress: (done, total) => onProgress(done / total),
      onStage(stage) {
        stagesMs[stage] += watch.lap();
      },
    },
  );
  const labelMap = straight.toSlices(found);
  const structures = measureLabels(volume, labelMap).map(({ centre, ...measure }) => ({
    ...measure,
    centreLps: centre,
    centreIjk: nearestIjk(volume.grid, centre),
  }));
  const measure = watch.lap();
  await writeImages(request.outputFolder, volume, labelMap);
  const trace: InferenceTrace = {
    softwareVersion: readSoftwareVersion(),
    engine: engineName,
    threads: request.threads,
    cpu: cpus()[0]?.model.trim() ?? "",
    modelFiles: await modelFiles(request.modelFolder, model),
    patchSize: parts[0]!.plans.patchSize,
    spacingMm: parts[0]!.plans.spacing,
    stepSize: manifest.stepSize,
    mirrorAxes: manifest.mirrorAxes,
    labelMapSha256: createHash("sha256").update(labelMap.labels).digest("hex"),
    stepsMs: {
      readModel,
      readImages,
      prepare: stagesMs.prepare,
      openNetwork: stagesMs.open,
      infer: stagesMs.infer,
      finish: stagesMs.finish,
      measure,
    },
  };
  return {
    structures,
    record: {
      provider: "cpu",
      precision: [...new Set(parts.map(({ part }) => firstOf(part).precision))].join(", "),
      patches,
      inferenceMs: stagesMs.infer,
      wallMs: watch.totalMs(),
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      notes,
      trace,
    },
  };
}

/** The form of a part's network that is run. */
function firstOf(part: ModelPart): NetworkFile {
  const network = part.networks.find(({ engine }) => engine === "onnx");
  if (!network) throw new RefusedError("model-parts", `part ${part.name} has no ONNX network`);
  return network;
}

function postprocessingOf({ postprocessing, labels }: ModelManifest): Postprocessing {
  const kept = labels.filter(({ name }) => postprocessing.keepLargest.includes(name));
  return { removeSmallBlobsMm3: postprocessing.removeSmallBlobsMm3, keepLargest: new Set(kept.map(({ value }) => value)) };
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

/** Digests of what decides a result: of the networks from the manifest, which loadModel has checked, of plans and dataset from the files. */
async function modelFiles(folder: string, { manifest }: LoadedModel): Promise<InferenceTrace["modelFiles"]> {
  const texts = await Promise.all(
    manifest.parts
      .flatMap(({ nnunet }) => [nnunet.plans, nnunet.dataset])
      .map(async (file) => ({
        file,
        sha256: createHash("sha256")
          .update(await readFile(join(folder, file)))
          .digest("hex"),
      })),
  );
  const networks = manifest.parts.flatMap(({ networks }) => networks.flatMap(filesOf));
  return [...networks.map(({ file, sha256 }) => ({ file, sha256 })), ...texts];
}

function nearestIjk(grid: Grid, point: Lps): [number, number, number] {
  const [i, j, k] = lpsToIjk(grid, point);
  return [Math.round(i), Math.round(j), Math.round(k)];
}

async function writeImages(folder: string, { grid, hu }: CtVolume, { labels }: LabelMap): Promise<void> {
  const steps = spacingMm(grid);
  const images = {
    dims: grid.dims,
    spacingMm: steps,
    directions: grid.steps.map((step, axis) => step.map((part) => part / steps[axis]!)),
  };
  await writeDurably(join(folder, "volume.i16"), [new Uint8Array(hu.buffer, hu.byteOffset, hu.byteLength)]);
  await writeDurably(join(folder, "labels.u8"), [labels]);
  await writeDurably(join(folder, "images.json"), [Buffer.from(JSON.stringify(images))]);
}

/** A file of a request as readers take it. A bit that flipped on the disk is refused ("image-damaged"): it would be measured. */
export function lazily({ sopInstanceUid, path, sha256 }: SourceFile): SeriesFile {
  return {
    sopInstanceUid,
    async load() {
      const bytes = await readFile(path);
      if (sha256 !== null) {
        const found = createHash("sha256")
          .update(bytes.subarray(readFileMeta(bytes).dataSetOffset))
          .digest("hex");
        if (found !== sha256)
          throw new RefusedError(
            "image-damaged",
            "a received file is not what was received any more; check the disk, and send the series again",
          );
      }
      return bytes;
    },
  };
}
