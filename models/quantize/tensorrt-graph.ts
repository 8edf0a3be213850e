import type { Weights } from "../network/u-net.ts";
import type { OnnxModel } from "../onnx/graph.ts";
import { quantiseWeights } from "./affine.ts";
import type { Ranges } from "./cpu-graph.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type ConvLayer, pass, type ResidualBlock, type UNetLayers, type UpLayer } from "./layers.ts";

/** A tensor by name, and the layers whose ranges it has. */
type Value = { readonly name: string; readonly from: readonly string[] };

/**
 * A network as TensorRT takes INT8: the float graph with symmetric QuantizeLinear and DequantizeLinear steps (int8, zero point 0) before every
 * convolution that is to be computed in INT8, weights as int8 with a scale per output channel. The first convolution, the transposed ones and the
 * head carry no such steps: TensorRT computes them in half precision. It takes patches of any size that the strides divide.
 *
 * @source docs.nvidia.com, TensorRT Developer Guide, "Working with Quantized Types": explicit quantisation
 */
export function tensorrtGraph(layers: UNetLayers, weights: Weights, ranges: Ranges): OnnxModel {
  const graph = new GraphBuilder();
  const zero = graph.constant("int8", [], Int8Array.of(0));
  const stored = (name: string): string => {
    const { dims, data } = weights.get(name)!;
    return graph.named(name, dims, data);
  };
  /** What a layer gives, as int8 and back. */
  const quantised = (value: string, names: readonly string[]): string => {
    const scale = graph.float(Math.fround(Math.max(...names.map((name) => largestOf(ranges, name))) / 127));
    return graph.node("DequantizeLinear", [graph.node("QuantizeLinear", [value, scale, zero]), scale, zero]);
  };
  const filter = (name: string, channels: number): string => {
    const { dims, data } = weights.get(name)!;
    const { values, scales } = quantiseWeights(data, channels);
    const bytes = graph.constant("int8", dims, values, "weight");
    const zeros = graph.constant("int8", [channels], new Int8Array(channels));
    return graph.node("DequantizeLinear", [bytes, graph.floats(scales), zeros], { axis: 0 });
  };
  const normalised = (input: Value, layer: ConvLayer): string => {
    const { name, kernel, stride, channelsIn, channelsOut } = layer;
    const half = kernel.map((side) => (side - 1) / 2);
    const attributes = { kernel_shape: kernel, strides: stride, pads: [...half, ...half] };
    const operands =
      channelsIn === 1
        ? [input.name, stored(`${name}.conv.weight`)]
        : [quantised(input.name, input.from), filter(`${name}.conv.weight`, channelsOut)];
    const convolved = graph.node("Conv", operands, attributes);
    const norm = [convolved, stored(`${name}.norm.weight`), stored(`${name}.norm.bias`)];
    return graph.node("InstanceNormalization", norm, { epsilon: { float: layers.normEps } });
  };
  const leaky = (input: string, { name }: ConvLayer): Value => ({
    name: graph.node("LeakyRelu", [input], { alpha: { float: layers.leakySlope } }),
    from: [name],
  });
  const conv = (inputs: readonly Value[], layer: ConvLayer): Value => {
    const name = graph.joined(
      inputs.map((each) => each.name),
      1,
    );
    return leaky(normalised({ name, from: inputs.flatMap(({ from }) => from) }, layer), layer);
  };
  /** The sum is computed as the normalisation before it, in half precision. */
  const residual = (input: Value, { conv1, conv2, pool, projection }: ResidualBlock): Value => {
    const inner = normalised(conv([input], conv1), conv2);
    const pooled = pool ? graph.node("AveragePool", [input.name], { kernel_shape: pool, strides: pool }) : input.name;
    // A mean lies within the range of what it is the mean of.
    const skip = projection ? normalised({ name: pooled, from: input.from }, projection) : pooled;
    return leaky(graph.node("Add", [inner, skip]), conv2);
  };
  const up = (input: Value, { name, stride }: UpLayer): Value => {
    const inputs = [input.name, stored(`${name}.weight`), stored(`${name}.bias`)];
    return { name: graph.node("ConvTranspose", inputs, { kernel_shape: stride, strides: stride }), from: [name] };
  };

  const value = pass<Value>(layers, { name: "input", from: [] }, { conv, residual, up });
  const { name, classes } = layers.head;
  graph.node("Conv", [value.name, stored(`${name}.weight`), stored(`${name}.bias`)], { kernel_shape: [1, 1, 1] }, { output: "logits" });
  return graph.model(
    "tensorrt-int8",
    [{ name: "input", type: "float32", dims: [1, 1, "depth", "height", "width"] }],
    [{ name: "logits", type: "float32", dims: [1, classes, "depth", "height", "width"] }],
  );
}

/** The largest magnitude in the ranges of a layer's channels: TensorRT knows one scale per activation. */
function largestOf({ given }: Ranges, name: string): number {
  const { scales, zeroPoint, offsets } = given.get(name)!;
  const ends = [...scales].flatMap((scale, c) => [-zeroPoint, 255 - zeroPoint].map((code) => (offsets?.[c] ?? 0) + code * scale));
  return Math.max(...ends.map(Math.abs));
}
