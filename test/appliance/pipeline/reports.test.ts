import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Review } from "../../../appliance/domain/result.ts";
import type { ObjectKind } from "../../../appliance/domain/rule.ts";
import { mintUids } from "../../../appliance/pipeline/outputs.ts";
import { destinationsToTell, earlierReport, earlierStructureSet, noteFirstReport, reportFor } from "../../../appliance/pipeline/reports.ts";
import { addDelivery, getDelivery } from "../../../appliance/store/deliveries.ts";
import { addReceipt } from "../../../appliance/store/receipts.ts";
import { addResult, getResult, setReview } from "../../../appliance/store/results.ts";
import { addSeries, newResult } from "../../make/database.ts";
import { pipelineSteps } from "./steps.ts";

const accepted: Review = { verdict: "accepted", by: "anna", at: 9, reason: "", organization: "Klinik" };
const uidsOf = (n: number) => ({ seriesInstanceUid: `2.25.1${n}`, sopInstanceUid: `2.25.2${n}` });

/** A series with a result that has a SEG and a report. All reports lie there as if they were written, so that none is. */
async function reportedResult() {
  const box = await pipelineSteps();
  const { database } = box;
  const seriesId = addSeries(database, 1);
  const make = async (digest: string): Promise<number> => {
    const id = addResult(database, newResult(seriesId, digest, { uids: mintUids() }))!;
    await mkdir(box.resultFolder(id), { recursive: true });
    for (const file of ["sr.dcm", ...Array.from({ length: 9 }, (_, index) => `sr-${index}.dcm`)])
      await writeFile(join(box.resultFolder(id), file), "a report");
    noteFirstReport(database, getResult(database, id)!, ["seg", "sr"], earlierReport(database, getResult(database, id)!));
    return id;
  };
  let receipts = 0;
  /** A destination has taken an object; for a report, which one. */
  const arrive = (resultId: number, destination: string, output: ObjectKind, uids = uidsOf(++receipts)): void => {
    const id = addDelivery(database, { resultId, destination, choices: [output], state: "waiting" });
    const what = { output, sopClassUid: "1.2", ...uids, sha256: null };
    addReceipt(database, id, { service: "c-store", ...what, aeTitle: "A", status: 0, comment: null, at: 9 });
  };
  const choose = async (resultId: number, destination: string, output: ObjectKind = "sr") => {
    const id = addDelivery(database, { resultId, destination, choices: [output], state: "waiting" });
    const report = await reportFor(
      getDelivery(database, id)!,
      getResult(database, resultId)!,
      { ...box, device: () => assert.fail("nothing is written here") },
      new AbortController().signal,
    );
    assert.equal(getDelivery(database, id)!.documentId, report.id);
    return report;
  };
  return { ...box, make, arrive, choose, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

test("the report written with the other objects goes where its SEG has arrived; where none has, another that refers to none", async () => {
  await using box = await reportedResult();
  const id = await box.make("d1");
  box.arrive(id, "pacs", "seg");
  box.arrive(id, "planning", "rtstruct");
  const toPacs = await box.choose(id, "pacs");
  assert.deepEqual([toPacs.file, toPacs.uids], ["sr.dcm", getResult(box.database, id)!.uids.sr]);
  const toPlanning = await box.choose(id, "planning");
  assert.notEqual(toPlanning.uids.sopInstanceUid, toPacs.uids.sopInstanceUid);
  assert.deepEqual(toPlanning.says, { segmentation: null, predecessor: null, review: null });
  assert.equal((await box.choose(id, "viewer")).id, toPlanning.id, "what says the same is the same");
});

test("every try of a delivery sends the report that its first one chose, whatever has arrived since", async () => {
  await using box = await reportedResult();
  const id = await box.make("d1");
  const first = await box.choose(id, "pacs");
  box.arrive(id, "pacs", "seg");
  setReview(box.database, id, accepted);
  assert.equal((await box.choose(id, "pacs")).id, first.id);
});

test("after acceptance a report takes the place of the one that its destination has; in a newer result, of the last of the older", async () => {
  await using box = await reportedResult();
  const id = await box.make("d1");
  box.arrive(id, "pacs", "seg");
  const first = await box.choose(id, "pacs");
  box.arrive(id, "pacs", "sr", first.uids);
  setReview(box.database, id, accepted);
  assert.deepEqual(destinationsToTell(box.database, id), ["pacs"]);
  const reviewed = await box.choose(id, "pacs", "reviewed-sr");
  assert.deepEqual(reviewed.says, { segmentation: "seg", predecessor: first.uids, review: accepted });
  box.arrive(id, "pacs", "reviewed-sr", reviewed.uids);
  assert.deepEqual(destinationsToTell(box.database, id), []);

  const newer = await box.make("d2");
  box.arrive(newer, "pacs", "seg");
  const next = await box.choose(newer, "pacs");
  assert.deepEqual([next.file, next.says], ["sr.dcm", { segmentation: "seg", predecessor: reviewed.uids, review: null }]);
  box.arrive(newer, "archive", "seg");
  assert.deepEqual(
    (await box.choose(newer, "archive")).says,
    { segmentation: "seg", predecessor: null, review: null },
    "who has no older report is told of none",
  );
});

test("a structure set takes the place of the last one that any destination has of an older result, and of none that nobody has", async () => {
  await using box = await reportedResult();
  const older = await box.make("d1");
  const newer = await box.make("d2");
  const before = (id: number) => earlierStructureSet(box.database, getResult(box.database, id)!);
  box.arrive(older, "pacs", "seg");
  assert.equal(before(newer), null);
  box.arrive(older, "planning", "rtstruct", uidsOf(70));
  assert.deepEqual([before(newer), before(older)], [uidsOf(70), null]);
});
