import { join } from "node:path";
import { RefusedError } from "../../appliance/base/errors.ts";
import type { PartAccuracy } from "../../appliance/domain/accuracy.ts";
import type { NetworkFile } from "../../appliance/domain/model.ts";
import { type GraphRunner, openGraph } from "../../appliance/inference/graph-runner.ts";
import type { LoadedPart } from "../../appliance/inference/models.ts";
import { openNetwork } from "../../appliance/inference/network.ts";
import type { OnnxModel } from "../onnx/graph.ts";
import { readOnnxFile } from "../onnx/read.ts";
import { encodeOnnx } from "../onnx/write.ts";
import { countTensors, patchesOf } from "./calibrate.ts";
import { compareForms, type HeldOut } from "./compare-forms.ts";
import { cpuGraph } from "./cpu-graph.ts";
import type { CtCase } from "./ct-cases.ts";
import { floatGraph } from "./float-graph.ts";
import { verdictOn } from "./judge.ts";
import { nextKeptFp32, noiseToTakeAway } from "./kept-layers.ts";
import { type LayerEffect, layerEffects, operationsOf } from "./layer-effects.ts";
import { layerNoise } from "./layer-noise.ts";
import { layersOf } from "./layers.ts";
import { writeCpuForm, writeTensorrtForm } from "./part-forms.ts";
import { Sqnr } from "./sqnr.ts";
import { type ChosenRanges, chooseRanges } from "./tensor-ranges.ts";
import { weightsOf } from "./weights.ts";

export type PartOptions = {
  readonly modelFolder: string;
  /** Where files are left. */
  readonly work: string;
  readonly stepSize: number;
  readonly mirrorAxes: readonly number[];
  readonly calibrate: readonly CtCase[];
  readonly heldOut: readonly HeldOut[];
  readonly patches: number;
  readonly threads: number;
  readonly benchOnly: boolean;
  /** Also write the graph that TensorRT builds an engine from. */
  readonly tensorrt: boolean;
  readonly onProgress: (line: string) => void;
};

export type QuantisedPart = {
  readonly network: NetworkFile;
  readonly tensorrt: NetworkFile | null;
  readonly accuracy: PartAccuracy;
  readonly passes: boolean;
  readonly reason: string;
  readonly patches: number;
};

/** Patches on which the noise of layers is measured; their float tensors are in memory at once with the INT8 ones. */
const noisePatches = 2;
/** How often layers go back to fp32 before INT8 is given up, if they do not grow too many before. */
const mostRounds = 4;
/** Every third row and voxel of large tensors. */
const sampling = 3;
/** Two ways of computing the same float32 network differ by rounding only, which normalisation magnifies where a channel hardly varies; dB. */
const sameNetworkDb = 50;

/**
 * Makes the INT8 form of a part and judges it on held-out CTs. While it does not reach the limits, layers go back to fp32: those that do most to the
 * logits for the time they take. After {@link mostRounds} rounds, or when most of the work is in fp32, it is given up, and the part stays fp32.
 */
export async function quantizePart({ part, plans }: LoadedPart, options: PartOptions): Promise<QuantisedPart> {
  const { modelFolder, work, threads, calibrate } = options;
  const onProgress = (line: string): void => options.onProgress(`${part.name}: ${line}`);
  const fp32 = part.networks.find(({ precision, engine, barred }) => precision === "fp32" && engine === "onnx" && !barred);
  if (!fp32) throw new RefusedError("quantise-unsupported", `part ${part.name} has no fp32 network to quantise`);
  const layers = layersOf(plans.network, plans.classes);
  const weights = weightsOf(await readOnnxFile(join(modelFolder, fp32.file)), layers);
  const { model, taps } = floatGraph(layers, weights, { step: sampling });
  const float = await openModel(model, threads);
  const shape = plans.patchSize;
  try {
    const kept: Float32Array[] = [];
    const onCt = (index: number): void => onProgress(`counting values in CT ${index + 1} of ${calibrate.length}`);
    const source =
      calibrate.length > 0 ? patchesOf(calibrate, plans, { stepSize: options.stepSize, count: options.patches, onCt }) : noise(shape);
    const watched = watch(source, (patch) => kept.length < noisePatches && kept.push(patch));
    const { counts, patches } = await countTensors(float, taps, watched, shape);
    onProgress(`${patches} patches counted; choosing ranges`);
    await checkSameNetwork(float, kept[0]!);
    const ranges = chooseRanges(layers, counts);
    const tensorrt = options.tensorrt ? await writeTensorrtForm(work, `${part.name}.tensorrt`, { layers, weights, ranges }) : null;
    let keepFp32: ReadonlySet<string> = new Set();
    let effects: readonly LayerEffect[] | undefined;
    for (let round = 0; ; round++) {
      const floats = keepFp32.size > 0 ? `, ${keepFp32.size} layers in fp32` : "";
      onProgress(`round ${round + 1} of at most ${mostRounds + 1}${floats}: making the INT8 form`);
      const network = await writeCpuForm(work, `${part.name}.int8`, { layers, weights, ranges, keepFp32, plans });
      const described = async () => {
        onProgress("measuring the noise of its layers");
        const { model: exposed } = cpuGraph(layers, weights, ranges, { patch: shape, end: "logits", keepFp32, exposeLayers: true });
        const int8 = await openModel(exposed, threads);
        const noise = await layerNoise(float, int8, taps, ranges, kept, shape).finally(() => int8.close());
        const made = { part: part.name, int8Sha256: network.sha256, fp32Sha256: fp32.sha256, keptFp32: [...keepFp32], rounds: round };
        return { ...made, layers: noise, rangeMethods: methodsOf(ranges) };
      };
      if (options.benchOnly) {
        const accuracy = { ...(await described()), againstFp32: null, againstHuman: null };
        return { network, tensorrt, accuracy, passes: false, reason: "made to measure time only; nobody judged its accuracy", patches };
      }
      const judge = async (untilMissed: boolean) => {
        const judged = await compareForms({ ...options, loaded: { part, plans }, fp32, int8: network, onProgress }, options.heldOut, {
          untilMissed,
        });
        const verdict = verdictOn(judged.againstFp32);
        onProgress(`${verdict.passes ? "reached" : "not reached"}${judged.whole ? "" : " already"}: ${verdict.reason}`);
        return { ...judged, ...verdict };
      };
      let judged = await judge(round < mostRounds);
      let next: ReadonlySet<string> | null = null;
      if (!judged.passes && round < mostRounds) {
        const onLayer = (done: number, all: number): void => onProgress(`what layer ${done + 1} of ${all} alone does in INT8`);
        effects ??= await layerEffects(float, { layers, weights, ranges }, kept[0]!, shape, { threads, onLayer });
        const [always] = operationsOf(layers, shape).values();
        next = nextKeptFp32(effects, always!, keepFp32, noiseToTakeAway(judged.againstFp32));
      }
      if (next === null) {
        if (!judged.whole) judged = await judge(false); // the card tells of all CTs
        const { againstFp32, againstHuman, passes, reason } = judged;
        return { network, tensorrt, accuracy: { ...(await described()), againstFp32, againstHuman }, passes, reason, patches };
      }
      keepFp32 = next;
    }
  } finally {
    await float.close();
  }

  /** The graph that is quantised must be the network that was imported. */
  async function checkSameNetwork(graph: GraphRunner, patch: Float32Array): Promise<void> {
    const ours = (await graph.run(patch, [1, 1, ...shape])).get("logits")!.data;
    // An imported graph that gives its features for use has its logits still.
    const stored = await openNetwork(modelFolder, { ...fp32!, output: "logits", features: undefined }, plans, { threads });
    const theirs = await stored.infer(patch, shape).finally(() => stored.close());
    const difference = new Sqnr();
    for (let at = 0; at < ours.length; at++) difference.add(theirs[at]!, ours[at]!);
    if (!(difference.db >= sameNetworkDb))
      throw new RefusedError(
        "quantise-weights",
        `the logits of ${fp32!.file} agree with those that its plans and weights give to ${difference.db.toFixed(0)} dB, expected ${sameNetworkDb}: either the plans are of another network, then import it again from its checkpoint; or this network magnifies the rounding of float32 sums, as random weights do on a CT, then measure its time with --bench-only and no --calibrate`,
      );
  }
}

async function openModel(model: OnnxModel, threads: number): Promise<GraphRunner> {
  return openGraph(Buffer.concat([...encodeOnnx(model)]), { threads });
}

/** One patch of noise, for a network of random weights that no CT means anything to. */
function* noise([depth, height, width]: readonly [number, number, number]): Generator<Float32Array> {
  let state = 1;
  yield Float32Array.from({ length: depth * height * width }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 4;
  });
}

async function* watch<T>(items: AsyncIterable<T> | Iterable<T>, look: (item: T) => void): AsyncGenerator<T> {
  for await (const item of items) {
    look(item);
    yield item;
  }
}

function methodsOf({ chosen }: ChosenRanges): Record<string, number> {
  const methods: Record<string, number> = {};
  for (const { convolved, given } of chosen.values())
    for (const { method } of [...convolved, ...given]) methods[method] = (methods[method] ?? 0) + 1;
  return methods;
}
