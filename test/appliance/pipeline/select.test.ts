import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rule } from "../../../appliance/domain/rule.ts";
import { listResults } from "../../../appliance/store/results.ts";
import { addInstance, getSeries, setSeriesState } from "../../../appliance/store/series.ts";
import { replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { addSeries, arrival, axialRule } from "../../make/database.ts";
import { pipelineSteps } from "./steps.ts";

/** A complete series of three axial images, and rules. */
async function completeSeries(rules: readonly Rule[]) {
  const box = await pipelineSteps();
  replaceNodesAndRules(box.database, [], rules);
  const seriesId = addSeries(box.database, 3);
  setSeriesState(box.database, seriesId, "complete", null);
  return { ...box, seriesId, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

const reasonOf = (box: Awaited<ReturnType<typeof completeSeries>>) => getSeries(box.database, box.seriesId)!.reason;

test("each rule that takes the series makes a pending result with UIDs of its own, and a job", async () => {
  await using box = await completeSeries([axialRule, { ...axialRule, name: "second" }]);
  await box.run("select", box);
  const results = listResults(box.database, box.seriesId);
  assert.deepEqual(
    results.map(({ rule, state, modelVersion }) => [rule.name, state, modelVersion]),
    [
      ["axial CT", "pending", "1.0.0"],
      ["second", "pending", "1.0.0"],
    ],
  );
  const uids = results.flatMap(({ uids: { seg, rtstruct } }) => [seg, rtstruct]).flatMap((pair) => Object.values(pair));
  assert.equal(new Set(uids).size, 8);
  for (const uid of uids) assert.match(uid, /^2\.25\.\d{1,39}$/);
  assert.deepEqual(
    box.waiting().map(({ key }) => key),
    results.map(({ id }) => `segment:${id}`),
  );
  assert.equal(getSeries(box.database, box.seriesId)!.state, "complete");
});

test("selection done twice makes nothing twice, and mints no new UIDs", async () => {
  await using box = await completeSeries([axialRule]);
  await box.run("select", box);
  const before = listResults(box.database, box.seriesId);
  box.take("segment");
  await box.run("select", box);
  assert.deepEqual(listResults(box.database, box.seriesId), before);
  assert.deepEqual(box.waiting(), []);
});

test("a series that no rule takes is ignored, with every rule's reason", async () => {
  const many = { ...axialRule, name: "many", match: { ...axialRule.match, minimumSlices: 100 } };
  const others = { ...axialRule, name: "others", match: { ...axialRule.match, callingAeTitles: ["CT9"] } };
  await using box = await completeSeries([many, others]);
  await box.run("select", box);
  assert.equal(getSeries(box.database, box.seriesId)!.state, "ignored");
  assert.deepEqual(reasonOf(box), {
    code: "too-few-slices",
    message: "rule many: 3 slices, expected at least 100; rule others: sent by CT1, expected CT9",
  });
  assert.deepEqual(box.waiting(), []);
});

test("no rule at all, and a rule whose model is not installed, are reasons too", async () => {
  await using empty = await completeSeries([]);
  await empty.run("select", empty);
  assert.equal(reasonOf(empty)?.code, "no-rules");
  await using box = await completeSeries([{ ...axialRule, model: "liver" }]);
  await box.run("select", box);
  assert.deepEqual(reasonOf(box), { code: "model-missing", message: "model liver is not installed" });
});

test("two files under one SOP Instance UID count as one slice, and are left to the reader of the pixels to judge", async () => {
  await using box = await completeSeries([{ ...axialRule, match: { ...axialRule.match, minimumSlices: 4 } }]);
  for (const index of [1, 2, 3]) addInstance(box.database, arrival(index, { content: "-coerced" }));
  setSeriesState(box.database, box.seriesId, "complete", null);
  await box.run("select", box);
  assert.equal(reasonOf(box)?.code, "too-few-slices");
});

for (const rules of [[axialRule], []])
  test(`an image that comes while selection ${rules.length > 0 ? "takes" : "ignores"} the series leaves it receiving`, async () => {
    await using box = await completeSeries(rules);
    const commit = await box.work("select", box);
    addInstance(box.database, arrival(4));
    assert.ok(typeof commit === "function");
    commit();
    assert.equal(getSeries(box.database, box.seriesId)!.state, "receiving");
    assert.deepEqual(listResults(box.database, box.seriesId), []);
  });
