import assert from "node:assert/strict";
import { test } from "node:test";
import type { Zyx } from "../../../appliance/nnunet/plans.ts";
import { accuracyOf } from "../../../models/quantize/judge.ts";
import { nextKeptFp32, noiseToTakeAway } from "../../../models/quantize/kept-layers.ts";
import { layerEffects, operationsOf } from "../../../models/quantize/layer-effects.ts";
import { convsOf, layersOf } from "../../../models/quantize/layers.ts";
import { calibrated, logitsOf, noiseDb } from "../../make/calibrated-network.ts";
import { shapesPatch, smallPlan, smallResidualPlan } from "../../make/random-u-net.ts";

const shape: Zyx = [16, 24, 20];
const classes = 5;

test("layers go back by the noise they add for their work, until it has fallen as asked", () => {
  const effects = [
    { layer: "fine", noise: 60, operations: 40 }, // 1.5 for each
    { layer: "cheap", noise: 10, operations: 2 }, // 5
    { layer: "coarse", noise: 1, operations: 10 }, // 0.1
    { layer: "middle", noise: 29, operations: 28 }, // 1.04
  ];
  const sets: string[][] = [];
  for (let kept: ReadonlySet<string> | null = new Set(); ; ) {
    kept = nextKeptFp32(effects, 20, kept, 2);
    if (!kept) break;
    sets.push([...kept]);
  }
  // 100 to 90 by the cheap one and 30 by the fine one; the middle one would put 90 of 100 in fp32, so the coarse one, which fits, is the last.
  assert.deepEqual(sets, [
    ["cheap", "fine"],
    ["cheap", "fine", "coarse"],
  ]);
  assert.deepEqual([...nextKeptFp32(effects, 20, new Set(), 1.1)!], ["cheap"]);
});

test("what Dice lacks goes with the amplitude of the noise; the worse of mean and worst says how much", () => {
  const missed = (...dice: number[]) =>
    noiseToTakeAway(accuracyOf([dice.map((each) => ({ value: 1, dice: each, volumeMlA: 10, volumeMlB: 10 }))], () => "liver"));
  assert.ok(Math.abs(missed(0.982, 0.982) - 1.8 ** 2) < 1e-9); // 1.8 times 0.01
  assert.ok(Math.abs(missed(...Array(20).fill(1), 0.949) - 1.7 ** 2) < 1e-9); // 1.7 times 0.03
  assert.equal(missed(0.989, 0.989), 2);
  assert.equal(missed(1, 0.5), 4);
});

test("work is counted by hand for a plain network, and holds an upsampling and a skip with the layer that they go with", () => {
  const plain = operationsOf(layersOf(smallPlan([16, 24]), classes), [4, 4, 4]);
  assert.deepEqual(
    [...plain],
    [
      ["encoder.stages.0.0.convs.0", 64 * 27 * 16],
      ["encoder.stages.0.0.convs.1", 64 * 27 * 16 * 16],
      ["encoder.stages.1.0.convs.0", 8 * 27 * 16 * 24],
      ["encoder.stages.1.0.convs.1", 8 * 27 * 24 * 24],
      ["decoder.stages.0.convs.0", 64 * 24 * 16 + 64 * 27 * 32 * 16],
      ["decoder.stages.0.convs.1", 64 * 27 * 16 * 16],
    ],
  );
  const layers = layersOf(smallResidualPlan(), classes);
  const residual = operationsOf(layers, shape);
  assert.ok(convsOf(layers).every(({ name }) => residual.has(name) !== name.includes(".skip.")));
});

for (const plan of [smallPlan(), smallResidualPlan()])
  test(`${plan.architecture}: what layers add alone adds up, and the ones chosen by it are better to keep than the others`, async () => {
    const { float, layers, weights, ranges, quantised } = await calibrated(plan, classes, shape);
    const patch = shapesPatch(shape, 3);
    const told: number[] = [];
    const onLayer = (done: number): number => told.push(done);
    const effects = await layerEffects(float, { layers, weights, ranges }, patch, shape, { threads: 2, onLayer });
    assert.equal(told.length, effects.length);
    const expected = (await float.run(patch, [1, 1, ...shape])).get("logits")!.data as Float32Array;
    const db = async (keepFp32: ReadonlySet<string>) => noiseDb(expected, await logitsOf(quantised({ keepFp32 }).model, patch, shape));
    const none = await db(new Set());
    const predicted = -10 * Math.log10(effects.reduce((sum, { noise }) => sum + noise, 0));
    assert.ok(Math.abs(predicted - none) < 3, `${predicted.toFixed(1)} predicted, ${none.toFixed(1)} dB found`);
    const [always] = operationsOf(layers, shape).values();
    const kept = nextKeptFp32(effects, always!, new Set(), 2)!;
    const least = effects.toSorted((a, b) => a.noise - b.noise).slice(0, kept.size);
    const [chosen, others] = [await db(kept), await db(new Set(least.map(({ layer }) => layer)))];
    assert.ok(chosen > none + 1.5 && chosen > others, `${none}, ${chosen} with ${[...kept]}, ${others} with the least noisy ones`);
  });
