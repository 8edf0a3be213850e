import type { Zyx } from "../../appliance/nnunet/plans.ts";
import type { Weights } from "../network/u-net.ts";
import { type ChannelCodes, quantiseBias, quantiseWeights } from "./affine.ts";
import { contributed, type GraphBuilder } from "./graph-builder.ts";
import { type ConvLayer, stridedShape, type UNetLayers, type UpLayer } from "./layers.ts";

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

/** The kernels take channels by fours; four also keep the weights of the markers as small as the others. */
const markersPerTensor = 4;
/** ONNX's code of the type. */
const int32 = 6;
/** Pixels of one batch of the statistics: 255 squared times this stays within the int32 that onnxruntime sums in. */
const largestBatch = 32768;
/** Tensors with more voxels have their variance estimated. */
const mostVoxelsSquared = 2 ** 17;
/** The affine step multiplies by this, so that its int32 offset can say 255ths of an input step. */
const fineness = 255;
/** Offsets stay clear of the int32 border, whatever a channel without variance makes of them. */
const middleCode = 128;
const largestOffset = 2 ** 30;

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
  const image = parts.length > 1 ? graph.node("Concat", parts, { axis: 3 }) : parts[0]!;
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
  const padded = graph.node("Concat", [value, filledBytes(graph, [1, height, width, channels + markers], codes.zeroPoint)], { axis: 0 });
  return [pick(padded, -1), middle, pick(padded, 1)];
}

function filledBytes(graph: GraphBuilder, dims: readonly number[], byte: number): string {
  const value = { name: "", type: "uint8", dims: [1], data: Uint8Array.of(byte) } as const;
  return graph.node("ConstantOfShape", [graph.ints(...dims)], { value });
}

/**
 * Instance normalisation and ReLU from uint8 to uint8, without a float copy of the tensor: sums and sums of squares by integer products,
 * exact; then one affine step per channel, whose scales and offsets are computed from them.
 *
 * The leaky ReLU's slope is below a code for almost all values, so what is below 0 becomes 0: by saturation where 0 is the lowest code, by
 * Clip where it is not.
 */
export function normalise(
  graph: GraphBuilder,
  input: Convolved,
  layer: ConvLayer,
  { normEps, leakySlope: slope }: Pick<UNetLayers, "normEps" | "leakySlope">,
  weights: Weights,
  out: ChannelCodes,
): Bytes {
  const { shape, channels } = input;
  const { mean, variance } = statistics(graph, input);
  const gamma = weights.get(`${layer.name}.norm.weight`)!.data;
  const beta = weights.get(`${layer.name}.norm.bias`)!.data;
  // In steps of the input: a step's size cancels out of the standard deviation but for the floor.
  const floors = input.spans.scales.map((scale) => normEps / scale ** 2);
  const deviation = graph.node("Sqrt", [graph.node("Add", [variance, graph.floats(floors)])]);
  // A channel whose gamma is 0 is its beta everywhere; a gain far below a step says the same and can be divided by.
  const gain = graph.node("Div", [graph.floats(gamma.map((value) => Math.max(value, 1e-6))), deviation]);
  const offset = graph.node("Sub", [graph.node("Div", [graph.floats(beta), gain]), mean]);
  const steps = graph.node("Mul", [offset, graph.float(fineness)]);
  const bounded = graph.node("Clip", [steps, graph.float(-largestOffset), graph.float(largestOffset)]);
  const bias = graph.node("Cast", [graph.node("Round", [bounded])], { to: int32 });
  const filter = graph.constant("uint8", [channels, 1, 1, 1], new Uint8Array(channels).fill(fineness));
  const noZeroPoints = graph.constant("uint8", [channels], new Uint8Array(channels));
  // uint8 weights: onnxruntime's kernel for int8 ones takes the bias when the graph is loaded, and this one is computed.
  const affine = (factor: number, zeroPoint: number): string => {
    const scales = graph.node("Div", [gain, graph.floats(out.scales.map((scale) => (scale * fineness) / factor))]);
    const one = graph.float(1);
    return graph.node(
      "QLinearConv",
      [input.value, one, graph.byte(0), filter, scales, noZeroPoints, one, graph.byte(zeroPoint), bias],
      { kernel_shape: [1, 1], channels_last: 1, group: channels },
      { domain: contributed },
    );
  };
  // What is above 0 saturates below code 0, what is below 0 above code 255: their sum is the leaky ReLU, each half rounded by itself.
  const one = graph.float(1);
  const sum = [affine(1, 0), one, graph.byte(0), affine(slope, 255), one, graph.byte(255), one, graph.byte(out.zeroPoint)];
  const value = graph.node("QLinearAdd", sum, {}, { domain: contributed });
  return { value, shape, channels, codes: out, markers: 0 };
}

/**
 * Mean and variance of each channel's codes; float32 [channels].
 *
 * The mean is exact. The variance is too, unless there are very many voxels: then it is that of every third row, since it costs a product of
 * all pairs of channels.
 */
function statistics(graph: GraphBuilder, { value, shape, channels }: Convolved): { mean: string; variance: string } {
  const [depth, height, width] = shape;
  // Taken about the middle of the codes, so that the squares stay small; the mean is put back from 0 on.
  const zero = graph.byte(middleCode);
  const sums = (rows: string, pixels: number): string => {
    const ones = filledBytes(graph, [1, pixels], 1);
    return perPixel(graph, graph.node("MatMulInteger", [ones, rows, graph.byte(0), zero]), channels, pixels);
  };
  const fromZero = (mean: string): string => graph.node("Add", [mean, graph.float(middleCode)]);
  const split = batchesPerSlice(height, width);
  const all = graph.reshape(value, depth * split, (height / split) * width, channels);
  const mean = sums(all, (height / split) * width);
  if (depth * height * width <= mostVoxelsSquared) {
    return { mean: fromZero(mean), variance: varianceAround(graph, all, mean, { zero, channels, pixels: (height / split) * width }) };
  }
  const rows = sampledRows(depth, height);
  const thinned = graph.node("Gather", [graph.reshape(value, depth * height, width * channels), graph.ints(...rows)], { axis: 0 });
  const pixels = (rows.length / depth) * width;
  const sample = graph.reshape(thinned, depth, pixels, channels);
  return { mean: fromZero(mean), variance: varianceAround(graph, sample, sums(sample, pixels), { zero, channels, pixels }) };
}

/** The mean of squares, less the square of the mean, of uint8 [batch][pixel][channel]. */
function varianceAround(
  graph: GraphBuilder,
  rows: string,
  mean: string,
  { zero, channels, pixels }: { readonly zero: string; readonly channels: number; readonly pixels: number },
): string {
  const products = graph.node("MatMulInteger", [graph.transpose(rows, 0, 2, 1), rows, zero, zero]);
  // The squares stand on the diagonal of the channels' products.
  const diagonal = graph.constant(
    "int64",
    [channels],
    BigInt64Array.from({ length: channels }, (_, c) => BigInt(c * (channels + 1))),
  );
  const all = perPixel(graph, products, channels * channels, pixels);
  const meanOfSquares = graph.node("Gather", [all, diagonal], { axis: 0 });
  const variance = graph.node("Sub", [meanOfSquares, graph.node("Mul", [mean, mean])]);
  return graph.node("Max", [variance, graph.float(0)]);
}

/** Integer sums of each batch as a mean over all pixels, flat. */
function perPixel(graph: GraphBuilder, sums: string, length: number, pixels: number): string {
  const mean = graph.node("ReduceMean", [graph.node("Cast", [sums], { to: 1 })], { axes: [0], keepdims: 0 });
  return graph.node("Mul", [graph.reshape(mean, length), graph.float(1 / pixels)]);
}

/** Into how many equal parts a slice is cut, so that none has more pixels than may be summed. */
function batchesPerSlice(height: number, width: number): number {
  for (let split = 1; ; split++) if (height % split === 0 && (height / split) * width <= largestBatch) return split;
}

/**
 * Rows of all slices, z * height + y, as many of each: one of three, which one changes from row to row and from slice to slice; every second
 * slice is counted from its other end, so that no border and no position of an upsampled block is preferred.
 */
function sampledRows(depth: number, height: number): number[] {
  return Array.from({ length: depth }, (_, z) =>
    Array.from({ length: Math.floor(height / 3) }, (_, n) => {
      const y = 3 * n + ((n + z) % 3);
      return z * height + (z % 2 === 0 ? y : height - 1 - y);
    }),
  ).flat();
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
