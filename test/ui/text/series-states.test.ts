import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliverySummary } from "../../../appliance/api/deliveries.ts";
import type { ResultSummary, SeriesSummary } from "../../../appliance/api/series.ts";
import { stateLinesOf } from "../../../ui/text/series-states.ts";

const result = (more: Partial<ResultSummary>): ResultSummary => ({
  id: 7,
  rule: "r",
  model: "m",
  state: "waiting",
  progress: null,
  reason: null,
  deliveries: [],
  ...more,
});
const delivery = (more: Partial<DeliverySummary>): DeliverySummary => ({
  id: 1,
  output: "seg",
  choices: ["seg"],
  refusals: [],
  paused: false,
  status: null,
  comment: null,
  triedAt: null,
  destination: "PACS",
  state: "waiting",
  commitment: null,
  attempts: 0,
  reason: null,
  deliveredAt: null,
  ...more,
});
const lines = (state: SeriesSummary["state"], results: ResultSummary[], more: Partial<SeriesSummary> = {}): string[] =>
  stateLinesOf({ state, results, instanceCount: 14, differingCopies: 0, reason: null, ...more } as SeriesSummary).map(
    ({ tone, text }) => `${tone}: ${text}`,
  );

test("a series says how far it has come", () => {
  const deliveries = [delivery({ state: "delivered" }), delivery({ output: "rtstruct", state: "delivered" })];
  assert.deepEqual(lines("receiving", []), ["busy: receiving, 14 images so far"]);
  assert.deepEqual(lines("complete", [result({})]), ["quiet: waiting"]);
  assert.deepEqual(lines("complete", [result({ state: "running", progress: 0.42 })]), ["busy: running 42 %"]);
  assert.deepEqual(lines("complete", [result({ state: "held" })]), ["warn: waiting for acceptance"]);
  assert.deepEqual(lines("complete", [result({ state: "delivered", deliveries })]), ["good: delivered to PACS"]);
});

test("what went wrong comes with its reason", () => {
  const reason = { code: "x", message: "PACS does not answer." };
  assert.deepEqual(lines("ignored", [], { reason: { code: "localizer", message: "all images are localizers" } }), [
    "quiet: ignored: all images are localizers",
  ]);
  assert.deepEqual(lines("complete", [result({ state: "failed", reason })]), ["bad: failed: PACS does not answer"]);
  assert.deepEqual(lines("complete", [result({ state: "delivering", deliveries: [delivery({ reason })] })]), [
    "warn: delivering: PACS does not answer",
  ]);
  assert.deepEqual(lines("complete", [result({ state: "delivery-failed", deliveries: [delivery({ state: "failed", reason })] })]), [
    "bad: delivery failed: PACS does not answer",
  ]);
});

test("images that came again with other content are told beside whatever else there is to say", () => {
  assert.deepEqual(lines("complete", [result({})], { differingCopies: 1 }), [
    "quiet: waiting",
    "warn: 1 image sent again with other content",
  ]);
  assert.deepEqual(lines("receiving", [], { differingCopies: 2 }), [
    "busy: receiving, 14 images so far",
    "warn: 2 images sent again with other content",
  ]);
});

test("a superseded result is not spoken of beside the one that took its place", () => {
  assert.deepEqual(lines("complete", [result({ state: "superseded" }), result({ id: 8 })]), ["quiet: waiting"]);
});
