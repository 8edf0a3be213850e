import { type GraphRunner, openGraph } from "../../appliance/inference/graph-runner.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";
import type { Weights } from "../network/u-net.ts";
import { encodeOnnx } from "../onnx/write.ts";
import { cpuGraph, type Ranges } from "./cpu-graph.ts";
import { pass, stridedShape, type UNetLayers, voxelsOf } from "./layers.ts";

/** A convolution that may be computed in eight bits or in float32, by the name that `keepFp32` knows it by. */
export type LayerEffect = {
  readonly layer: string;
  /** What its eight bits alone add to the logits: mean square of the difference over that of the logits. */
  readonly noise: number;
  /** Multiplications of one patch; what goes with it into float32, an upsampling or a skip, is in it. */
  readonly operations: number;
};

/**
 * What each convolution in INT8 does to the logits, all others being in float32, on one patch. Noise of several layers adds up. The noise in a
 * layer's own output says less: what comes late or fine goes straight to the labels, what comes coarse is averaged away.
 */
export async function layerEffects(
  float: GraphRunner,
  parts: { readonly layers: UNetLayers; readonly weights: Weights; readonly ranges: Ranges },
  patch: Float32Array,
  shape: Zyx,
  { threads, onLayer }: { readonly threads: number; readonly onLayer: (done: number, all: number) => void },
): Promise<readonly LayerEffect[]> {
  const { layers, weights, ranges } = parts;
  const expected = (await float.run(patch, [1, 1, ...shape])).get("logits")!.data;
  const signal = sumOfSquares(expected);
  const operations = operationsOf(layers, shape);
  const [, ...names] = operations.keys(); // the first is in float32 whatever is chosen
  const effects: LayerEffect[] = [];
  for (const [done, layer] of names.entries()) {
    onLayer(done, names.length);
    const keepFp32 = new Set(names.filter((name) => name !== layer));
    const { model } = cpuGraph(layers, weights, ranges, { patch: shape, end: "logits", keepFp32 });
    const alone = await openGraph(Buffer.concat([...encodeOnnx(model)]), { threads });
    const found = (await alone.run(patch, [1, 1, ...shape]).finally(() => alone.close())).get("logits")!.data;
    const difference = Float32Array.from(expected, (value, at) => value - found[at]!);
    effects.push({ layer, noise: sumOfSquares(difference) / signal, operations: operations.get(layer)! });
  }
  return effects;
}

/** Multiplications of each convolution for one patch, the first convolution first. */
export function operationsOf(layers: UNetLayers, shape: Zyx): ReadonlyMap<string, number> {
  const operations = new Map<string, number>();
  const add = (name: string, count: number): void => {
    operations.set(name, (operations.get(name) ?? 0) + count);
  };
  pass<Zyx>(layers, shape, {
    conv([from], { name, stride, kernel, channelsIn, channelsOut }) {
      const to = stridedShape(from!, stride);
      add(name, voxelsOf(to) * voxelsOf(kernel) * channelsIn * channelsOut);
      return to;
    },
    residual(from, { conv1, conv2, projection }) {
      const to = stridedShape(from, conv1.stride);
      for (const { kernel, channelsIn, channelsOut, name } of [conv1, conv2])
        add(name, voxelsOf(to) * voxelsOf(kernel) * channelsIn * channelsOut);
      if (projection) add(conv2.name, voxelsOf(to) * projection.channelsIn * projection.channelsOut);
      return to;
    },
    up(from, { stride, channelsIn, channelsOut }, reader) {
      const to: Zyx = [from[0] * stride[0], from[1] * stride[1], from[2] * stride[2]];
      add(reader.name, voxelsOf(to) * channelsIn * channelsOut);
      return to;
    },
  });
  return operations;
}

function sumOfSquares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]! * values[at]!;
  return sum;
}
