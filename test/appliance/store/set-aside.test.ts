import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResultId, SeriesId } from "../../../appliance/domain/ids.ts";
import { retryResult } from "../../../appliance/pipeline/retry.ts";
import { addDelivery, listDeliveries, setUnanswered } from "../../../appliance/store/deliveries.ts";
import { addJob } from "../../../appliance/store/jobs.ts";
import { addResult, getResult, moveResult, setReview, setSegmented, setWritten } from "../../../appliance/store/results.ts";
import { addInstance, getSeries, setSeriesState } from "../../../appliance/store/series.ts";
import { setAsideWithoutFiles } from "../../../appliance/store/set-aside.ts";
import { addSeries, arrival, newResult, temporaryDatabase } from "../../make/database.ts";

const record = { notes: [] } as never;

test("what was delivered stays; what was under way says that its files are gone, and may be sent again", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const complete = (series: string): SeriesId => {
    const id = addSeries(database, 2, { series });
    setSeriesState(database, id, "complete", null);
    return id;
  };
  const ready = (seriesId: SeriesId): ResultId => {
    const id = addResult(database, newResult(seriesId, `digest-${seriesId}`))!;
    setSegmented(database, id, [], record);
    setWritten(database, id, ["seg", "rtstruct"]);
    moveResult(database, id, "ready");
    return id;
  };
  const to = (resultId: ResultId, state: "held" | "waiting", choices: readonly ["seg"] | readonly ["rtstruct"] = ["seg"]) =>
    addDelivery(database, { resultId, destination: "pacs", choices, state })!;
  const delivered = (id: number) => database.run("update delivery set state = 'delivered', delivered_at = 5 where id = ?", id);

  const arriving = addSeries(database, 3, { series: "1.1" });
  const unjudged = complete("1.2");
  const done = ready(complete("1.3"));
  delivered(to(done, "waiting"));
  const unsent = ready(complete("1.4"));
  to(unsent, "waiting");
  const inPart = ready(complete("1.5"));
  delivered(to(inPart, "waiting"));
  to(inPart, "waiting", ["rtstruct"]);
  const unanswered = ready(complete("1.6"));
  setUnanswered(database, to(unanswered, "waiting"), { sopClassUid: "1", seriesInstanceUid: "2", sopInstanceUid: "3" });
  const judged = ready(complete("1.7"));
  to(judged, "held");
  setReview(database, judged, { verdict: "accepted", by: "anna", at: 7, reason: "" });
  const pending = addResult(database, newResult(complete("1.8"), "digest-8"))!;
  addJob(database, { kind: "deliver", key: "deliver:1", payload: {}, runAt: 0 });
  addJob(database, { kind: "announce-rejection", key: "announce-rejection:1", payload: {}, runAt: 0 });

  let told: unknown;
  const counts = setAsideWithoutFiles(database, 99, (found) => (told = found));
  assert.deepEqual(counts, { series: 2, results: 2, deliveries: 3, images: 17 });
  assert.deepEqual(told, counts);

  const stateOf = (id: ResultId) => {
    const { state, reason } = getResult(database, id)!;
    return [state, reason?.code ?? null, listDeliveries(database, id).map((one) => `${one.state} ${one.reason?.code ?? ""}`.trim())];
  };
  assert.deepEqual(stateOf(done), ["ready", null, ["delivered"]]);
  assert.deepEqual(stateOf(unsent), ["failed", "restored", []], "nothing of it left the box: it can be made again");
  assert.deepEqual(stateOf(inPart), ["ready", null, ["delivered", "failed restored"]], "its UIDs stand for bytes that are gone");
  assert.deepEqual(stateOf(unanswered), ["ready", null, ["failed restored"]], "the destination may have it");
  assert.deepEqual(stateOf(judged), ["ready", null, ["failed restored"]], "a person has judged what is gone");
  assert.deepEqual(stateOf(pending), ["failed", "restored", []]);
  for (const id of [arriving, unjudged]) assert.equal(getSeries(database, id)!.reason?.code, "restored");
  assert.deepEqual(database.all("select kind from job"), [{ kind: "announce-rejection" }], "it needs no file of the old box");

  assert.deepEqual(getResult(database, done)!.written, [], "nothing of it is on disk");
  for (const id of [done, unsent, pending]) assert.equal(getResult(database, id)!.imagesRemovedAt, 99);
  assert.throws(() => retryResult(database, unsent, 100), /deleted/, "not before its images are here again");

  // Sent again, it counts as new, and what was set aside can be made
  const again = addInstance(database, arrival(1, { series: "1.3" }));
  assert.ok(again.isNew && again.isReceiving);
  const { seriesId, inputDigest } = getResult(database, unsent)!;
  assert.equal(addResult(database, newResult(seriesId, inputDigest)), null, "the same images make the same result");
  retryResult(database, unsent, 100);
  assert.equal(getResult(database, unsent)!.state, "pending");
});

test("what goes wrong while it is noted takes all of it back", async () => {
  await using made = await temporaryDatabase();
  const id = addSeries(made.database, 1);
  assert.throws(
    () =>
      setAsideWithoutFiles(made.database, 99, () => {
        throw new Error("no audit");
      }),
    /no audit/,
  );
  assert.equal(getSeries(made.database, id)!.instanceCount, 1);
});
