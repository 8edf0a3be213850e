import assert from "node:assert/strict";
import { test } from "node:test";
import { deliverJob } from "../../../appliance/pipeline/job-kinds.ts";
import { retryDelivery } from "../../../appliance/pipeline/outbox.ts";
import { retryResult } from "../../../appliance/pipeline/retry.ts";
import { reviewResult, supersedeEarlier } from "../../../appliance/pipeline/review.ts";
import { addDelivery, getDelivery, listDeliveries, noteDelivery, setUnanswered } from "../../../appliance/store/deliveries.ts";
import { addJob, claimJob } from "../../../appliance/store/jobs.ts";
import { addReceipt } from "../../../appliance/store/receipts.ts";
import { addResult, getResult, moveResult, setSegmented } from "../../../appliance/store/results.ts";
import { addSeries, newResult } from "../../make/database.ts";
import { pipelineSteps } from "./steps.ts";

const record = { provider: "cpu", precision: "fp32", patches: 1, inferenceMs: 1, wallMs: 1, peakMemoryBytes: 1, notes: [] };
const rejected = { verdict: "rejected", by: "anna", at: 5, reason: "wrong" } as const;
const accepted = { verdict: "accepted", by: "anna", at: 5, reason: "" } as const;

/** A ready result of a series with two waiting deliveries. */
async function readyResult() {
  const box = await pipelineSteps();
  const seriesId = addSeries(box.database, 1);
  const make = (digest: string): number => {
    const id = addResult(box.database, newResult(seriesId, digest))!;
    setSegmented(box.database, id, [], record);
    moveResult(box.database, id, "ready");
    return id;
  };
  const resultId = make("d1");
  const deliver = (output: "seg" | "sr", id = resultId): number =>
    addDelivery(box.database, { resultId: id, destination: "pacs", choices: [output], state: "waiting" });
  const [seg, sr] = [deliver("seg"), deliver("sr")];
  /** The peer has taken it. */
  const arrive = (id: number): void => {
    const { output } = getDelivery(box.database, id)!;
    noteDelivery(box.database, id, outcome("delivered"));
    const what = { output, sopClassUid: "1.2", seriesInstanceUid: `2.25.1${id}`, sopInstanceUid: `2.25.2${id}`, sha256: null };
    addReceipt(box.database, id, { service: "c-store", ...what, aeTitle: "PACS", status: 0, comment: null, at: 9 });
  };
  const stateOf = (id: number) => getDelivery(box.database, id)!.state;
  return { ...box, seriesId, resultId, make, deliver, arrive, seg, sr, stateOf, [Symbol.asyncDispose]: box[Symbol.asyncDispose] };
}

const outcome = (state: "waiting" | "delivered" | "failed") => ({ state, reason: null, status: null, at: 9 }) as const;

test("what is withdrawn while it is on its way stays so when the try fails, and can't be sent again", async () => {
  await using box = await readyResult();
  reviewResult(box.database, box.resultId, rejected);
  noteDelivery(box.database, box.seg, outcome("waiting"));
  assert.deepEqual([box.stateOf(box.seg), box.stateOf(box.sr)], ["withdrawn", "withdrawn"]);
  assert.throws(() => retryDelivery(box.database, box.seg, 9), { code: "delivery-withdrawn" });
  assert.throws(() => retryResult(box.database, box.resultId, 9), { code: "nothing-to-retry" });
});

test("what arrived all the same counts as delivered, and the note waits for what is on its way", async () => {
  await using box = await readyResult();
  addJob(box.database, deliverJob(box.seg, 0));
  const running = claimJob(box.database, ["deliver"], 1);
  assert.ok(running);
  reviewResult(box.database, box.resultId, rejected);
  assert.deepEqual(
    box.waiting().map(({ key }) => key),
    [`announce-rejection:${box.resultId}`],
  );
  const later = await box.run("announce-rejection", { resultId: box.resultId });
  assert.ok(later !== undefined && later > box.at.now, "looks again when the object has arrived, or not");
  noteDelivery(box.database, box.seg, outcome("delivered"));
  assert.equal(box.stateOf(box.seg), "delivered");
});

test("a newer result withdraws every earlier one of its rule, and one that was superseded can't be judged", async () => {
  await using box = await readyResult();
  noteDelivery(box.database, box.seg, outcome("delivered"));
  const failed = addResult(box.database, newResult(box.seriesId, "d2"))!;
  moveResult(box.database, failed, "failed", { code: "x", message: "y" });
  const third = box.make("d3");
  supersedeEarlier(box.database, getResult(box.database, third)!, 9);
  assert.equal(getResult(box.database, box.resultId)!.state, "superseded");
  assert.deepEqual([box.stateOf(box.seg), box.stateOf(box.sr)], ["delivered", "withdrawn"]);
  assert.ok(box.waiting().some(({ key }) => key === `announce-rejection:${box.resultId}`));
  assert.throws(() => reviewResult(box.database, box.resultId, accepted), { code: "result-not-ready" });
});

test("a note that could not be written is shown among the deliveries, with the reason", async () => {
  await using box = await readyResult();
  box.arrive(box.seg);
  reviewResult(box.database, box.resultId, rejected);
  box.stepOf("announce-rejection").gaveUp({ resultId: box.resultId } as never, { code: "fault", message: "disk" });
  const row = box.database.get<{ state: string; reason: string }>(
    `select state, reason from delivery where choices = '["rejection-note"]'`,
  );
  assert.deepEqual([row?.state, JSON.parse(row!.reason).message], ["failed", "disk"]);
  const { id } = listDeliveries(box.database, box.resultId).find(({ output }) => output === "rejection-note")!;
  box.take("announce-rejection");
  retryDelivery(box.database, id, 9);
  assert.deepEqual(
    box.waiting().map(({ key }) => key),
    [`announce-rejection:${box.resultId}`],
    "sent again, it is written first",
  );
});

test("a destination that may have an object, since it never answered, is told too", async () => {
  await using box = await readyResult();
  setUnanswered(box.database, box.seg, { sopClassUid: "1.2", seriesInstanceUid: "2.25.11", sopInstanceUid: "2.25.21" });
  reviewResult(box.database, box.resultId, rejected);
  assert.equal(box.stateOf(box.seg), "withdrawn");
  // The note is begun: it needs the images, which are not here. Without a holder the step would end with nothing to do.
  await assert.rejects(box.run("announce-rejection", { resultId: box.resultId }), /images of result/);
  const { says } = box.database.get<{ says: string }>("select says from document where kind = 'rejection-note'")!;
  assert.deepEqual(JSON.parse(says).rejected, [{ sopClassUid: "1.2", seriesInstanceUid: "2.25.11", sopInstanceUid: "2.25.21" }]);
});

test("accepted once, rejected at most once, and a rejection stands", async () => {
  await using box = await readyResult();
  reviewResult(box.database, box.resultId, accepted);
  assert.throws(() => reviewResult(box.database, box.resultId, accepted), { code: "already-reviewed" });
  reviewResult(box.database, box.resultId, rejected);
  assert.throws(() => reviewResult(box.database, box.resultId, accepted), { code: "already-reviewed" });
  assert.equal(getResult(box.database, box.resultId)!.review?.verdict, "rejected");
});

test("whoever has the report of a result that is accepted later gets one that says so; who has none gets none", async () => {
  await using box = await readyResult();
  box.arrive(box.seg);
  const elsewhere = addDelivery(box.database, { resultId: box.resultId, destination: "archive", choices: ["sr"], state: "waiting" });
  box.arrive(elsewhere);
  reviewResult(box.database, box.resultId, accepted);
  const reviewed = listDeliveries(box.database, box.resultId).filter(({ output }) => output === "reviewed-sr");
  assert.deepEqual(
    reviewed.map(({ destination, state }) => [destination, state]),
    [["archive", "waiting"]],
    "the one on its way to pacs will say it itself, or is followed when it has arrived",
  );
  assert.ok(box.waiting().some(({ key }) => key === `deliver:${reviewed[0]!.id}`));
  reviewResult(box.database, box.resultId, rejected);
  assert.equal(box.stateOf(reviewed[0]!.id), "withdrawn");
});
