import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabelAgreement } from "../../../appliance/volume/compare.ts";
import { accuracyOf, againstHuman, verdictOn } from "../../../models/quantize/judge.ts";

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
