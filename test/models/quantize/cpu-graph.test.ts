import assert from "node:assert/strict";
import { test } from "node:test";
import { type GraphRunner, openGraph } from "../../../appliance/inference/graph-runner.ts";
import { headMatrix } from "../../../appliance/nnunet/head.ts";
import type { Zyx } from "../../../appliance/nnunet/plans.ts";
import { fp32Graph } from "../../../models/network/u-net.ts";
import type { OnnxModel } from "../../../models/onnx/graph.ts";
import { encodeOnnx } from "../../../models/onnx/write.ts";
import { countTensors } from "../../../models/quantize/calibrate.ts";
import { type CpuGraphOptions, cpuGraph } from "../../../models/quantize/cpu-graph.ts";
import { floatGraph } from "../../../models/quantize/float-graph.ts";
import { layerNoise } from "../../../models/quantize/layer-noise.ts";
import { convsOf, layersOf } from "../../../models/quantize/layers.ts";
import { Sqnr } from "../../../models/quantize/sqnr.ts";
import { chooseRanges } from "../../../models/quantize/tensor-ranges.ts";
import { headBytes, weightsOf } from "../../../models/quantize/weights.ts";
import { randomWeights, shapesPatch, smallPlan } from "../../make/random-u-net.ts";

const shape: Zyx = [16, 24, 20];
const classes = 5;
const open = (model: OnnxModel): Promise<GraphRunner> => openGraph(Buffer.concat([...encodeOnnx(model)]), { threads: 2 });

/** A small network, calibrated on six patches; to be tried on another. */
async function calibrated() {
  const plan = smallPlan();
  const stored = fp32Graph(plan, classes, randomWeights(plan, classes));
  const layers = layersOf(plan, classes);
  const weights = weightsOf(stored, layers);
  const { model, taps } = floatGraph(layers, weights, { step: 1 });
  const float = await open(model);
  const { counts } = await countTensors(
    float,
    taps,
    [11, 12, 13, 14, 15, 16].map((seed) => shapesPatch(shape, seed)),
    shape,
  );
  const ranges = chooseRanges(layers, counts);
  const quantised = (options: Partial<CpuGraphOptions> = {}) =>
    cpuGraph(layers, weights, ranges, { patch: shape, end: "logits", keepFp32: new Set(), ...options });
  return { stored, layers, weights, taps, float, ranges, quantised };
}

const patch = shapesPatch(shape, 3);
const logitsOf = async (model: OnnxModel): Promise<Float32Array> => {
  const graph = await open(model);
  const outputs = await graph.run(patch, [1, 1, ...shape]).finally(() => graph.close());
  return outputs.get("logits")!.data as Float32Array;
};
const noiseDb = (expected: Float32Array, found: Float32Array): number => {
  const sqnr = new Sqnr();
  for (let at = 0; at < expected.length; at++) sqnr.add(expected[at]!, found[at]!);
  return sqnr.db;
};

test("the graph for calibration computes what the stored network does, with negative gammas turned round", async () => {
  const { stored, float, weights } = await calibrated();
  assert.ok(stored.graph.initializers.some(({ name, data }) => name.endsWith("norm.weight") && data.some((value) => Number(value) < 0)));
  assert.ok([...weights].every(([name, { data }]) => !name.endsWith("norm.weight") || data.every((value) => value >= 0)));
  const expected = await logitsOf(stored);
  const found = (await float.run(patch, [1, 1, ...shape])).get("logits")!.data as Float32Array;
  assert.ok(noiseDb(expected, found) > 90);
});

test("the INT8 network gives the float network's logits but for the noise of eight bits, on a patch it was not made with", async () => {
  const { stored, float, quantised, taps, ranges, layers } = await calibrated();
  const expected = await logitsOf(stored);
  const db = noiseDb(expected, await logitsOf(quantised().model));
  assert.ok(db > 18, `${db} dB`); // random weights hand noise on; trained ones lose much of it
  const exposed = await open(quantised({ exposeLayers: true }).model);
  const noise = await layerNoise(float, exposed, taps, ranges, [patch], shape);
  assert.deepEqual(
    noise.map(({ layer }) => layer).sort(),
    [...convsOf(layers).map(({ name }) => name), "decoder.transpconvs.0", "decoder.transpconvs.1"].sort(),
  );
  // Noise adds up from the first layer to the last, and is nowhere as large as a layer that is wrong would make it.
  assert.ok(noise.find(({ layer }) => layer === "encoder.stages.0.0.convs.0")!.sqnrDb > 35);
  assert.ok(
    noise.every(({ sqnrDb }) => sqnrDb > 18),
    JSON.stringify(noise),
  );
});

test("layers that stay fp32 take noise away; with all of them the network is the float one", async () => {
  const { stored, quantised, layers } = await calibrated();
  const expected = await logitsOf(stored);
  const all = convsOf(layers).map(({ name }) => name);
  const db = async (...kept: string[]) => noiseDb(expected, await logitsOf(quantised({ keepFp32: new Set(kept) }).model));
  const [none, decoder, every] = [await db(), await db(...all.filter((name) => name.startsWith("decoder"))), await db(...all)];
  assert.ok(decoder > none + 0.5 && every > 90, `${none}, ${decoder}, ${every} dB`);
});

test("features and the head beside them are the logits", async () => {
  const { quantised, layers, weights } = await calibrated();
  const { model, features } = quantised({ end: "features" });
  const graph = await open(model);
  const outputs = await graph.run(patch, [1, 1, ...shape]).finally(() => graph.close());
  const { dims, data } = outputs.get("features")!;
  assert.deepEqual(dims, [1, ...shape, 16]);
  const bytes = headBytes(weights, layers, features.scales);
  const head = new Float32Array(bytes.buffer);
  const expected = await logitsOf(quantised().model);
  const voxels = data.length / 16;
  for (let voxel = 0; voxel < voxels; voxel += 7)
    for (let c = 0; c < classes; c++) {
      let sum = head[classes * 16 + c]!;
      for (let f = 0; f < 16; f++) sum += head[c * 16 + f]! * (data[voxel * 16 + f]! - features.zeroPoint);
      assert.ok(Math.abs(sum - expected[c * voxels + voxel]!) < 1e-3);
    }
  assert.equal(headMatrix(head, classes, 16, 1, features.zeroPoint).length > 0, true); // what the service reads it with takes it
});

test("what the graphs can't express is refused by name", () => {
  const refused = (change: object, message: RegExp) =>
    assert.throws(() => layersOf({ ...smallPlan(), ...change }, classes), { code: "quantise-unsupported", message });
  refused({ architecture: "ResidualEncoderUNet" }, /a ResidualEncoderUNet can't be quantised yet.*run in fp32/);
  refused({ leakySlope: 0.2 }, /slope 0\.2/);
  refused(
    {
      kernelSizes: [
        [5, 5, 5],
        [3, 3, 3],
        [3, 3, 3],
      ],
    },
    /kernel or step of 5/,
  );
});

test("weights that are missing or of another shape are refused by name", () => {
  const plan = smallPlan();
  const layers = layersOf(plan, classes);
  const stored = fp32Graph(plan, classes, randomWeights(plan, classes));
  const without = { ...stored, graph: { ...stored.graph, initializers: stored.graph.initializers.slice(1) } };
  assert.throws(() => weightsOf(without, layers), { code: "quantise-weights", message: /encoder\.stages\.0\.0\.convs\.0\.conv\.weight/ });
  assert.throws(() => weightsOf(stored, layersOf(smallPlan([16, 24, 40]), classes)), {
    code: "quantise-weights",
    message: /expected \[40,24/,
  });
});
