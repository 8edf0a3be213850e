import assert from "node:assert/strict";
import { test } from "node:test";
import { Later } from "../../../appliance/jobs/runner.ts";
import { associationEnded, OpenAssociations } from "../../../appliance/pipeline/close-series.ts";
import { addInstance, getSeries, setSeriesState } from "../../../appliance/store/series.ts";
import { addSeries, arrival } from "../../make/database.ts";
import { pipelineSteps } from "./steps.ts";

test("an association is counted for every series it brought images of, until it ends", () => {
  const open = new OpenAssociations();
  open.brought(1, 10);
  open.brought(1, 10);
  open.brought(1, 11);
  open.brought(2, 10);
  assert.deepEqual([open.countOf(10), open.countOf(11), open.countOf(12)], [2, 1, 0]);
  assert.deepEqual(open.ended(1), [10, 11]);
  assert.deepEqual([open.countOf(10), open.countOf(11)], [1, 0]);
  assert.deepEqual(open.ended(1), []);
});

test("a quiet series without open associations is complete, and selection follows", async () => {
  await using box = await pipelineSteps();
  const seriesId = addSeries(box.database, 3, { at: 90_000 });
  assert.equal(await box.run("close-series", { seriesId }), undefined);
  assert.equal(getSeries(box.database, seriesId)!.state, "complete");
  assert.deepEqual(box.waiting(), [{ key: `select:${seriesId}`, run_at: 100_000 }]);
  assert.deepEqual(box.changed, [seriesId]);
});

test("a series that is not quiet yet, or whose association is open, is looked at again later", async () => {
  await using box = await pipelineSteps();
  const seriesId = addSeries(box.database, 3, { at: 90_001 });
  assert.equal(await box.run("close-series", { seriesId }), 110_000);
  box.at.now = 1_000_000;
  box.open.brought(7, seriesId);
  assert.equal(await box.run("close-series", { seriesId }), 1_010_000);
  assert.equal(getSeries(box.database, seriesId)!.state, "receiving");
});

test("when the association ends the quiet time begins anew, and the waiting look moves with it", async () => {
  await using box = await pipelineSteps();
  const seriesId = addSeries(box.database, 3, { at: 10_000 });
  box.open.brought(7, seriesId);
  associationEnded(7, box);
  assert.deepEqual(box.waiting(), [{ key: `close-series:${seriesId}`, run_at: 110_000 }]);
  assert.equal(await box.run("close-series", { seriesId }), 110_000);
  box.at.now = 110_000;
  await box.run("close-series", { seriesId });
  assert.equal(getSeries(box.database, seriesId)!.state, "complete");
});

test("an association that brought a series judged already does not open it again", async () => {
  await using box = await pipelineSteps();
  const seriesId = addSeries(box.database, 3);
  setSeriesState(box.database, seriesId, "complete", null);
  box.open.brought(7, seriesId);
  associationEnded(7, box);
  assert.deepEqual(box.waiting(), []);
});

for (const what of ["an image", "an association"] as const)
  test(`${what} that comes between the look at the series and its commit keeps it open`, async () => {
    await using box = await pipelineSteps();
    const seriesId = addSeries(box.database, 3, { at: 90_000 });
    const commit = await box.work("close-series", { seriesId });
    assert.ok(!(commit instanceof Later));
    if (what === "an image") addInstance(box.database, arrival(4, { at: 100_000 }));
    else box.open.brought(8, seriesId);
    commit();
    assert.equal(getSeries(box.database, seriesId)!.state, "receiving");
    assert.deepEqual(box.waiting(), [{ key: `close-series:${seriesId}`, run_at: 110_000 }]);
  });

test("a look at a series that is judged already changes nothing", async () => {
  await using box = await pipelineSteps();
  const seriesId = addSeries(box.database, 3, { at: 90_000 });
  setSeriesState(box.database, seriesId, "ignored", { code: "x", message: "y" });
  await box.run("close-series", { seriesId });
  assert.equal(getSeries(box.database, seriesId)!.state, "ignored");
  assert.deepEqual(box.waiting(), []);
});
