import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addInstance,
  getSeries,
  inputDigest,
  listInstances,
  listSeries,
  noteAssociationEnd,
  setSeriesState,
} from "../../../appliance/store/series.ts";
import { addSeries, arrival, temporaryDatabase } from "../../make/database.ts";

test("the first image makes its series, and all that was said of both is read back", async () => {
  await using made = await temporaryDatabase();
  const came = arrival(1, { at: 500 });
  const { seriesId, isNew } = addInstance(made.database, came);
  assert.equal(isNew, true);
  assert.deepEqual(listInstances(made.database, seriesId), [came.instance]);
  assert.deepEqual(getSeries(made.database, seriesId), {
    id: seriesId,
    seriesInstanceUid: "1.2.3",
    studyInstanceUid: "1.2",
    state: "receiving",
    reason: null,
    modality: "CT",
    description: came.description,
    callingAeTitle: "CT1",
    calledAeTitle: "SEGBOX",
    instanceCount: 1,
    differingCopies: 0,
    missingImages: 0,
    imagesRemovedAt: null,
    earlierRemovedAt: null,
    firstReceivedAt: 500,
    lastReceivedAt: 500,
    lastAssociationEndedAt: null,
    receivingSince: 500,
    source: null,
  });
});

test("the same image again is no second one, but it keeps its series from being quiet", async () => {
  await using made = await temporaryDatabase();
  const { seriesId } = addInstance(made.database, arrival(1, { at: 500 }));
  assert.deepEqual(addInstance(made.database, arrival(1, { at: 900 })), {
    ...{ seriesId, isNew: false, isReceiving: true, opens: false },
    receivingSince: 500,
    sourceCount: null,
  });
  const series = getSeries(made.database, seriesId)!;
  assert.equal(series.instanceCount, 1);
  assert.equal(series.firstReceivedAt, 500);
  assert.equal(series.lastReceivedAt, 900);
});

test("other content under the same SOP Instance UID stands beside the first, and is counted apart", async () => {
  await using made = await temporaryDatabase();
  const { seriesId } = addInstance(made.database, arrival(1));
  addInstance(made.database, { ...arrival(1, { content: "-forwarded" }), sameAs: 1 }); // known to be the same image
  const counts = () => {
    const { instanceCount, differingCopies } = getSeries(made.database, seriesId)!;
    return [instanceCount, differingCopies];
  };
  assert.deepEqual(counts(), [1, 0]);
  assert.equal(addInstance(made.database, arrival(1, { content: "-coerced" })).isNew, true);
  assert.equal(addInstance(made.database, arrival(1, { content: "-coerced" })).isNew, false);
  assert.deepEqual(counts(), [1, 1]);
  assert.deepEqual(
    listInstances(made.database, seriesId).map(({ sopInstanceUid }) => sopInstanceUid),
    ["1.2.3.1", "1.2.3.1"],
  );
  addInstance(made.database, arrival(2));
  assert.deepEqual(counts(), [2, 1]);
});

for (const state of ["complete", "ignored"] as const)
  test(`a late image puts a series that is ${state} back to receiving`, async () => {
    await using made = await temporaryDatabase();
    const seriesId = addSeries(made.database, 2);
    setSeriesState(made.database, seriesId, state, { code: "too-few-slices", message: "2 slices" });
    const late = addInstance(made.database, arrival(3, { at: 7_000 }));
    assert.partialDeepStrictEqual(late, { isNew: true, isReceiving: true, opens: true, receivingSince: 7_000 });
    assert.partialDeepStrictEqual(getSeries(made.database, seriesId), { state: "receiving", reason: null });
  });

test("an image sent again leaves a complete series alone and has an ignored one judged again", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 2);
  setSeriesState(made.database, seriesId, "complete", null);
  assert.partialDeepStrictEqual(addInstance(made.database, arrival(2)), { isNew: false, isReceiving: false });
  assert.equal(getSeries(made.database, seriesId)!.state, "complete");
  setSeriesState(made.database, seriesId, "ignored", { code: "no-rules", message: "no rule is set up" });
  assert.partialDeepStrictEqual(addInstance(made.database, arrival(2)), { isNew: false, isReceiving: true });
  assert.partialDeepStrictEqual(getSeries(made.database, seriesId), { state: "receiving", reason: null });
});

test("after the clock was set back the last arrival is the one that came last", async () => {
  await using made = await temporaryDatabase();
  const { seriesId } = addInstance(made.database, arrival(1, { at: 9_000_000 }));
  addInstance(made.database, arrival(2, { at: 500 }));
  assert.equal(getSeries(made.database, seriesId)!.lastReceivedAt, 500);
});

test("the end of an association is noted with its series", async () => {
  await using made = await temporaryDatabase();
  const seriesId = addSeries(made.database, 1);
  noteAssociationEnd(made.database, seriesId, 777);
  assert.equal(getSeries(made.database, seriesId)!.lastAssociationEndedAt, 777);
});

test("series are listed newest first, page by page", async () => {
  await using made = await temporaryDatabase();
  const ids = ["1.1", "1.2", "1.3"].map((series) => addSeries(made.database, 1, { series }));
  const page = listSeries(made.database, { limit: 2 }).map(({ id }) => id);
  assert.deepEqual(page, [ids[2], ids[1]]);
  assert.deepEqual(
    listSeries(made.database, { before: page[1]!, limit: 2 }).map(({ id }) => id),
    [ids[0]],
  );
});

test("the digest of a series' images does not depend on their order, and on nothing less than all of them", () => {
  const [a, b, c] = [{ digest: "aa" }, { digest: "bb" }, { digest: "cc" }];
  assert.equal(inputDigest([a, b, c]), inputDigest([c, a, b]));
  assert.notEqual(inputDigest([a, b, c]), inputDigest([a, b]));
  assert.notEqual(inputDigest([a, b]), inputDigest([{ digest: "aab" }, { digest: "b" }]));
  assert.match(inputDigest([a]), /^[0-9a-f]{64}$/);
});
