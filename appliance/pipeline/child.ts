import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { RefusedError } from "../base/errors.ts";
import { encodeRtstruct } from "../dicom/rtstruct.ts";
import { encodeSeg } from "../dicom/seg.ts";
import { readSourceSeries, seriesToVolume } from "../dicom/series-to-volume.ts";
import type { ModelManifest } from "../domain/model.ts";
import type { ResultOutput } from "../domain/rule.ts";
import { serveChild } from "../host/child-process.ts";
import { type LoadedModel, loadModel } from "../inference/models.ts";
import { openSession } from "../inference/session.ts";
import { predict } from "../nnunet/predict.ts";
import { writeDurably } from "../store/objects.ts";
import { type Grid, type Lps, lpsToIjk, spacingMm } from "../volume/grid.ts";
import { measureLabels } from "../volume/measure.ts";
import { encodeNifti } from "../volume/nifti.ts";
import type { CtVolume, LabelMap } from "../volume/volume.ts";
import {
  type ChildProgress,
  type EncodeReply,
  type EncodeRequest,
  modelChanged,
  outputFile,
  type SegmentReply,
  type SegmentRequest,
  type SourceFile,
} from "./child-requests.ts";
import { statisticsOf } from "./statistics.ts";

/** Entry of the child process. What it reads came over the network: whatever it does to this process, the service goes on. */
serveChild<SegmentRequest | EncodeRequest, ChildProgress, SegmentReply | EncodeReply>((request, onProgress) => {
  switch (request.kind) {
    case "segment":
      return segment(request, onProgress);
    case "encode":
      return encode(request);
    default:
      return request satisfies never;
  }
});

/** The model that the result was planned with: a result must not name one version and come from another. */
async function loadVersion({ modelFolder, modelVersion }: { modelFolder: string; modelVersion: string }): Promise<LoadedModel> {
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
async function segment(request: SegmentRequest, onProgress: (share: ChildProgress) => void): Promise<SegmentReply> {
  const startedMs = performance.now();
  const model = await loadVersion(request);
  const [network] = model.manifest.networks;
  if (!network) throw new RefusedError("model-empty", `model ${model.manifest.name} lists no network`);
  const { volume, notes } = await seriesToVolume(request.files.map(lazily));
  const session = await openSession(join(request.modelFolder, network.file), {
    threads: request.threads,
    inputName: network.input,
    outputName: network.output,
  });
  let patches = 0;
  const inferenceStartedMs = performance.now();
  const labelMap = await predict(volume, model.plans, session.infer, {
    stepSize: model.manifest.stepSize,
    mirrorAxes: model.manifest.mirrorAxes,
    onProgress(done, total) {
      patches = total;
      onProgress(done / total);
    },
  });
  const inferenceMs = performance.now() - inferenceStartedMs;
  const structures = measureLabels(volume, labelMap).map(({ centre, ...measure }) => ({
    ...measure,
    centreIjk: nearestIjk(volume.grid, centre),
  }));
  await writeImages(request.outputFolder, volume, labelMap);
  return {
    structures,
    record: {
      provider: session.provider,
      precision: network.precision,
      patches,
      inferenceMs: Math.round(inferenceMs),
      wallMs: Math.round(performance.now() - startedMs),
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      notes,
    },
  };
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

/** Writes seg.dcm and rtstruct.dcm as the rule wants them, labels.nii.gz and statistics.json. */
async function encode(request: EncodeRequest): Promise<EncodeReply> {
  const { manifest } = await loadVersion(request);
  const source = await readSourceSeries(request.files.map(lazily));
  const labelMap: LabelMap = { grid: source.grid, labels: await readFile(join(request.outputFolder, "labels.u8")) };
  const written: ResultOutput[] = request.structures.length > 0 ? [...request.outputs] : [];
  for (const output of written)
    await writeDurably(join(request.outputFolder, outputFile[output]), encodeObject(output, request, source, labelMap, manifest));
  await writeDurably(join(request.outputFolder, "labels.nii.gz"), [await promisify(gzip)(encodeNifti(labelMap), { level: 4 })]);
  await writeDurably(join(request.outputFolder, "statistics.json"), [
    Buffer.from(JSON.stringify(statisticsOf(manifest, request.structures), null, 2)),
  ]);
  return { written };
}

function encodeObject(
  output: ResultOutput,
  { uids, device, createdAt }: EncodeRequest,
  source: Awaited<ReturnType<typeof readSourceSeries>>,
  labelMap: LabelMap,
  manifest: ModelManifest,
): Iterable<Uint8Array> {
  const common = { source, labelMap, manifest, device, createdAt, uids: uids[output] };
  switch (output) {
    case "seg":
      return encodeSeg({ ...common, seriesNumber: 9001, seriesDescription: `Segbox ${manifest.name} SEG` });
    case "rtstruct":
      return encodeRtstruct({ ...common, seriesNumber: 9002, seriesDescription: `Segbox ${manifest.name} RTSTRUCT` });
    default:
      return output satisfies never;
  }
}

function lazily({ sopInstanceUid, path }: SourceFile): { sopInstanceUid: string; load: () => Promise<Uint8Array> } {
  return { sopInstanceUid, load: () => readFile(path) };
}
