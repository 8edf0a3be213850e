import { type GraphRunner, openGraph } from "../../appliance/inference/graph-runner.ts";
import type { NetworkPlan } from "../../appliance/nnunet/network.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";
import { fp32Graph } from "../../models/network/u-net.ts";
import type { OnnxModel } from "../../models/onnx/graph.ts";
import { encodeOnnx } from "../../models/onnx/write.ts";
import { countTensors } from "../../models/quantize/calibrate.ts";
import { type CpuGraphOptions, cpuGraph } from "../../models/quantize/cpu-graph.ts";
import { floatGraph } from "../../models/quantize/float-graph.ts";
import { layersOf } from "../../models/quantize/layers.ts";
import { Sqnr } from "../../models/quantize/sqnr.ts";
import { chooseRanges } from "../../models/quantize/tensor-ranges.ts";
import { weightsOf } from "../../models/quantize/weights.ts";
import { randomWeights, shapesPatch } from "./random-u-net.ts";

export const open = (model: OnnxModel): Promise<GraphRunner> => openGraph(Buffer.concat([...encodeOnnx(model)]), { threads: 2 });

/** A network of random weights, calibrated on six patches; to be tried on another. */
export async function calibrated(plan: NetworkPlan, classes: number, shape: Zyx) {
  const stored = fp32Graph(plan, classes, randomWeights(plan, classes));
  const layers = layersOf(plan, classes);
  const weights = weightsOf(stored, layers);
  const { model, taps } = floatGraph(layers, weights, { step: 1 });
  const float = await open(model);
  const patches = [11, 12, 13, 14, 15, 16].map((seed) => shapesPatch(shape, seed));
  const { counts } = await countTensors(float, taps, patches, shape);
  const ranges = chooseRanges(layers, counts);
  const quantised = (options: Partial<CpuGraphOptions> = {}) =>
    cpuGraph(layers, weights, ranges, { patch: shape, end: "logits", keepFp32: new Set(), ...options });
  return { stored, layers, weights, taps, float, ranges, quantised };
}

export async function logitsOf(model: OnnxModel, patch: Float32Array, shape: Zyx): Promise<Float32Array> {
  const graph = await open(model);
  const outputs = await graph.run(patch, [1, 1, ...shape]).finally(() => graph.close());
  return outputs.get("logits")!.data as Float32Array;
}

/** Signal to noise of all values, dB. */
export function noiseDb(expected: Float32Array, found: Float32Array): number {
  const sqnr = new Sqnr();
  for (let at = 0; at < expected.length; at++) sqnr.add(expected[at]!, found[at]!);
  return sqnr.db;
}
