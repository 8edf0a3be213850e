import assert from "node:assert/strict";
import { test } from "node:test";
import { headMatrix } from "../../../appliance/nnunet/head.ts";
import type { Zyx } from "../../../appliance/nnunet/plans.ts";
import { fp32Graph } from "../../../models/network/u-net.ts";
import { layerNoise } from "../../../models/quantize/layer-noise.ts";
import { convsOf, layersOf } from "../../../models/quantize/layers.ts";
import { headBytes, weightsOf } from "../../../models/quantize/weights.ts";
import { calibrated, logitsOf, noiseDb, open } from "../../make/calibrated-network.ts";
import { randomWeights, shapesPatch, smallPlan, smallResidualPlan } from "../../make/random-u-net.ts";

const shape: Zyx = [16, 24, 20];
const classes = 5;
const patch = shapesPatch(shape, 3);

/** Two dB and more below what was measured. A layer that is wrong costs more (tried: a skip's scale off by a tenth, a pool's rows moved). */
const networks = [
  { what: "PlainConvUNet", plan: smallPlan(), leastDb: { logits: 18, layers: 18 } },
  { what: "ResidualEncoderUNet", plan: smallResidualPlan(), leastDb: { logits: 22, layers: 18.5 } },
  {
    what: "ResidualEncoderUNet without weights of the normalisation",
    plan: { ...smallResidualPlan(), normAffine: false, convBias: false },
    leastDb: { logits: 20.5, layers: 16.5 },
  },
];

for (const { what, plan, leastDb } of networks) {
  test(`${what}: the graph for calibration computes what the stored network does, with negative gammas turned round`, async () => {
    const { stored, float, weights } = await calibrated(plan, classes, shape);
    const negative = stored.graph.initializers.some(
      ({ name, data }) => name.endsWith("norm.weight") && data.some((value) => Number(value) < 0),
    );
    assert.equal(negative, plan.normAffine);
    assert.ok([...weights].every(([name, { data }]) => !name.endsWith("norm.weight") || data.every((value) => value >= 0)));
    const expected = await logitsOf(stored, patch, shape);
    const found = (await float.run(patch, [1, 1, ...shape])).get("logits")!.data as Float32Array;
    assert.ok(noiseDb(expected, found) > 90);
  });

  test(`${what}: the INT8 network gives the float network's logits but for the noise of eight bits, on a patch it was not made with`, async () => {
    const { stored, float, quantised, taps, ranges, layers } = await calibrated(plan, classes, shape);
    const expected = await logitsOf(stored, patch, shape);
    const db = noiseDb(expected, await logitsOf(quantised().model, patch, shape));
    assert.ok(db > leastDb.logits, `${db} dB`); // random weights hand noise on; trained ones lose much of it
    const exposed = await open(quantised({ exposeLayers: true }).model);
    const noise = await layerNoise(float, exposed, taps, ranges, [patch], shape);
    assert.deepEqual(noise.map(({ layer }) => layer).sort(), [...ranges.given.keys()].sort());
    // Noise adds up from the first layer to the last, and is nowhere as large as a layer that is wrong would make it.
    assert.ok(noise.find(({ layer }) => layer === convsOf(layers)[0]!.name)!.sqnrDb > 35);
    assert.ok(
      noise.every(({ sqnrDb }) => sqnrDb > leastDb.layers),
      JSON.stringify(noise),
    );
  });

  test(`${what}: layers that stay fp32 take noise away; with all of them the network is the float one`, async () => {
    const { stored, quantised, layers } = await calibrated(plan, classes, shape);
    const expected = await logitsOf(stored, patch, shape);
    const all = convsOf(layers).map(({ name }) => name);
    const db = async (...kept: string[]) => noiseDb(expected, await logitsOf(quantised({ keepFp32: new Set(kept) }).model, patch, shape));
    const [none, decoder, every] = [await db(), await db(...all.filter((name) => name.startsWith("decoder"))), await db(...all)];
    assert.ok(decoder > none + 0.5 && every > 90, `${none}, ${decoder}, ${every} dB`);
  });

  test(`${what}: features and the head beside them are the logits`, async () => {
    const { quantised, layers, weights } = await calibrated(plan, classes, shape);
    const { model, features } = quantised({ end: "features" });
    const graph = await open(model);
    const outputs = await graph.run(patch, [1, 1, ...shape]).finally(() => graph.close());
    const { dims, data } = outputs.get("features")!;
    assert.deepEqual(dims, [1, ...shape, 16]);
    const bytes = headBytes(weights, layers, features.scales);
    const head = new Float32Array(bytes.buffer);
    const expected = await logitsOf(quantised().model, patch, shape);
    const voxels = data.length / 16;
    for (let voxel = 0; voxel < voxels; voxel += 7)
      for (let c = 0; c < classes; c++) {
        let sum = head[classes * 16 + c]!;
        for (let f = 0; f < 16; f++) sum += head[c * 16 + f]! * (data[voxel * 16 + f]! - features.zeroPoint);
        assert.ok(Math.abs(sum - expected[c * voxels + voxel]!) < 1e-3);
      }
    assert.equal(headMatrix(head, classes, 16, 1, features.zeroPoint).length > 0, true); // what the service reads it with takes it
  });
}

test("what the graphs can't express is refused by name", () => {
  const refused = (change: object, message: RegExp) =>
    assert.throws(() => layersOf({ ...smallPlan(), ...change }, classes), { code: "quantise-unsupported", message });
  refused({ leakySlope: 0.2 }, /slope 0\.2/);
  refused(
    {
      kernelSizes: [
        [4, 5, 5],
        [3, 3, 3],
        [3, 3, 3],
      ],
    },
    /kernel of 4 x 5 x 5 can't be quantised, only odd sides/,
  );
  refused(
    {
      kernelSizes: [
        [3, 3, 3],
        [13, 13, 13],
        [3, 3, 3],
      ],
    },
    /sums of decoder\.stages\.0\.convs\.0 need more than 32 bits/,
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
