import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { SeriesDetail, SeriesSummary } from "../../../appliance/api/series.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { noteDelivery } from "../../../appliance/store/deliveries.ts";
import { moveResult } from "../../../appliance/store/results.ts";
import { setSeriesState } from "../../../appliance/store/series.ts";
import { addPendingResult, addResultFiles, addSeries, type Box, startBox } from "./box.ts";

let box: Box;
let cookie: string;
before(async () => {
  box = await startBox();
  cookie = await box.signIn("reviewer");
});
after(() => box.close());

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(`${box.origin}${path}`, { headers: { cookie } });
  assert.equal(answer.status, 200);
  return (await answer.json()) as T;
}

const slices = {
  images: {
    dims: [2, 1, 1],
    spacingMm: [1, 1, 1],
    directions: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  },
  hu: new Int16Array(2),
  labels: new Uint8Array(2),
} as const;

test("the list has the newest first and goes on before an id", async () => {
  const ids = [addSeries(box), addSeries(box), addSeries(box)];
  const list = await get<SeriesSummary[]>("/api/series");
  assert.deepEqual(
    list.slice(0, 3).map(({ id }) => id),
    ids.toReversed(),
  );
  const older = await get<SeriesSummary[]>(`/api/series?before=${ids[1]}`);
  assert.equal(older[0]?.id, ids[0]);
  for (const before of ["0", "-1", "x", "1;drop", "1&before=2"])
    assert.equal((await fetch(`${box.origin}/api/series?before=${before}`, { headers: { cookie } })).status, 404, before);
});

test("a line tells who, what, from where, and how many images", async () => {
  const id = addSeries(box, { patientName: "Roe^Richard", patientId: "99" }, 14);
  const [line] = await get<SeriesSummary[]>("/api/series");
  assert.partialDeepStrictEqual(line, {
    id,
    state: "receiving",
    patientName: "Roe^Richard",
    patientId: "99",
    studyDate: "20260131",
    callingAeTitle: "SCANNER1",
    instanceCount: 14,
    results: [],
  });
});

test("a result's state on the page follows its row, its progress and its deliveries", async () => {
  const seriesId = addSeries(box);
  const resultId = addPendingResult(box, seriesId);
  const state = async () => {
    const { results } = await get<SeriesDetail>(`/api/series/${seriesId}`);
    return [results[0]?.state, results[0]?.progress];
  };
  assert.deepEqual(await state(), ["waiting", null]);
  box.progress.set(resultId, 0.25);
  assert.deepEqual(await state(), ["running", 0.25]);
  box.progress.delete(resultId);
  const [seg, rtstruct] = await addResultFiles(box, resultId, slices);
  assert.deepEqual(await state(), ["delivering", null]);
  const delivered = { state: "delivered", reason: null, status: 0, at: 5 } as const;
  noteDelivery(box.database, seg, delivered);
  assert.deepEqual(await state(), ["delivering", null]);
  noteDelivery(box.database, rtstruct, { state: "failed", reason: { code: "refused", message: "no" }, status: 0x0122, at: 5 });
  assert.deepEqual(await state(), ["delivery-failed", null]);
  noteDelivery(box.database, rtstruct, delivered);
  assert.deepEqual(await state(), ["delivered", null]);
});

test("the detail has the structures under their model's names and colours, and the grid", async () => {
  const seriesId = addSeries(box);
  const resultId = addPendingResult(box, seriesId);
  const measure = { voxels: 3, volumeMl: 0.003, meanHu: -700.5, touchesBorder: true, centreIjk: [1, 0, 0] } as const;
  await addResultFiles(box, resultId, slices, [
    { value: 1, ...measure },
    { value: 77, ...measure },
  ]);
  const { resultDetails } = await get<SeriesDetail>(`/api/series/${seriesId}`);
  const [result] = resultDetails;
  assert.equal(result?.modelTitle, "Reference tissues");
  assert.match(result?.notFor ?? "", /Not for diagnosis/);
  assert.deepEqual(result?.images, slices.images);
  assert.deepEqual(result?.files, ["seg.dcm", "rtstruct.dcm", "labels.nii.gz", "statistics.json", "provenance.json"]);
  await rm(join(box.resultFolder(resultId), "seg.dcm"));
  const later = await get<SeriesDetail>(`/api/series/${seriesId}`);
  assert.deepEqual(later.resultDetails[0]?.files, ["rtstruct.dcm", "labels.nii.gz", "statistics.json", "provenance.json"]);
  assert.deepEqual(
    result?.structures?.map(({ value, name, title, color, touchesBorder }) => [value, name, title, color, touchesBorder]),
    [
      [1, "lung", "Lungs", [86, 180, 233], true],
      [77, "label_77", "Label 77", [200, 200, 200], true], // the installed model knows no such label: its number is all there is to say
    ],
  );
});

test("the reasons of an ignored series and of a failed result come along", async () => {
  const seriesId = addSeries(box);
  const resultId = addPendingResult(box, seriesId);
  const reason = { code: "too-few-slices", message: "2 slices, expected at least 10" };
  setSeriesState(box.database, seriesId, "ignored", reason);
  moveResult(box.database, resultId, "failed", reason);
  const detail = await get<SeriesDetail>(`/api/series/${seriesId}`);
  assert.deepEqual([detail.reason, detail.results[0]?.reason], [reason, reason]);
});

test("views are in the audit trail by our own ids, without the patient", async () => {
  const id = addSeries(box, { patientName: "Marked^Name", patientId: "marked-id" });
  await get(`/api/series/${id}`);
  await get("/api/series");
  const [list, detail] = listAudit(box.database, 2);
  assert.partialDeepStrictEqual(list, { actor: "user:reviewer", action: "worklist-viewed", object: "series" });
  assert.partialDeepStrictEqual(detail, { actor: "user:reviewer", action: "series-viewed", object: `series:${id}` });
  assert.doesNotMatch(JSON.stringify(listAudit(box.database, 1000)) + box.log.join(""), /marked/i);
});

test("an id that is none, or of nothing, is not found", async () => {
  for (const id of ["0", "-1", "x", "1.0", "999999", "99999999999999999999"])
    assert.equal((await fetch(`${box.origin}/api/series/${id}`, { headers: { cookie } })).status, 404, id);
});
