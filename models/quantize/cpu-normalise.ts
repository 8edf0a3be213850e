import type { Weights } from "../network/u-net.ts";
import type { ChannelCodes } from "./affine.ts";
import type { Bytes, Convolved } from "./cpu-layers.ts";
import { contributed, type GraphBuilder } from "./graph-builder.ts";
import type { ConvLayer } from "./layers.ts";

/** What is added up before a leaky ReLU: uint8 codes [d][h][w][c], (code - mean) * gain + shift; each of the three float32 [c]. */
export type Summand = { readonly value: string; readonly gain: string; readonly mean: string; readonly shift: Float32Array };

/** ONNX's codes of types. */
const [float32, uint8, int32] = [1, 2, 6];
/** Pixels of one batch of the statistics: 255 squared times this stays within the int32 that onnxruntime sums in. */
const largestBatch = 32768;
/** Tensors with more voxels have their variance estimated. */
const mostVoxelsSquared = 2 ** 17;
/** The affine step multiplies by this, so that its int32 offset can say 255ths of an input step. */
const fineness = 255;
/** Offsets stay clear of the int32 border, whatever a channel without variance makes of them. */
const largestOffset = 2 ** 30;
const middleCode = 128;

/**
 * Instance normalisation without a float copy of the tensor: sums and sums of squares by integer products, from which the affine step of each
 * channel is computed.
 */
export function normalised(graph: GraphBuilder, input: Convolved, layer: ConvLayer, normEps: number, weights: Weights): Summand {
  const { mean, variance } = statistics(graph, input);
  const gamma = weights.get(`${layer.name}.norm.weight`)!.data;
  // In steps of the input: a step's size cancels out of the standard deviation but for the floor.
  const floors = input.spans.scales.map((scale) => normEps / scale ** 2);
  const deviation = graph.node("Sqrt", [graph.node("Add", [variance, graph.floats(floors)])]);
  // A channel whose gamma is 0 is its beta everywhere; a gain far below a step says the same and can be divided by.
  const gain = graph.node("Div", [graph.floats(gamma.map((value) => Math.max(value, 1e-6))), deviation]);
  return { value: input.value, gain, mean, shift: weights.get(`${layer.name}.norm.bias`)!.data };
}

/** What a layer gave, to be added as it is. */
export function asGiven(graph: GraphBuilder, { value, channels, codes: { scales, zeroPoint, offsets } }: Bytes): Summand {
  const mean = graph.floats(new Float32Array(channels).fill(zeroPoint));
  return { value, gain: graph.floats(scales), mean, shift: offsets ?? new Float32Array(channels) };
}

/**
 * The leaky ReLU of a sum, from uint8 to uint8: both summands lie as two rows of one image, over which a kernel of two weights per channel adds
 * them in one integer step, rounded once.
 *
 * What is above 0 saturates below code 0, what is below 0 above code 255: the sum of two such steps is the leaky ReLU, each half rounded by itself.
 */
export function leakySum(
  graph: GraphBuilder,
  summands: readonly [Summand] | readonly [Summand, Summand],
  { shape, channels }: Pick<Bytes, "shape" | "channels">,
  slope: number,
  out: ChannelCodes,
): Bytes {
  const [first, second] = summands;
  const summed = second ? sumOf(graph, first, second, { shape, channels }) : alone(graph, first, channels);
  const bounded = graph.node("Clip", [summed.offset, graph.float(-largestOffset), graph.float(largestOffset)]);
  const bias = graph.node("Cast", [graph.node("Round", [bounded])], { to: int32 });
  const noZeroPoints = graph.constant("uint8", [channels], new Uint8Array(channels));
  const one = graph.float(1);
  // uint8 weights: onnxruntime's kernel for int8 ones takes the bias when the graph is loaded, and this one is computed.
  const affine = (factor: number, zeroPoint: number): string => {
    const scales = graph.node("Div", [summed.gain, graph.floats(out.scales.map((scale) => (scale * fineness) / factor))]);
    return graph.node(
      "QLinearConv",
      [summed.image, one, graph.byte(0), summed.filter, scales, noZeroPoints, one, graph.byte(zeroPoint), bias],
      { kernel_shape: [summands.length, 1], channels_last: 1, group: channels },
      { domain: contributed },
    );
  };
  const halves = [affine(1, 0), one, graph.byte(0), affine(slope, 255), one, graph.byte(255), one, graph.byte(out.zeroPoint)];
  const sum = graph.node("QLinearAdd", halves, {}, { domain: contributed });
  return { value: second ? graph.reshape(sum, ...shape, channels) : sum, shape, channels, codes: out, markers: 0 };
}

/** gain / fineness * (the products with the filter + offset) is the sum. */
type Summed = { readonly image: string; readonly filter: string; readonly gain: string; readonly offset: string };

function alone(graph: GraphBuilder, { value, gain, mean, shift }: Summand, channels: number): Summed {
  const offset = graph.node("Sub", [graph.node("Div", [graph.floats(shift), gain]), mean]);
  return {
    image: value,
    filter: graph.constant("uint8", [channels, 1, 1, 1], new Uint8Array(channels).fill(fineness)),
    gain,
    offset: graph.node("Mul", [offset, graph.float(fineness)]),
  };
}

/** The summand with the larger gain has the largest weight there is; the other one's is rounded, and its mean goes with the rounded one. */
function sumOf(
  graph: GraphBuilder,
  first: Summand,
  second: Summand,
  { shape: [depth, height, width], channels }: Pick<Bytes, "shape" | "channels">,
): Summed {
  const gain = graph.node("Max", [first.gain, second.gain]);
  const weightOf = (summand: Summand): string =>
    graph.node("Round", [graph.node("Mul", [graph.node("Div", [summand.gain, gain]), graph.float(fineness)])]);
  const weights = [weightOf(first), weightOf(second)] as const;
  const means = [first, second].map(({ mean }, n) => graph.node("Mul", [mean, weights[n]!]));
  const shift = graph.floats(first.shift.map((value, c) => (value + second.shift[c]!) * fineness));
  const together = graph.node(
    "Concat",
    weights.map((each) => graph.reshape(each, channels, 1, 1, 1)),
    { axis: 2 },
  );
  const rows = [first, second].map(({ value }) => graph.reshape(value, 1, 1, depth * height * width, channels));
  return {
    image: graph.node("Concat", rows, { axis: 1 }),
    filter: graph.node("Cast", [together], { to: uint8 }),
    gain,
    offset: graph.node("Sub", [graph.node("Div", [shift, gain]), graph.node("Add", means)]),
  };
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
    const ones = graph.filled([1, pixels], 1);
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
  const mean = graph.node("ReduceMean", [graph.node("Cast", [sums], { to: float32 })], { axes: [0], keepdims: 0 });
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
