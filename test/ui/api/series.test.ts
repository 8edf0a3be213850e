import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResultDetail, ResultSummary, SeriesDetail, SeriesSummary } from "../../../appliance/api/series.ts";
import { applyEvent, applyEventToDetail } from "../../../ui/api/series.ts";

const result: ResultSummary = { id: 7, rule: "r", model: "m", state: "waiting", progress: null, reason: null, deliveries: [] };
const series = (id: number, more: Partial<SeriesSummary> = {}): SeriesSummary => ({
  id,
  state: "complete",
  reason: null,
  patientName: "",
  patientId: "",
  studyDate: "",
  studyDescription: "",
  seriesDescription: "",
  modality: "CT",
  callingAeTitle: "",
  instanceCount: 1,
  differingCopies: 0,
  missingImages: 0,
  imagesRemovedAt: null,
  firstReceivedAt: 0,
  lastReceivedAt: 0,
  results: [],
  ...more,
});
const ids = (list: readonly SeriesSummary[]): number[] => list.map(({ id }) => id);

test("a new series stands at the top, a changed one where it was", () => {
  const list = [series(5), series(3)];
  assert.deepEqual(ids(applyEvent(list, { kind: "series", series: series(6) }, false)), [6, 5, 3]);
  const changed = applyEvent(list, { kind: "series", series: series(3, { instanceCount: 9 }) }, false);
  assert.deepEqual([ids(changed), changed[1]?.instanceCount], [[5, 3], 9]);
});

test("a series between others goes between them, one older than the loaded ones waits to be loaded", () => {
  const list = [series(5), series(3)];
  assert.deepEqual(ids(applyEvent(list, { kind: "series", series: series(4) }, true)), [5, 4, 3]);
  assert.deepEqual(ids(applyEvent(list, { kind: "series", series: series(1) }, true)), [5, 3]);
  assert.deepEqual(ids(applyEvent(list, { kind: "series", series: series(1) }, false)), [5, 3, 1]);
});

test("progress reaches its result, and none that is over", () => {
  const progress = { kind: "progress", seriesId: 5, resultId: 7, progress: 0.5 } as const;
  const of = (state: ResultSummary["state"]) =>
    applyEvent([series(5, { results: [{ ...result, state }] })], progress, false)[0]?.results[0];
  assert.deepEqual([of("waiting")?.state, of("waiting")?.progress], ["running", 0.5]);
  assert.deepEqual([of("failed")?.state, of("failed")?.progress], ["failed", null]);
});

test("a detail follows its series' events, and is stale when a label map or a result came that it does not have", () => {
  const unsegmented = { ...result, structures: null } as unknown as ResultDetail;
  const detail = { ...series(5, { results: [result] }), resultDetails: [unsegmented] } as unknown as SeriesDetail;
  const after = (results: ResultSummary[]) => applyEventToDetail(detail, { kind: "series", series: series(5, { results }) });
  assert.equal(after([{ ...result, state: "failed" }]).detail.resultDetails[0]?.state, "failed");
  assert.equal(after([{ ...result, state: "failed" }]).isStale, false);
  assert.equal(after([{ ...result, state: "delivering" }]).isStale, true);
  assert.equal(after([result, { ...result, id: 8 }]).isStale, true);
  assert.equal(applyEventToDetail(detail, { kind: "series", series: series(6) }).detail, detail);

  const encoding = { ...detail, resultDetails: [{ ...unsegmented, state: "encoding", structures: [] }] } as unknown as SeriesDetail;
  const written = { kind: "series", series: series(5, { results: [{ ...result, state: "delivering" }] }) } as const;
  assert.equal(applyEventToDetail(encoding, written).isStale, true, "its files are there now");
});
