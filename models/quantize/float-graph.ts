import type { Weights } from "../network/u-net.ts";
import type { OnnxModel } from "../onnx/graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type ConvLayer, pass, type ResidualBlock, type UNetLayers, type UpLayer, voxelsOf } from "./layers.ts";

/** Tensors at most this many times smaller than the input are large. */
const finest = 8;

export type FloatGraph = {
  readonly model: OnnxModel;
  /** Outputs that the graph gives beside the logits. */
  readonly taps: readonly Tap[];
};
/** An inner tensor: what a convolution gives before its normalisation, or what a whole layer gives; of a residual block its sum, as its second's. */
export type Tap = {
  readonly output: string;
  readonly layer: string;
  readonly what: "convolved" | "given" /** Rows and columns are every such. */;
  readonly every: number;
};

/** A tensor by name, and how many times smaller than the input it is. */
type Value = { readonly name: string; readonly reduction: number };

/**
 * A network in float32 that also gives its inner tensors, [1,c,d,h,w], for calibration and comparison: rows and columns of the large ones
 * thinned to every `step`-th, so that memory stays small; an odd step meets every position of an upsampled block.
 */
export function floatGraph(layers: UNetLayers, weights: Weights, { step }: { readonly step: number }): FloatGraph {
  const graph = new GraphBuilder();
  const taps: Tap[] = [];
  const tap = (value: Value, layer: string, what: Tap["what"]): Value => {
    const output = `${layer}:${what}`;
    const every = value.reduction <= finest ? step : 1;
    graph.node(
      "Slice",
      [value.name, graph.ints(0, 0), graph.ints(2 ** 31, 2 ** 31), graph.ints(3, 4), graph.ints(every, every)],
      {},
      { output },
    );
    taps.push({ output, layer, what, every });
    return value;
  };
  const stored = (name: string): string => {
    const { dims, data } = weights.get(name)!;
    return graph.named(name, dims, data);
  };
  const normalised = (input: Value, { name, kernel, stride }: ConvLayer): Value => {
    const half = kernel.map((side) => (side - 1) / 2);
    const attributes = { kernel_shape: kernel, strides: stride, pads: [...half, ...half] };
    const convolved = graph.node("Conv", [input.name, stored(`${name}.conv.weight`)], attributes);
    const reduction = input.reduction * voxelsOf(stride);
    tap({ name: convolved, reduction }, name, "convolved");
    const norm = [convolved, stored(`${name}.norm.weight`), stored(`${name}.norm.bias`)];
    return { name: graph.node("InstanceNormalization", norm, { epsilon: { float: layers.normEps } }), reduction };
  };
  const leaky = ({ name, reduction }: Value): Value => ({
    name: graph.node("LeakyRelu", [name], { alpha: { float: layers.leakySlope } }),
    reduction,
  });
  const conv = (inputs: readonly Value[], layer: ConvLayer): Value => {
    const [first] = inputs;
    const name = graph.joined(
      inputs.map((each) => each.name),
      1,
    );
    return tap(leaky(normalised({ name, reduction: first!.reduction }, layer)), layer.name, "given");
  };
  const residual = (input: Value, { conv1, conv2, pool, projection }: ResidualBlock): Value => {
    const inner = normalised(conv([input], conv1), conv2);
    const { reduction } = inner;
    const pooled = pool ? { name: graph.node("AveragePool", [input.name], { kernel_shape: pool, strides: pool }), reduction } : input;
    const skip = projection ? normalised(pooled, projection) : pooled;
    return tap(leaky({ name: graph.node("Add", [inner.name, skip.name]), reduction }), conv2.name, "given");
  };
  const up = (input: Value, { name, stride }: UpLayer): Value => {
    const inputs = [input.name, stored(`${name}.weight`), stored(`${name}.bias`)];
    const upsampled = graph.node("ConvTranspose", inputs, { kernel_shape: stride, strides: stride });
    return tap({ name: upsampled, reduction: input.reduction / voxelsOf(stride) }, name, "given");
  };

  const value = pass(layers, { name: "input", reduction: 1 }, { conv, residual, up });
  const { name, classes } = layers.head;
  graph.node("Conv", [value.name, stored(`${name}.weight`), stored(`${name}.bias`)], { kernel_shape: [1, 1, 1] }, { output: "logits" });
  const model = graph.model(
    "calibration",
    [{ name: "input", type: "float32", dims: [1, 1, "depth", "height", "width"] }],
    [
      { name: "logits", type: "float32", dims: [1, classes, "depth", "height", "width"] },
      ...taps.map(({ output }, n) => ({ name: output, type: "float32" as const, dims: [1, `c${n}`, `d${n}`, `h${n}`, `w${n}`] })),
    ],
  );
  return { model, taps };
}
