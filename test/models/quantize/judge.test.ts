import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelAgreement } from "../../../appliance/volume/compare.ts";
import { accuracyOf, againstHuman, nextKeptFp32, verdictOn } from "../../../models/quantize/judge.ts";

const label = (value: number, dice: number, volumeMlA = 10, volumeMlB = volumeMlA): LabelAgreement => ({
  value,
  dice,
  volumeMlA,
  volumeMlB,
});
const nameOf = (value: number) => ["", "liver", "spleen", "duct"][value]!;

test("labels over 1 ml decide; smaller ones are told", () => {
  const accuracy = accuracyOf([[label(1, 0.99), label(2, 0.98, 10, 12), label(3, 0.2, 0.5)], [label(1, 1)]], nameOf);
  assert.equal(accuracy.compared, 3);
  assert.ok(Math.abs(accuracy.meanDice - 0.99) < 1e-12);
  assert.deepEqual([accuracy.worstDice, accuracy.worstLabel], [0.98, "spleen"]);
  assert.ok(Math.abs(accuracy.meanDiceOfAll - (0.99 + 0.98 + 0.2 + 1) / 4) < 1e-12);
  assert.deepEqual(
    accuracy.labels.map(({ name, cases, worstDice, largestVolumeDifferenceMl }) => [name, cases, worstDice, largestVolumeDifferenceMl]),
    [
      ["liver", 2, 0.99, 0],
      ["spleen", 1, 0.98, 2],
    ],
  );
  assert.ok(Math.abs(accuracy.labels[1]!.meanVolumeDifference - 0.2) < 1e-12);
});

test("the limits are the mean and the worst, each by itself", () => {
  const passes = (...dice: number[]) => verdictOn(accuracyOf([dice.map((each) => label(1, each))], nameOf)).passes;
  assert.equal(passes(0.99, 0.99), true);
  assert.equal(passes(0.989, 0.99), false);
  assert.equal(passes(1, 1, 1, 0.969), false);
  assert.equal(passes(1, 1, 1, 0.97), true);
});

test("a structure that only one form finds counts, and fails", () => {
  const { passes, reason } = verdictOn(accuracyOf([[label(1, 1), label(2, 0, 0, 3)]], nameOf));
  assert.equal(passes, false);
  assert.match(reason, /worst 0\.0000 \(spleen\), 2 structures in all CTs; expected 0\.99 and 0\.97/);
});

test("nothing to judge by is not a pass", () => {
  assert.equal(verdictOn(accuracyOf([[label(1, 1, 0.2)]], nameOf)).passes, false);
  assert.equal(verdictOn(accuracyOf([], nameOf)).passes, false);
});

test("a structure that a person left out of a CT is not held against a form there", () => {
  const [liver, none] = againstHuman(
    [
      { fp32: [label(1, 0.8), label(2, 0, 0, 5)], int8: [label(1, 0.7), label(2, 0, 0, 5)] },
      { fp32: [label(1, 0.9)], int8: [label(1, 0.9)] },
    ],
    nameOf,
  );
  assert.equal(none, undefined);
  assert.deepEqual([liver!.name, liver!.cases, liver!.fp32.worstDice, liver!.int8.worstDice], ["liver", 2, 0.8, 0.7]);
  assert.ok(Math.abs(liver!.fp32.meanDice - 0.85) < 1e-12 && Math.abs(liver!.int8.meanDice - 0.8) < 1e-12);
});

test("the layers that add most noise of their own go back first, not those that were handed it", () => {
  const layers = [
    ["encoder.convs.0", 40],
    ["encoder.convs.1", 30], // adds 10 dB
    ["encoder.convs.2", 26], // adds 4
    ["decoder.transpconvs.0", 20], // is no convolution that can go back by itself
    ["decoder.convs.0", 19], // adds 1 to what comes from below, though its skip is clean
    ["decoder.convs.1", 18.5],
  ].map(([layer, sqnrDb]) => ({ layer: String(layer), sqnrDb: Number(sqnrDb) }));
  const inputs = new Map([
    ["encoder.convs.0", []],
    ["encoder.convs.1", ["encoder.convs.0"]],
    ["encoder.convs.2", ["encoder.convs.1"]],
    ["decoder.transpconvs.0", ["encoder.convs.2"]],
    ["decoder.convs.0", ["decoder.transpconvs.0", "encoder.convs.1"]],
    ["decoder.convs.1", ["decoder.convs.0"]],
  ]);
  let kept: ReadonlySet<string> = new Set();
  const order: string[] = [];
  for (let next = nextKeptFp32(layers, inputs, kept); next; next = nextKeptFp32(layers, inputs, kept)) {
    order.push(...[...next].slice(kept.size));
    kept = next;
  }
  assert.deepEqual(order, ["encoder.convs.1", "encoder.convs.2", "decoder.convs.0", "decoder.convs.1"]);
});

test("of a residual block both parts can go back: the first convolution, and the second with the skip", () => {
  const layers = [
    ["encoder.stem.convs.0", 45],
    ["encoder.stages.0.blocks.0.conv1", 40],
    ["encoder.stages.0.blocks.0.conv2", 30],
  ].map(([layer, sqnrDb]) => ({ layer: String(layer), sqnrDb: Number(sqnrDb) }));
  const inputs = new Map([
    ["encoder.stem.convs.0", []],
    ["encoder.stages.0.blocks.0.conv1", ["encoder.stem.convs.0"]],
    ["encoder.stages.0.blocks.0.conv2", ["encoder.stages.0.blocks.0.conv1", "encoder.stem.convs.0"]],
  ]);
  const first = nextKeptFp32(layers, inputs, new Set())!;
  assert.deepEqual([...first], ["encoder.stages.0.blocks.0.conv2"]);
  assert.deepEqual([...nextKeptFp32(layers, inputs, first)!].slice(1), ["encoder.stages.0.blocks.0.conv1"]);
});
