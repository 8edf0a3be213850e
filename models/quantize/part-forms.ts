import { createHash } from "node:crypto";
import { join } from "node:path";
import type { NetworkFile } from "../../appliance/domain/model.ts";
import type { Plans } from "../../appliance/nnunet/plans.ts";
import { writeDurably } from "../../appliance/store/objects.ts";
import type { Weights } from "../network/u-net.ts";
import { writeOnnxFile } from "../onnx/write.ts";
import { cpuGraph, type Ranges } from "./cpu-graph.ts";
import type { UNetLayers } from "./layers.ts";
import { tensorrtForm } from "./tensorrt-engine.ts";
import { tensorrtGraph } from "./tensorrt-graph.ts";
import { headBytes } from "./weights.ts";

/**
 * Writes the INT8 form of a part's network for the CPU. Where its features are fewer than its classes the graph ends with them, and the head lies
 * in a file beside: what overlapping patches add up to is then smaller.
 *
 * @param stem file name without its ending
 */
export async function writeCpuForm(
  folder: string,
  stem: string,
  {
    layers,
    weights,
    ranges,
    keepFp32,
    plans,
  }: { layers: UNetLayers; weights: Weights; ranges: Ranges; keepFp32: ReadonlySet<string>; plans: Plans },
): Promise<NetworkFile> {
  const { channels, classes } = layers.head;
  const end = channels < classes ? "features" : "logits";
  const { model, features } = cpuGraph(layers, weights, ranges, { patch: plans.patchSize, end, keepFp32 });
  const [written, ...beside] = await writeOnnxFile(join(folder, `${stem}.onnx`), model);
  const common = {
    ...written!,
    precision: "int8",
    engine: "onnx",
    input: "input",
    output: end,
    patchSize: plans.patchSize,
    ...(beside.length > 0 ? { externalData: beside } : {}),
  } as const;
  if (end === "logits") return common;
  const head = headBytes(weights, layers, features.scales);
  const file = `${stem}.head.f32`;
  await writeDurably(join(folder, file), [head]);
  const sha256 = createHash("sha256").update(head).digest("hex");
  return {
    ...common,
    features: {
      channels,
      layout: "ndhwc",
      type: "uint8",
      scale: 1,
      zeroPoint: features.zeroPoint,
      head: { file, sha256, sizeBytes: head.length },
    },
  };
}

/** Writes the graph that TensorRT builds an engine from. */
export async function writeTensorrtForm(
  folder: string,
  stem: string,
  { layers, weights, ranges }: { layers: UNetLayers; weights: Weights; ranges: Ranges },
): Promise<NetworkFile> {
  const [written, ...beside] = await writeOnnxFile(join(folder, `${stem}.onnx`), tensorrtGraph(layers, weights, ranges));
  return { ...tensorrtForm(written!), ...(beside.length > 0 ? { externalData: beside } : {}) };
}
