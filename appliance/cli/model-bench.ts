import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { dataFolder } from "../config/data-folder.ts";
import type { ModelManifest, NetworkFile } from "../domain/model.ts";
import type { InferenceRecord } from "../domain/result.ts";
import { usualOutputSettings } from "../domain/rule.ts";
import { askChild } from "../host/child-process.ts";
import { machineName } from "../inference/activation-record.ts";
import {
  type ChildProgress,
  childEntry,
  childStallMs,
  type EncodeReply,
  type EncodeRequest,
  type SegmentReply,
  type SegmentRequest,
} from "../pipeline/child-requests.ts";
import { outputForms } from "../pipeline/outputs.ts";
import { writeDurably } from "../store/objects.ts";
import { auditFirst } from "./audit-first.ts";
import { type Command, optional, UsageError } from "./command.ts";
import { exampleInput, installedModel } from "./model-activate.ts";
import { encodeRequest, type ReadSeries, readSeries } from "./one-series.ts";
import { modeIn } from "./segment.ts";

const precisions = ["fp32", "fp16", "int8"] as const;

/** What a whole job took, from the complete series on the disk to the SEG on the disk. */
export type Benchmark = {
  readonly model: string;
  readonly version: string;
  readonly machine: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly provider: string;
  readonly precision: string;
  readonly patches: number;
  /** What the network itself takes for a patch, on average. */
  readonly patchMs: number;
  readonly jobMs: number;
  /** jobMs / (patches x patchMs). */
  readonly ratio: number;
  readonly peakMemoryBytes: number;
  readonly stepsMs: NonNullable<InferenceRecord["trace"]>["stepsMs"] & { readonly encode: number };
};

export const modelBench: Command = {
  words: ["model", "bench"],
  summary: "measure a whole segmentation with a model",
  help: `
segbox model bench NAME [--data DIR] [--input DIR] [--precision fp32|fp16|int8] [--mode exact|fast]

Segments a CT as the service does, from the images on the disk to the SEG on the disk, and prints time, memory, provider and precision. The result
itself is thrown away.

  --data DIR        a service's data folder: its models and activations count, and what was measured is kept there
  --input DIR       a CT series; default: the example that comes with the program
  --mode MODE       exact or fast; default exact
  --precision NAME  the form of the networks to measure, ALSO ONE THAT IS BARRED from making results; default: what would be used
`,
  options: { data: { type: "string" }, input: { type: "string" }, precision: { type: "string" }, mode: { type: "string" } },
  positionals: 1,
  async run(args) {
    const [name] = args.positionals;
    if (name === undefined) throw new UsageError("NAME is required: an installed model");
    const data = optional(args, "data");
    const folder = data === undefined ? undefined : dataFolder(data);
    const precision = precisionIn(optional(args, "precision"));
    const mode = modeIn(args);
    const model = await installedModel(name, folder?.models);
    const series = await readSeries(optional(args, "input") ?? exampleInput);
    const request: Omit<SegmentRequest, "outputFolder"> = {
      kind: "segment",
      files: series.files,
      modelFolder: model.folder,
      modelVersion: model.manifest.version,
      threads: availableParallelism(),
      ...(folder && { activationFile: folder.activation(name) }),
      ...(mode && { mode }),
      ...(precision && { benchPrecision: precision }),
    };
    if (folder)
      await auditFirst(folder, {
        action: "model-measurement-begun",
        object: `model:${name}`,
        detail: { version: model.manifest.version },
      });
    const benchmark = await measure(request, series, model.manifest);
    process.stdout.write(textOf(benchmark));
    if (folder) {
      await mkdir(dirname(folder.benchmark(name)), { recursive: true });
      await writeDurably(folder.benchmark(name), [Buffer.from(`${JSON.stringify(benchmark, null, 2)}\n`)]);
    }
    return 0;
  },
};

/** Runs a job's two children on a series, and throws their work away. */
export async function measure(
  request: Omit<SegmentRequest, "outputFolder">,
  series: ReadSeries,
  manifest: ModelManifest,
): Promise<Benchmark> {
  const work = await mkdtemp(join(tmpdir(), "segbox-bench-"));
  try {
    const startedAt = systemClock.now();
    const { structures, record } = await askChild<SegmentRequest, ChildProgress, SegmentReply>(
      childEntry,
      { ...request, outputFolder: work },
      { stallMs: childStallMs },
    );
    const segmentedAt = systemClock.now();
    const { files, modelFolder, modelVersion } = request;
    await askChild<EncodeRequest, never, EncodeReply>(
      childEntry,
      encodeRequest(
        {
          files,
          modelFolder,
          modelVersion,
          outputFolder: work,
          outputs: ["seg"],
          settings: usualOutputSettings,
          structures,
          record,
          createdAt: systemClock.now(),
        },
        manifest,
        series,
      ),
      { stallMs: childStallMs },
    );
    const { ctimeMs: doneAt } = await stat(join(work, outputForms.seg.file)); // when it was renamed to its name; files for download follow it
    const { provider, precision, patches, peakMemoryBytes, trace } = record;
    const { stepsMs } = trace!;
    const networkMs = stepsMs.network!;
    const jobMs = Math.round(doneAt - startedAt);
    return {
      model: manifest.name,
      version: modelVersion,
      machine: machineName(),
      at: systemClock.now(),
      provider,
      precision,
      patches,
      patchMs: Math.round(networkMs / patches),
      jobMs,
      ratio: jobMs / networkMs,
      peakMemoryBytes,
      stepsMs: { ...stepsMs, encode: Math.round(doneAt - segmentedAt) },
    };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function textOf({
  model,
  version,
  machine,
  provider,
  precision,
  patches,
  patchMs,
  jobMs,
  ratio,
  peakMemoryBytes,
  stepsMs,
}: Benchmark): string {
  const steps = Object.entries(stepsMs).map(([step, ms]) => `${step} ${(ms / 1000).toFixed(2)}`);
  return `${model} ${version}, ${precision} on ${provider}; ${machine}
${patches} patches of ${(patchMs / 1000).toFixed(2)} s; whole job ${(jobMs / 1000).toFixed(1)} s (${ratio.toFixed(2)} x), ${outputForms.seg.file} on the disk
peak memory ${Math.round(peakMemoryBytes / 1e6)} MB
seconds: ${steps.join(", ")}
`;
}

function precisionIn(name: string | undefined): NetworkFile["precision"] | undefined {
  const found = precisions.find((precision) => precision === name);
  if (name !== undefined && !found) throw new UsageError(`--precision: expected ${precisions.join(", ")}, found ${JSON.stringify(name)}`);
  return found;
}
