import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arrived, judgeCompleteness } from "../../../appliance/domain/completeness.ts";

const arrived: Arrived = {
  instanceCount: 312,
  lastReceivedAt: 100_000,
  lastAssociationEndedAt: null,
  receivingSince: 50_000,
  source: null,
  declared: null,
};
const at = { associationsOpen: 1, quietMs: 10_000, forceMs: 1_800_000, now: 101_000 };
const source = { node: "PACS", count: 312, countedAt: 100_500 };

test("as many as the source has is complete, at once and with the association open", () => {
  assert.deepEqual(judgeCompleteness({ ...arrived, source }, at), {
    how: "source",
    instances: 312,
    expected: 312,
    saidBy: "PACS",
    waitedMs: null,
  });
  assert.equal(judgeCompleteness({ ...arrived, source: { ...source, count: 313 } }, at), null);
});

test("a count from before the last image does not tell that this was the last one: the source may be receiving too", () => {
  assert.equal(judgeCompleteness({ ...arrived, source: { ...source, countedAt: 99_999 } }, at), null);
});

test("a source that has nothing of the series says nothing about it", () => {
  assert.equal(judgeCompleteness({ ...arrived, source: { ...source, count: 0 } }, at), null);
});

test("as many as the images say is complete; of acquisitions only when no association is open, since another may follow", () => {
  const series = { by: "series", expected: 312, found: 312 } as const;
  assert.equal(judgeCompleteness({ ...arrived, declared: series }, at)?.how, "declared");
  assert.equal(judgeCompleteness({ ...arrived, declared: { ...series, expected: 300 } }, at), null, "the images contradict what they say");
  const acquisitions = { ...series, by: "acquisitions" } as const;
  assert.equal(judgeCompleteness({ ...arrived, declared: acquisitions }, at), null);
  assert.partialDeepStrictEqual(judgeCompleteness({ ...arrived, declared: acquisitions }, { ...at, associationsOpen: 0 }), {
    how: "declared",
    saidBy: "Images in Acquisition",
  });
});

test("quiet for long enough is complete, with what the source had said beside it", () => {
  const quiet = { ...at, associationsOpen: 0, now: 110_000 };
  assert.deepEqual(judgeCompleteness({ ...arrived, source: { ...source, count: 400 } }, quiet), {
    how: "quiet",
    instances: 312,
    expected: 400,
    saidBy: "PACS",
    waitedMs: 10_000,
  });
  assert.equal(judgeCompleteness(arrived, { ...quiet, now: 109_999 }), null);
});

test("images that come without end are taken as they are after the limit, association or not", () => {
  const drip = { ...arrived, lastReceivedAt: 1_849_999 };
  assert.equal(judgeCompleteness(drip, { ...at, now: 1_849_999 }), null);
  assert.partialDeepStrictEqual(judgeCompleteness(drip, { ...at, now: 1_850_000 }), { how: "forced", instances: 312, waitedMs: 1_800_000 });
});
