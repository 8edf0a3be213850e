import type { Zyx } from "../../appliance/nnunet/plans.ts";
import type { Weights } from "../network/u-net.ts";
import type { OnnxModel } from "../onnx/graph.ts";
import type { ChannelCodes } from "./affine.ts";
import { type Floats, floatLayer } from "./cpu-floats.ts";
import { averagePool, type Bytes, type ChannelSpans, convolve, upsample } from "./cpu-layers.ts";
import { asGiven, leakySum, normalised, type Summand } from "./cpu-normalise.ts";
import { GraphBuilder } from "./graph-builder.ts";
import { type ConvLayer, pass, type ResidualBlock, stridedShape, type UNetLayers, type UpLayer, voxelsOf } from "./layers.ts";

/** How every tensor of a network is quantised, by layer name. */
export type Ranges = {
  /** What a convolution gives, without its bias, before the normalisation: each channel by itself, since each is normalised by itself. */
  readonly convolved: ReadonlyMap<string, ChannelSpans>;
  /** What a layer gives. */
  readonly given: ReadonlyMap<string, ChannelCodes>;
};

export type CpuGraphOptions = {
  /** Voxels of the input; the graph is made for this one shape. */
  readonly patch: Zyx;
  /** Where the graph ends: with float32 logits [1,c,d,h,w], or before the head with uint8 features [1,d,h,w,c]. */
  readonly end: "logits" | "features";
  /**
   * Names of convolutions that are computed in float32; with a residual block's second one its skip and their sum. The first one always is: eight
   * bits are too few for the CT itself.
   */
  readonly keepFp32: ReadonlySet<string>;
  /** Also gives every layer's output, by layer name: uint8 [d][h][w][c]. */
  readonly exposeLayers?: boolean;
};

/** A value in one or both of its forms; the other is made when it is asked for. */
type Value = {
  readonly shape: Zyx;
  readonly channels: number;
  readonly codes: ChannelCodes;
  readonly markers: number;
  bytes?: string;
  /** [1,c,d,h,w] */
  floats?: string;
};

/**
 * The INT8 form of a network for onnxruntime on a CPU, made of its own operators. Between layers everything is uint8 with the channels last;
 * weights are int8.
 *
 * @returns the graph, and how its uint8 features are to be read
 */
export function cpuGraph(
  layers: UNetLayers,
  weights: Weights,
  ranges: Ranges,
  options: CpuGraphOptions,
): { model: OnnxModel; features: ChannelCodes } {
  const graph = new GraphBuilder();
  const exposed: { name: string; dims: readonly number[] }[] = [];
  const bytesOf = (value: Value): Bytes => {
    value.bytes ??= toBytes(graph, value);
    return { value: value.bytes, shape: value.shape, channels: value.channels, codes: value.codes, markers: value.markers };
  };
  const floatsOf = (value: Value): string => {
    value.floats ??= toFloats(graph, value);
    return value.floats;
  };
  const expose = (name: string, value: Value): Value => {
    if (options.exposeLayers) {
      graph.output(bytesOf(value).value, name);
      exposed.push({ name, dims: [...value.shape, value.channels + value.markers] });
    }
    return value;
  };
  const given = (name: string): ChannelCodes => ranges.given.get(name)!;
  const quantised = (inputs: readonly Bytes[], layer: ConvLayer): Summand => {
    const convolved = convolve(graph, inputs, layer, weights, ranges.convolved.get(layer.name)!);
    return normalised(graph, convolved, layer, layers.normEps, weights);
  };
  const inFloats = (inputs: readonly Floats[], layer: ConvLayer): string => floatLayer(graph, inputs, layer, layers.normEps, weights);
  const leaky = (input: string): string => graph.node("LeakyRelu", [input], { alpha: { float: layers.leakySlope } });

  const conv = (inputs: readonly Value[], layer: ConvLayer): Value => {
    const to = { shape: stridedShape(inputs[0]!.shape, layer.stride), channels: layer.channelsOut };
    const codes = given(layer.name);
    if (layer.channelsIn === 1 || options.keepFp32.has(layer.name)) {
      const floats = inputs.map((input) => ({ value: floatsOf(input), channels: input.channels, shape: input.shape }));
      return expose(layer.name, { ...to, codes, markers: 0, floats: leaky(inFloats(floats, layer)) });
    }
    const { value, ...rest } = leakySum(graph, [quantised(inputs.map(bytesOf), layer)], to, layers.leakySlope, codes);
    return expose(layer.name, { ...rest, bytes: value });
  };
  const residual = (input: Value, { conv1, conv2, pool, projection }: ResidualBlock): Value => {
    const inner = conv([input], conv1);
    const to = { shape: inner.shape, channels: inner.channels };
    const codes = given(conv2.name);
    if (options.keepFp32.has(conv2.name)) {
      const pooled = pool ? graph.node("AveragePool", [floatsOf(input)], { kernel_shape: pool, strides: pool }) : floatsOf(input);
      const { shape } = inner;
      const skip = projection ? inFloats([{ value: pooled, channels: input.channels, shape }], projection) : pooled;
      const floats = leaky(graph.node("Add", [inFloats([{ value: floatsOf(inner), channels: inner.channels, shape }], conv2), skip]));
      return expose(conv2.name, { ...to, codes, markers: 0, floats });
    }
    const pooled = pool ? averagePool(graph, bytesOf(input), pool) : bytesOf(input);
    const skip = projection ? quantised([pooled], projection) : asGiven(graph, pooled);
    const { value, ...rest } = leakySum(graph, [quantised([bytesOf(inner)], conv2), skip], to, layers.leakySlope, codes);
    return expose(conv2.name, { ...rest, bytes: value });
  };
  const up = (input: Value, layer: UpLayer, reader: ConvLayer): Value => {
    // A convolution in float32 takes what it joins as float32 too: eight bits between the two would undo what it is there for.
    if (options.keepFp32.has(reader.name)) {
      const shape: Zyx = [input.shape[0] * layer.stride[0], input.shape[1] * layer.stride[1], input.shape[2] * layer.stride[2]];
      const filter = graph.floats(weights.get(`${layer.name}.weight`)!.data, [layer.channelsIn, layer.channelsOut, ...layer.stride]);
      const inputs = [floatsOf(input), filter, graph.floats(weights.get(`${layer.name}.bias`)!.data)];
      const floats = graph.node("ConvTranspose", inputs, { kernel_shape: layer.stride, strides: layer.stride });
      return { shape, channels: layer.channelsOut, codes: given(layer.name), markers: 0, floats };
    }
    const { value, ...rest } = upsample(graph, bytesOf(input), layer, weights, given(layer.name));
    return expose(layer.name, { ...rest, bytes: value });
  };

  // The input's codes are never used: its first layer takes floats.
  const codes = { scales: Float32Array.of(1), zeroPoint: 0 };
  const value = pass<Value>(layers, { shape: options.patch, channels: 1, codes, markers: 0, floats: "input" }, { conv, residual, up });

  const [depth, height, width] = options.patch;
  const { name, channels, classes } = layers.head;
  if (options.end === "features") {
    const features = bytesOf(value);
    graph.node("Reshape", [features.value, graph.ints(1, depth, height, width, channels)], {}, { output: "features" });
  } else {
    const weight = graph.floats(weights.get(`${name}.weight`)!.data, [classes, channels, 1, 1, 1]);
    const bias = graph.floats(weights.get(`${name}.bias`)!.data);
    graph.node("Conv", [floatsOf(value), weight, bias], { kernel_shape: [1, 1, 1] }, { output: "logits" });
  }
  const output =
    options.end === "features"
      ? ({ name: "features", type: "uint8", dims: [1, depth, height, width, channels] } as const)
      : ({ name: "logits", type: "float32", dims: [1, classes, depth, height, width] } as const);
  const model = graph.model(
    "int8",
    [{ name: "input", type: "float32", dims: [1, 1, depth, height, width] }],
    [output, ...exposed.map(({ name, dims }) => ({ name, type: "uint8" as const, dims }))],
  );
  return { model, features: value.codes };
}

function toBytes(graph: GraphBuilder, { floats, codes, shape, channels }: Value): string {
  if (codes.offsets) throw new Error("an upsampled tensor in floats stays in floats");
  const flat = graph.reshape(floats!, 1, channels, voxelsOf(shape));
  const bytes = graph.node("QuantizeLinear", [flat, ...perChannel(graph, codes)], { axis: 1 });
  return graph.reshape(graph.transpose(bytes, 0, 2, 1), ...shape, channels);
}

function toFloats(graph: GraphBuilder, { bytes, codes, shape, channels }: Value): string {
  if (codes.offsets) throw new Error("an upsampled tensor is read by its convolution only");
  const apart = graph.transpose(graph.reshape(bytes!, 1, voxelsOf(shape), channels), 0, 2, 1);
  const floats = graph.node("DequantizeLinear", [apart, ...perChannel(graph, codes)], { axis: 1 });
  return graph.reshape(floats, 1, channels, ...shape);
}

function perChannel(graph: GraphBuilder, { scales, zeroPoint }: ChannelCodes): [string, string] {
  return [graph.floats(scales), graph.constant("uint8", [scales.length], new Uint8Array(scales.length).fill(zeroPoint))];
}
