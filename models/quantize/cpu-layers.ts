import type { Zyx } from "../../appliance/nnunet/plans.ts";
import type { Weights } from "../network/u-net.ts";
import { type ChannelCodes, quantiseBias, quantiseWeights } from "./affine.ts";
import { contributed, type GraphBuilder } from "./graph-builder.ts";
import { type ConvLayer, markersPerTensor, stridedShape, type UpLayer } from "./layers.ts";

/** A quantised value in the CPU graph: uint8, [depth][height][width][channel], the depth standing where a batch would. */
export type Bytes = {
  readonly value: string;
  readonly shape: Zyx;
  readonly channels: number;
  readonly codes: ChannelCodes;
  /** Of a tensor with offsets: so many channels behind its own, at the highest code everywhere. Padding is 0 in them, and so told apart. */
  readonly markers: number;
};

/** Per channel, what code 0..255 stands for: lows + code * scales. */
export type ChannelSpans = { readonly lows: Float32Array; readonly scales: Float32Array };
/** A convolution's result on its way to the normalisation. */
export type Convolved = { readonly value: string; readonly shape: Zyx; readonly channels: number; readonly spans: ChannelSpans };

/**
 * A 3-D convolution on depth-as-batch: each slice and its two neighbours lie in the channels of one image, so that onnxruntime's 2-D NHWC kernel
 * does all 27 taps. It is faster than its 3-D kernel, which makes 27 pointers for every voxel. Several inputs (skip and upsampled) are
 * put side by side in the same step. No bias of the network's: the normalisation that follows takes it away again. Instead the bias moves, and
 * the scale stretches, each channel to where its own range fills the codes; the normalisation takes that away too.
 */
export function convolve(
  graph: GraphBuilder,
  inputs: readonly Bytes[],
  layer: ConvLayer,
  weights: Weights,
  spans: ChannelSpans,
): Convolved {
  const [first] = inputs;
  const { shape } = first!;
  const { zeroPoint } = first!.codes;
  if (inputs.some(({ codes }) => codes.zeroPoint !== zeroPoint)) throw new Error(`the inputs of ${layer.name} have different zero points`);
  const filter = filterForCodes(weights.get(`${layer.name}.conv.weight`)!.data, inputs, layer);
  const channelsIn = inputs.reduce((sum, { channels, markers }) => sum + channels + markers, 0);
  const { values, scales } = quantiseWeights(filter, layer.channelsOut);
  const [kd, kh, kw] = layer.kernel;
  const [strideZ, strideY, strideX] = layer.stride;
  const taps = inputs.map((input) => depthTaps(graph, input, kd, strideZ));
  const parts = Array.from({ length: kd }, (_, tap) => taps.map((each) => each[tap]!)).flat();
  const image = graph.joined(parts, 3);
  const value = qLinearConv(graph, image, zeroPoint, {
    filter: { dims: [layer.channelsOut, kd * channelsIn, kh, kw], values: depthIntoChannels(values, layer, channelsIn) },
    scales: scales.map((scale, channel) => scale / spans.scales[channel]!),
    zeroPoint: 0,
    bias: quantiseBias(
      spans.lows.map((low) => -low),
      scales,
    ),
    attributes: {
      kernel_shape: [kh, kw],
      pads: [kh, kw, kh, kw].map((side) => (side - 1) / 2),
      strides: [strideY, strideX],
    },
  });
  return { value, shape: stridedShape(shape, layer.stride), channels: layer.channelsOut, spans };
}

/**
 * A filter [out][in][…] that takes codes instead of numbers. What a channel's offset adds comes through the marker channels, tap by tap: where a
 * tap lies on padding it adds nothing, as it should.
 */
function filterForCodes(filter: Float32Array, inputs: readonly Bytes[], { channelsOut, kernel: [kd, kh, kw] }: ConvLayer): Float32Array {
  const taps = kd * kh * kw;
  const all = inputs.reduce((sum, { channels, markers }) => sum + channels + markers, 0);
  const made = new Float32Array(channelsOut * all * taps);
  let from = 0;
  for (let out = 0, to = 0; out < channelsOut; out++)
    for (const { channels, markers, codes } of inputs) {
      const offsetOf = new Float64Array(taps);
      for (let channel = 0; channel < channels; channel++)
        for (let tap = 0; tap < taps; tap++, from++, to++) {
          made[to] = filter[from]! * codes.scales[channel]!;
          offsetOf[tap]! += filter[from]! * (codes.offsets?.[channel] ?? 0);
        }
      for (let marker = 0; marker < markers; marker++)
        for (let tap = 0; tap < taps; tap++, to++) made[to] = offsetOf[tap]! / (markers * (255 - codes.zeroPoint));
    }
  return made;
}

/** [out][in][z][y][x] to [out][z][in][y][x]. */
function depthIntoChannels(values: Int8Array, { channelsOut, kernel: [kd, kh, kw] }: ConvLayer, channelsIn: number): Int8Array {
  const moved = new Int8Array(values.length);
  const plane = kh * kw;
  let to = 0;
  for (let out = 0; out < channelsOut; out++)
    for (let z = 0; z < kd; z++)
      for (let channel = 0; channel < channelsIn; channel++) {
        const from = ((out * channelsIn + channel) * kd + z) * plane;
        moved.set(values.subarray(from, from + plane), to);
        to += plane;
      }
  return moved;
}

/**
 * The slices that each tap of the kernel sees, for every output slice; outside lies 0. Picked by Gather: onnxruntime copies with all threads
 * there, and with one in Slice and Pad.
 */
function depthTaps(graph: GraphBuilder, { value, shape, channels, markers, codes }: Bytes, kernel: number, stride: number): string[] {
  const [depth, height, width] = shape;
  const slices = Math.ceil(depth / stride);
  const pick = (from: string, first: number): string => {
    const outside = depth; // where the slice of zeros lies
    const picked = Array.from({ length: slices }, (_, slice) => first + stride * slice).map((at) => (at >= 0 && at < depth ? at : outside));
    return graph.node("Gather", [from, graph.ints(...picked)], { axis: 0 });
  };
  const middle = stride === 1 ? value : pick(value, 0);
  if (kernel === 1) return [middle];
  const padded = graph.node("Concat", [value, graph.filled([1, height, width, channels + markers], codes.zeroPoint)], { axis: 0 });
  const half = (kernel - 1) / 2;
  return Array.from({ length: kernel }, (_, tap) => (tap === half ? middle : pick(padded, tap - half)));
}

/** The mean of every block of `step` voxels, in the codes that it had. */
export function averagePool(graph: GraphBuilder, input: Bytes, step: Zyx): Bytes {
  const { value, shape, channels } = input;
  const one = graph.float(1);
  const zero = graph.byte(input.codes.zeroPoint);
  const pooled = graph.node(
    "QLinearAveragePool",
    [graph.reshape(value, 1, ...shape, channels), one, zero, one, zero],
    { kernel_shape: step, strides: step, channels_last: 1 },
    { domain: contributed },
  );
  const to: Zyx = [Math.floor(shape[0] / step[0]), Math.floor(shape[1] / step[1]), Math.floor(shape[2] / step[2])];
  return { ...input, value: graph.reshape(pooled, ...to, channels), shape: to };
}

/**
 * A transposed convolution with kernel = step: a 1 x 1 convolution to all positions' channels, which are then moved to their places. Codes with
 * offsets bring their markers: channels without weights, whose bias is the highest code.
 */
export function upsample(graph: GraphBuilder, input: Bytes, layer: UpLayer, weights: Weights, out: ChannelCodes): Bytes {
  const [depth, height, width] = input.shape;
  const [sz, sy, sx] = layer.stride;
  const { channelsIn, channelsOut } = layer;
  const positions = sz * sy * sx;
  const markers = out.offsets ? markersPerTensor : 0;
  const all = channelsOut + markers;
  const stored = weights.get(`${layer.name}.weight`)!.data; // [in][out][z][y][x]
  const filter = new Float32Array(channelsIn * all * positions); // [z][y][x][out][in]
  for (let i = 0; i < channelsIn; i++)
    for (let o = 0; o < channelsOut; o++)
      for (let p = 0; p < positions; p++)
        filter[(p * all + o) * channelsIn + i] = stored[(i * channelsOut + o) * positions + p]! * input.codes.scales[i]!;
  const { values, scales } = quantiseWeights(filter, positions * all); // scale 1 where there is no weight
  const bias = weights.get(`${layer.name}.bias`)!.data;
  const biasOf = (o: number): number => (o < channelsOut ? bias[o]! - (out.offsets?.[o] ?? 0) : 255 - out.zeroPoint);
  const blocks = qLinearConv(graph, input.value, input.codes.zeroPoint, {
    filter: { dims: [positions * all, channelsIn, 1, 1], values },
    scales: scales.map((scale, at) => scale / (out.scales[at % all] ?? 1)),
    zeroPoint: out.zeroPoint,
    bias: quantiseBias(
      Float32Array.from(scales, (_, at) => biasOf(at % all)),
      scales,
    ),
    attributes: { kernel_shape: [1, 1] },
  });
  const apart = graph.reshape(blocks, depth, height, width, sz, sy, sx, all);
  const shape: Zyx = [depth * sz, height * sy, width * sx];
  const value = graph.reshape(graph.transpose(apart, 0, 3, 1, 4, 2, 5, 6), ...shape, all);
  return { value, shape, channels: channelsOut, codes: out, markers };
}

type Filter = { readonly dims: readonly number[]; readonly values: Int8Array };

/** onnxruntime's quantised convolution with channels last: scales[channel] * (the sum of products + bias) + zero point, saturated. */
function qLinearConv(
  graph: GraphBuilder,
  input: string,
  inputZeroPoint: number,
  parts: {
    readonly filter: Filter;
    readonly scales: Float32Array;
    readonly zeroPoint: number;
    readonly bias: Int32Array;
    readonly attributes: Readonly<Record<string, number[]>>;
  },
): string {
  const { filter, scales, zeroPoint, bias, attributes } = parts;
  return graph.node(
    "QLinearConv",
    [
      input,
      graph.float(1),
      graph.byte(inputZeroPoint),
      graph.constant("int8", filter.dims, filter.values, "weight"),
      graph.floats(scales),
      graph.constant("int8", [scales.length], new Int8Array(scales.length)),
      graph.float(1),
      graph.byte(zeroPoint),
      graph.constant("int32", [bias.length], bias),
    ],
    { ...attributes, channels_last: 1 },
    { domain: contributed },
  );
}
