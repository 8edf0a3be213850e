import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceFiles } from "../../../appliance/pipeline/segment.ts";
import { addResult, getResult, setSegmented } from "../../../appliance/store/results.ts";
import { addInstance, inputDigest, listInstances } from "../../../appliance/store/series.ts";
import { addSeries, arrival, newResult } from "../../make/database.ts";
import { pipelineSteps } from "./steps.ts";

const record = { provider: "cpu", precision: "fp32", patches: 1, inferenceMs: 1, wallMs: 1, peakMemoryBytes: 1, notes: [] };

/** A series of three images with a pending result of exactly these. */
async function pendingResult() {
  const box = await pipelineSteps();
  const seriesId = addSeries(box.database, 3);
  const resultId = addResult(box.database, newResult(seriesId, inputDigest(listInstances(box.database, seriesId))))!;
  return { ...box, seriesId, resultId, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

test("a result's files are those of exactly its images", async () => {
  await using box = await pendingResult();
  const result = getResult(box.database, box.resultId)!;
  assert.deepEqual(
    sourceFiles(box.database, box.objects, result)?.map(({ sopInstanceUid, path }) => [sopInstanceUid, path]),
    listInstances(box.database, box.seriesId).map(({ sopInstanceUid, digest }) => [sopInstanceUid, box.objects.path(digest)]),
  );
  addInstance(box.database, arrival(4));
  assert.equal(sourceFiles(box.database, box.objects, result), null);
});

test("a pending result is given up when more images have come, before a child is started", async () => {
  await using box = await pendingResult();
  addInstance(box.database, arrival(4));
  await box.run("segment", box);
  assert.equal(getResult(box.database, box.resultId)!.state, "superseded");
  assert.deepEqual(box.changed, [box.seriesId]);
  assert.deepEqual(box.waiting(), []);
});

test("a segmented result is given up when more images have come: its label map must not meet other images than its own", async () => {
  await using box = await pendingResult();
  setSegmented(box.database, box.resultId, [], record);
  addInstance(box.database, arrival(4));
  await box.run("encode", box);
  assert.equal(getResult(box.database, box.resultId)!.state, "superseded");
  assert.deepEqual(box.waiting(), []);
});

test("a result that was superseded meanwhile is left as it is by all that comes late: its job, its end, its failure", async () => {
  await using box = await pendingResult();
  addInstance(box.database, arrival(4));
  const commit = await box.work("segment", box);
  addResult(box.database, newResult(box.seriesId, "of four images"));
  assert.ok(typeof commit === "function");
  commit();
  for (const kind of ["segment", "encode"]) {
    await box.run(kind, box);
    box.stepOf(kind).gaveUp({ resultId: box.resultId } as never, { code: "fault", message: "boom" });
  }
  assert.equal(getResult(box.database, box.resultId)!.state, "superseded");
  assert.equal(getResult(box.database, box.resultId)!.reason, null);
});

test("a segmentation that is set aside leaves its reason with the result", async () => {
  await using box = await pendingResult();
  const reason = { code: "slices-uneven", message: "slice gap 10.0 mm" };
  box.stepOf("segment").gaveUp({ resultId: box.resultId } as never, reason);
  assert.partialDeepStrictEqual(getResult(box.database, box.resultId), { state: "failed", reason });
  assert.deepEqual(box.changed, [box.seriesId]);
});
