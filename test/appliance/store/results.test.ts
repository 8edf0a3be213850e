import assert from "node:assert/strict";
import { test } from "node:test";
import type { InferenceRecord, StructureMeasure } from "../../../appliance/domain/result.ts";
import { addResult, getResult, listResults, moveResult, setSegmented } from "../../../appliance/store/results.ts";
import { addSeries, axialRule, newResult, someUids, temporaryDatabase } from "../../make/database.ts";

const lung: StructureMeasure = { value: 1, voxels: 10, volumeMl: 0.5, meanHu: -800, touchesBorder: true, centreIjk: [1, 2, 3] };
const record: InferenceRecord = {
  provider: "cpu",
  precision: "fp32",
  patches: 8,
  inferenceMs: 100,
  wallMs: 200,
  peakMemoryBytes: 1e9,
  notes: ["a localizer was left out"],
};

test("a new result is pending, with the rule as it was and its UIDs", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  const id = addResult(made.database, newResult(seriesId, "d1"))!;
  assert.deepEqual(getResult(made.database, id), {
    id,
    seriesId,
    rule: axialRule,
    modelName: "reference",
    modelVersion: "1.0.0",
    inputDigest: "d1",
    state: "pending",
    reason: null,
    uids: someUids,
    written: null,
    createdAt: 5_000,
    predecessorId: null,
    structures: null,
    record: null,
    review: null,
    imagesRemovedAt: null,
  });
});

test("the same images under the same rule and model make no second result, whatever became of the first", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  const id = addResult(made.database, newResult(seriesId, "d1"))!;
  assert.equal(addResult(made.database, newResult(seriesId, "d1")), null);
  moveResult(made.database, id, "failed", { code: "x", message: "y" });
  assert.equal(addResult(made.database, newResult(seriesId, "d1")), null);
  assert.equal(listResults(made.database, seriesId).length, 1);
});

test("another rule and another model version each make a result of their own", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  const first = addResult(made.database, newResult(seriesId, "d1"))!;
  const otherRule = addResult(made.database, newResult(seriesId, "d1", { rule: { ...axialRule, name: "second" } }))!;
  assert.equal(getResult(made.database, first)!.state, "pending");
  assert.equal(getResult(made.database, otherRule)!.predecessorId, null);
  assert.notEqual(addResult(made.database, newResult(seriesId, "d1", { modelVersion: "2.0.0" })), null);
});

test("a result of more images supersedes one that is not ready and names it as predecessor", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const seriesId = addSeries(database, 1);
  const pending = addResult(database, newResult(seriesId, "d1"))!;
  const second = addResult(database, newResult(seriesId, "d2"))!;
  assert.equal(getResult(database, pending)!.state, "superseded");
  assert.equal(getResult(database, second)!.predecessorId, pending);
  setSegmented(database, second, [lung], record);
  addResult(database, newResult(seriesId, "d3"));
  assert.equal(getResult(database, second)!.state, "superseded");
});

test("a result that is ready stays ready when more images come, and so does a failed one; both are remembered", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const seriesId = addSeries(database, 1);
  const ready = addResult(database, newResult(seriesId, "d1"))!;
  setSegmented(database, ready, [lung], record);
  moveResult(database, ready, "ready");
  const failed = addResult(database, newResult(seriesId, "d2"))!;
  moveResult(database, failed, "failed", { code: "x", message: "y" });
  const third = addResult(database, newResult(seriesId, "d3"))!;
  assert.deepEqual(
    [ready, failed, third].map((id) => getResult(database, id)!).map(({ state, predecessorId }) => [state, predecessorId]),
    [
      ["ready", null],
      ["failed", ready],
      ["pending", failed],
    ],
  );
});

test("another rule's result of the same series is not superseded", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  const other = addResult(made.database, newResult(seriesId, "d1", { rule: { ...axialRule, name: "second" } }))!;
  addResult(made.database, newResult(seriesId, "d2"));
  assert.equal(getResult(made.database, other)!.state, "pending");
});

test("what was found is kept with the segmented result", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  const id = addResult(made.database, newResult(seriesId, "d1"))!;
  setSegmented(made.database, id, [lung], record);
  const { state, structures, record: found } = getResult(made.database, id)!;
  assert.deepEqual({ state, structures, record: found }, { state: "segmented", structures: [lung], record });
});

test("a move that the story does not know is a fault, and changes nothing", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  const id = addResult(made.database, newResult(seriesId, "d1"))!;
  assert.throws(() => moveResult(made.database, id, "ready"), { name: "Error", message: /can't go from pending to ready/ });
  assert.throws(() => moveResult(made.database, 999, "failed"), { message: /can't go from undefined/ });
  assert.equal(getResult(made.database, id)!.state, "pending");
});

test("a failed result that begins anew no longer shows its reason", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  const id = addResult(made.database, newResult(seriesId, "d1"))!;
  moveResult(made.database, id, "failed", { code: "slices-uneven", message: "gap" });
  assert.equal(getResult(made.database, id)!.reason?.code, "slices-uneven");
  moveResult(made.database, id, "pending");
  assert.equal(getResult(made.database, id)!.reason, null);
});
