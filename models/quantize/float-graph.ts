import type { Weights } from "../network/u-net.ts";
import type { OnnxModel } from "../onnx/graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import type { ConvLayer, UNetLayers, UpLayer } from "./layers.ts";

/** Tensors at most this many times smaller than the input are large. */
const finest = 8;

export type FloatGraph = {
  readonly model: OnnxModel;
  /** Outputs that the graph gives beside the logits. */
  readonly taps: readonly Tap[];
};
/** An inner tensor: what a convolution gives before its normalisation, or what a whole layer gives. */
export type Tap = {
  readonly output: string;
  readonly layer: string;
  readonly what: "convolved" | "given" /** Rows and columns are every such. */;
  readonly every: number;
};

/**
 * A network in float32 that also gives its inner tensors, [1,c,d,h,w], for calibration and comparison: rows and columns of the large ones
 * thinned to every `step`-th, so that memory stays small; an odd step meets every position of an upsampled block.
 */
export function floatGraph(layers: UNetLayers, weights: Weights, { step }: { readonly step: number }): FloatGraph {
  const graph = new GraphBuilder();
  const taps: Tap[] = [];
  const tap = (value: string, layer: string, what: Tap["what"], reduction: number): string => {
    const output = `${layer}:${what}`;
    const every = reduction <= finest ? step : 1;
    graph.node(
      "Slice",
      [value, graph.ints(0, 0), graph.ints(2 ** 31, 2 ** 31), graph.ints(3, 4), graph.ints(every, every)],
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
  let reduction = 1;
  const conv = (input: string, { name, kernel, stride }: ConvLayer): string => {
    reduction *= stride[0] * stride[1] * stride[2];
    const half = kernel.map((side) => (side - 1) / 2);
    const attributes = { kernel_shape: kernel, strides: stride, pads: [...half, ...half] };
    const convolved = tap(graph.node("Conv", [input, stored(`${name}.conv.weight`)], attributes), name, "convolved", reduction);
    const normalised = graph.node("InstanceNormalization", [convolved, stored(`${name}.norm.weight`), stored(`${name}.norm.bias`)], {
      epsilon: { float: layers.normEps },
    });
    return tap(graph.node("LeakyRelu", [normalised], { alpha: { float: layers.leakySlope } }), name, "given", reduction);
  };
  const up = (input: string, { name, stride }: UpLayer): string => {
    reduction /= stride[0] * stride[1] * stride[2];
    const inputs = [input, stored(`${name}.weight`), stored(`${name}.bias`)];
    return tap(graph.node("ConvTranspose", inputs, { kernel_shape: stride, strides: stride }), name, "given", reduction);
  };

  let value = "input";
  const skips: string[] = [];
  for (const stage of layers.encoder) {
    for (const layer of stage) value = conv(value, layer);
    skips.push(value);
  }
  skips.pop();
  for (const { up: layer, convs } of layers.decoder) {
    value = graph.node("Concat", [up(value, layer), skips.pop()!], { axis: 1 });
    for (const layer of convs) value = conv(value, layer);
  }
  const { name, classes } = layers.head;
  graph.node("Conv", [value, stored(`${name}.weight`), stored(`${name}.bias`)], { kernel_shape: [1, 1, 1] }, { output: "logits" });
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
