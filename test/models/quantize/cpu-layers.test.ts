import assert from "node:assert/strict";
import { test } from "node:test";
import { openGraph } from "../../../appliance/inference/graph-runner.ts";
import type { Zyx } from "../../../appliance/nnunet/plans.ts";
import type { Weights } from "../../../models/network/u-net.ts";
import { encodeOnnx } from "../../../models/onnx/write.ts";
import { quantiseWeights } from "../../../models/quantize/affine.ts";
import { averagePool, type Bytes, convolve, upsample } from "../../../models/quantize/cpu-layers.ts";
import { asGiven, leakySum, normalised } from "../../../models/quantize/cpu-normalise.ts";
import { GraphBuilder } from "../../../models/quantize/graph-builder.ts";
import { type ConvLayer, stridedShape } from "../../../models/quantize/layers.ts";

const randomOf = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const weight = (dims: readonly number[], next: () => number) => ({
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => next() - 0.5),
});

/** Runs a graph whose float input holds codes, [voxel][channel] after the reshape that `build` gets. */
async function run(codes: Float32Array, build: (graph: GraphBuilder, bytes: string) => string): Promise<Uint8Array> {
  const graph = new GraphBuilder();
  const bytes = graph.node("QuantizeLinear", ["input", graph.float(1), graph.byte(0)]);
  graph.output(build(graph, bytes), "found");
  const model = graph.model(
    "layers",
    [{ name: "input", type: "float32", dims: [codes.length] }],
    [{ name: "found", type: "uint8", dims: Array.from({ length: 4 }, (_, n) => `n${n}`) }],
  );
  const runner = await openGraph(Buffer.concat([...encodeOnnx(model)]), { threads: 2 });
  const { data } = (await runner.run(codes, [codes.length])).get("found")!;
  await runner.close();
  return data as Uint8Array;
}

const cases: { what: string; shape: Zyx; inputs: readonly number[]; out: number; kernel: Zyx; stride: Zyx }[] = [
  { what: "3 x 3 x 3", shape: [5, 6, 7], inputs: [16], out: 32, kernel: [3, 3, 3], stride: [1, 1, 1] },
  { what: "two inputs side by side", shape: [4, 5, 6], inputs: [16, 16], out: 16, kernel: [3, 3, 3], stride: [1, 1, 1] },
  { what: "a step of 2 over an odd depth", shape: [7, 6, 8], inputs: [20], out: 24, kernel: [3, 3, 3], stride: [2, 2, 2] },
  { what: "a step in rows and columns only", shape: [3, 6, 6], inputs: [16], out: 16, kernel: [1, 3, 3], stride: [1, 2, 2] },
  { what: "sides of 5", shape: [6, 7, 8], inputs: [16], out: 16, kernel: [5, 5, 5], stride: [2, 1, 2] },
  {
    what: "few channels, where another kernel of onnxruntime works",
    shape: [4, 4, 4],
    inputs: [3],
    out: 5,
    kernel: [3, 3, 3],
    stride: [2, 1, 1],
  },
];

for (const { what, shape, inputs, out, kernel, stride } of cases)
  test(`depth as batch equals onnxruntime's 3-D convolution bit for bit: ${what}`, async () => {
    const next = randomOf(11);
    const channels = inputs.reduce((a, b) => a + b, 0);
    const zeroPoint = 8;
    const layer: ConvLayer = { name: "layer", channelsIn: channels, channelsOut: out, kernel, stride };
    const filter = weight([out, channels, ...kernel], next);
    const weights: Weights = new Map([["layer.conv.weight", filter]]);
    const scalesOf = inputs.map((count) => Float32Array.from({ length: count }, () => 0.01 + next() / 50));
    const spread = Math.sqrt(channels * kernel[0] * kernel[1] * kernel[2]);
    const spans = {
      lows: Float32Array.from({ length: out }, () => -spread * (1 + next())),
      scales: Float32Array.from({ length: out }, () => spread * (0.01 + next() / 100)),
    };
    const voxels = shape[0] * shape[1] * shape[2];
    const codes = Float32Array.from({ length: voxels * channels }, () => Math.floor(next() * 256));

    const found = await run(codes, (graph, bytes) => {
      const all = graph.reshape(bytes, ...shape, channels);
      let from = 0;
      const parts = inputs.map((count, n): Bytes => {
        const value = graph.node("Slice", [all, graph.ints(from), graph.ints(from + count), graph.ints(3)]);
        from += count;
        return { value, shape, channels: count, codes: { scales: scalesOf[n]!, zeroPoint }, markers: 0 };
      });
      return convolve(graph, parts, layer, weights, spans).value;
    });

    const scalesIn = scalesOf.flatMap((each) => [...each]);
    const perChannel = kernel[0] * kernel[1] * kernel[2];
    const scaled = filter.data.map((value, at) => value * scalesIn[Math.floor(at / perChannel) % channels]!);
    const { values, scales } = quantiseWeights(scaled, out);
    const half = kernel.map((side) => (side - 1) / 2);
    const shapeOut = stridedShape(shape, stride);
    const expected = await run(codes, (graph, bytes) => {
      const first = graph.transpose(graph.reshape(bytes, 1, ...shape, channels), 0, 4, 1, 2, 3);
      const bias = Int32Array.from(spans.lows, (low, c) => Math.round(-low / scales[c]!));
      const convolved = graph.node(
        "QLinearConv",
        [
          first,
          graph.float(1),
          graph.byte(zeroPoint),
          graph.constant("int8", [out, channels, ...kernel], values),
          graph.floats(scales.map((scale, c) => scale / spans.scales[c]!)),
          graph.constant("int8", [out], new Int8Array(out)),
          graph.float(1),
          graph.byte(0),
          graph.constant("int32", [out], bias),
        ],
        { kernel_shape: kernel, strides: stride, pads: [...half, ...half] },
      );
      return graph.reshape(graph.transpose(convolved, 0, 2, 3, 4, 1), ...shapeOut, out);
    });
    assert.ok(new Set(expected).size > 50, "a test that shows nothing but one value would prove nothing");
    assert.deepEqual(found, expected);
  });

test("normalisation and leaky ReLU come out within a code of what they are in floats", async () => {
  const next = randomOf(3);
  const [shape, channels]: [Zyx, number] = [[6, 8, 10], 16];
  const voxels = shape[0] * shape[1] * shape[2];
  // Channels differ in mean, spread and skew; one is constant.
  const codes = Float32Array.from({ length: voxels * channels }, (_, at) => {
    const c = at % channels;
    return c === 15 ? 77 : Math.floor(20 + 10 * c + (next() ** (1 + (c % 3)) - 0.5) * (6 + 4 * c));
  }).map((code) => Math.max(0, Math.min(255, code)));
  const spans = {
    lows: Float32Array.from({ length: channels }, () => next() * 4 - 2),
    scales: Float32Array.from({ length: channels }, () => 0.002 + next() / 40),
  };
  const gamma = Float32Array.from({ length: channels }, (_, c) => (c === 14 ? 0 : 0.3 + next()));
  const beta = Float32Array.from({ length: channels }, () => next() - 0.5);
  const weights: Weights = new Map([
    ["layer.norm.weight", { dims: [channels], data: gamma }],
    ["layer.norm.bias", { dims: [channels], data: beta }],
  ]);
  const layer: ConvLayer = { name: "layer", channelsIn: 1, channelsOut: channels, kernel: [1, 1, 1], stride: [1, 1, 1] };
  const out = { zeroPoint: 8, scales: Float32Array.from({ length: channels }, () => 0.01 + next() / 100) };
  const [normEps, leakySlope] = [1e-5, 0.01];
  const found = await run(codes, (graph, bytes) => {
    const value = graph.reshape(bytes, ...shape, channels);
    const summand = normalised(graph, { value, shape, channels, spans }, layer, normEps, weights);
    return leakySum(graph, [summand], { shape, channels }, leakySlope, out).value;
  });
  for (let c = 0; c < channels; c++) {
    const values = Array.from({ length: voxels }, (_, v) => spans.lows[c]! + codes[v * channels + c]! * spans.scales[c]!);
    const mean = values.reduce((sum, value) => sum + value, 0) / voxels;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / voxels;
    for (const [v, value] of values.entries()) {
      const affine = ((value - mean) / Math.sqrt(variance + normEps)) * gamma[c]! + beta[c]!;
      const given = affine < 0 ? leakySlope * affine : affine;
      const code = Math.max(0, Math.min(255, given / out.scales[c]! + out.zeroPoint));
      // Half a code of rounding, and a little for 32-bit floats.
      assert.ok(Math.abs(found[v * channels + c]! - code) <= 0.55, `channel ${c}: ${found[v * channels + c]}, expected ${code}`);
    }
  }
});

test("a skip is added before the leaky ReLU within a code of the float sum, however far the two are apart in size", async () => {
  const next = randomOf(13);
  const [shape, channels]: [Zyx, number] = [[4, 6, 5], 16];
  const voxels = shape[0] * shape[1] * shape[2];
  // Channel by channel the skip is from 1/16 to 8 times as large as what it is added to.
  const skipScales = Float32Array.from({ length: channels }, (_, c) => 0.005 * 2 ** ((c % 8) - 4) * (1 + next()));
  const codes = Float32Array.from({ length: 2 * voxels * channels }, () => Math.floor(next() * 256));
  const gamma = Float32Array.from({ length: channels }, (_, c) => (c === 9 ? 0 : 0.2 + next()));
  const beta = Float32Array.from({ length: channels }, () => next() - 0.5);
  const weights: Weights = new Map([
    ["layer.norm.weight", { dims: [channels], data: gamma }],
    ["layer.norm.bias", { dims: [channels], data: beta }],
  ]);
  const layer: ConvLayer = { name: "layer", channelsIn: 1, channelsOut: channels, kernel: [1, 1, 1], stride: [1, 1, 1] };
  const spans = { lows: new Float32Array(channels), scales: new Float32Array(channels).fill(0.02) };
  const offsets = Float32Array.from({ length: channels }, () => next() - 0.5);
  const out = { zeroPoint: 8, scales: skipScales.map((scale) => 0.01 + scale) };
  const found = await run(codes, (graph, bytes) => {
    const all = graph.reshape(bytes, 2 * shape[0], shape[1], shape[2], channels);
    const [value, skip] = [0, shape[0]].map((from) =>
      graph.node("Slice", [all, graph.ints(from), graph.ints(from + shape[0]), graph.ints(0)]),
    ) as [string, string];
    const summand = normalised(graph, { value, shape, channels, spans }, layer, 1e-5, weights);
    const codesOf = { scales: skipScales, zeroPoint: 8, offsets };
    const given = asGiven(graph, { value: skip, shape, channels, codes: codesOf, markers: 0 });
    return leakySum(graph, [summand, given], { shape, channels }, 0.01, out).value;
  });
  for (let c = 0; c < channels; c++) {
    const values = Array.from({ length: voxels }, (_, v) => codes[v * channels + c]! * 0.02);
    const mean = values.reduce((sum, value) => sum + value, 0) / voxels;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / voxels + 1e-5);
    for (const [v, value] of values.entries()) {
      const skip = offsets[c]! + (codes[(voxels + v) * channels + c]! - 8) * skipScales[c]!;
      const sum = ((value - mean) / deviation) * gamma[c]! + beta[c]! + skip;
      const code = Math.max(0, Math.min(255, (sum < 0 ? 0.01 * sum : sum) / out.scales[c]! + out.zeroPoint));
      // Half a code of rounding, and half a code more where the smaller weight was rounded.
      assert.ok(Math.abs(found[v * channels + c]! - code) <= 1, `channel ${c}: ${found[v * channels + c]}, expected ${code}`);
    }
  }
});

test("an average pool gives the mean of every block, rounded, in the codes it had", async () => {
  const next = randomOf(17);
  const [shape, channels, step]: [Zyx, number, Zyx] = [[4, 3, 6], 16, [2, 1, 3]];
  const codes = Float32Array.from({ length: 4 * 3 * 6 * channels }, () => Math.floor(next() * 256));
  const found = await run(codes, (graph, bytes) => {
    const value = graph.reshape(bytes, ...shape, channels);
    const codesOf = { scales: new Float32Array(channels).fill(1), zeroPoint: 8 };
    const pooled = averagePool(graph, { value, shape, channels, codes: codesOf, markers: 0 }, step);
    assert.deepEqual(pooled.shape, [2, 3, 2]);
    return pooled.value;
  });
  for (let z = 0, at = 0; z < 2; z++)
    for (let y = 0; y < 3; y++)
      for (let x = 0; x < 2; x++)
        for (let c = 0; c < channels; c++, at++) {
          let sum = 0;
          for (let n = 0; n < 6; n++) sum += codes[(((2 * z + (n % 2)) * 3 + y) * 6 + 3 * x + Math.floor(n / 2)) * channels + c]!;
          assert.ok(Math.abs(found[at]! - sum / 6) <= 0.5 + 1e-4, `${found[at]}, expected ${sum / 6}`);
        }
});

test("a transposed convolution puts every position where the float one does", async () => {
  const next = randomOf(5);
  const [shape, stride, channelsIn, channelsOut]: [Zyx, Zyx, number, number] = [[2, 3, 4], [2, 1, 2], 16, 8];
  const filter = weight([channelsIn, channelsOut, ...stride], next);
  const bias = weight([channelsOut], next);
  const weights: Weights = new Map([
    ["up.weight", filter],
    ["up.bias", bias],
  ]);
  const scalesIn = Float32Array.from({ length: channelsIn }, () => 0.005 + next() / 200);
  const offsets = Float32Array.from({ length: channelsOut }, () => -2 - next());
  const out = { zeroPoint: 8, offsets, scales: Float32Array.from({ length: channelsOut }, () => 0.02 + next() / 50) };
  const voxels = shape[0] * shape[1] * shape[2];
  const codes = Float32Array.from({ length: voxels * channelsIn }, () => Math.floor(next() * 256));
  const found = await run(codes, (graph, bytes) => {
    const value = graph.reshape(bytes, ...shape, channelsIn);
    const input = { value, shape, channels: channelsIn, codes: { scales: scalesIn, zeroPoint: 8 }, markers: 0 };
    return upsample(graph, input, { name: "up", channelsIn, channelsOut, stride }, weights, out).value;
  });
  const [depth, height, width] = [shape[0] * 2, shape[1], shape[2] * 2];
  const all = channelsOut + 4;
  assert.equal(found.length, depth * height * width * all);
  for (let z = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let o = 0; o < channelsOut; o++) {
          const from = ((z >> 1) * shape[1] + y) * shape[2] + (x >> 1);
          const position = (z % 2) * 2 + (x % 2);
          let sum = bias.data[o]!;
          for (let i = 0; i < channelsIn; i++)
            sum += (codes[from * channelsIn + i]! - 8) * scalesIn[i]! * filter.data[(i * channelsOut + o) * 4 + position]!;
          const code = Math.max(0, Math.min(255, (sum - offsets[o]!) / out.scales[o]! + out.zeroPoint));
          const at = ((z * height + y) * width + x) * all;
          assert.ok(Math.abs(found[at + o]! - code) <= 1.5, `${found[at + o]}, expected ${code}`); // weights are rounded too
          assert.deepEqual([...found.subarray(at + channelsOut, at + all)], [255, 255, 255, 255]);
        }
});

test("padding is exactly 0 for channels with offsets too, by the markers", async () => {
  const next = randomOf(9);
  const [shape, channels, out]: [Zyx, number, number] = [[3, 4, 5], 16, 16];
  const layer: ConvLayer = { name: "layer", channelsIn: channels, channelsOut: out, kernel: [3, 3, 3], stride: [1, 1, 1] };
  const filter = weight([out, channels, 3, 3, 3], next);
  const codesOf = {
    zeroPoint: 8,
    scales: Float32Array.from({ length: channels }, () => 0.01 + next() / 100),
    offsets: Float32Array.from({ length: channels }, () => -1 - next()),
  };
  const voxels = shape[0] * shape[1] * shape[2];
  const all = channels + 4;
  const codes = Float32Array.from({ length: voxels * all }, (_, at) => (at % all < channels ? 8 + Math.floor(next() * 248) : 255));
  const spans = { lows: new Float32Array(out).fill(-25), scales: new Float32Array(out).fill(50 / 255) };
  const found = await run(codes, (graph, bytes) => {
    const input = { value: graph.reshape(bytes, ...shape, all), shape, channels, codes: codesOf, markers: 4 };
    return convolve(graph, [input], layer, new Map([["layer.conv.weight", filter]]), spans).value;
  });
  const [depth, height, width] = shape;
  for (let z = 0, voxel = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, voxel++)
        for (let o = 0; o < out; o++) {
          let sum = 0;
          for (let tap = 0; tap < 27; tap++) {
            const [tz, ty, tx] = [z + Math.floor(tap / 9) - 1, y + (Math.floor(tap / 3) % 3) - 1, x + (tap % 3) - 1];
            if (tz < 0 || ty < 0 || tx < 0 || tz >= depth || ty >= height || tx >= width) continue;
            for (let c = 0; c < channels; c++) {
              const code = codes[((tz * height + ty) * width + tx) * all + c]!;
              sum += (codesOf.offsets[c]! + (code - 8) * codesOf.scales[c]!) * filter.data[(o * channels + c) * 27 + tap]!;
            }
          }
          const code = Math.max(0, Math.min(255, (sum + 25) / (50 / 255)));
          // Half a code, and the rounding of 432 weights. Without the markers the border would be 20 and more away.
          assert.ok(Math.abs(found[voxel * out + o]! - code) <= 2.5, `${found[voxel * out + o]}, expected ${code}`);
        }
});
