import assert from "node:assert/strict";
import { test } from "node:test";
import { retryResult } from "../../../appliance/pipeline/retry.ts";
import { addDelivery, getDelivery, noteDelivery } from "../../../appliance/store/deliveries.ts";
import { addResult, getResult, moveResult, setSegmented } from "../../../appliance/store/results.ts";
import { addSeries, newResult, temporaryDatabase } from "../../make/database.ts";

const record = { provider: "cpu", precision: "fp32", patches: 1, inferenceMs: 1, wallMs: 1, peakMemoryBytes: 1, notes: [] };

async function oneResult() {
  const made = await temporaryDatabase();
  const resultId = addResult(made.database, newResult(addSeries(made.database, 1), "d1"))!;
  const waiting = () => made.database.all<{ key: string }>("select key from job where state = 'waiting' order by id").map(({ key }) => key);
  return { ...made, resultId, waiting, [Symbol.asyncDispose]: made[Symbol.asyncDispose] };
}

test("a failed result begins anew", async () => {
  await using made = await oneResult();
  const { database, resultId } = made;
  moveResult(database, resultId, "failed", { code: "fault", message: "boom" });
  retryResult(database, resultId, 9);
  assert.equal(getResult(database, resultId)!.state, "pending");
  assert.deepEqual(made.waiting(), [`segment:${resultId}`]);
});

test("of a ready result only what is not delivered goes out again", async () => {
  await using made = await oneResult();
  const { database, resultId } = made;
  setSegmented(database, resultId, [], record);
  moveResult(database, resultId, "ready");
  const delivered = addDelivery(database, { resultId, destination: "pacs", choices: ["seg"], state: "waiting" });
  const refused = addDelivery(database, { resultId, destination: "pacs", choices: ["rtstruct"], state: "waiting" });
  noteDelivery(database, delivered, { state: "delivered", reason: null, status: 0, at: 1 });
  noteDelivery(database, refused, { state: "failed", reason: { code: "peer-refused", message: "A900" }, status: null, at: 1 });
  retryResult(database, resultId, 9);
  assert.deepEqual(made.waiting(), [`deliver:${refused}`]);
  assert.equal(getDelivery(database, refused)!.state, "waiting");
  assert.equal(getDelivery(database, delivered)!.state, "delivered");
});

test("where nothing failed there is nothing to try again", async () => {
  await using made = await oneResult();
  const { database, resultId } = made;
  assert.throws(() => retryResult(database, resultId, 9), { name: "RefusedError", code: "nothing-to-retry" });
  setSegmented(database, resultId, [], record);
  moveResult(database, resultId, "ready");
  assert.throws(() => retryResult(database, resultId, 9), { code: "nothing-to-retry" });
  assert.throws(() => retryResult(database, 999, 9), { code: "not-found" });
  assert.deepEqual(made.waiting(), []);
});

test("a result whose model has changed since is planned anew, with the version that is there now", async () => {
  await using made = await oneResult();
  const { database, resultId } = made;
  moveResult(database, resultId, "failed", { code: "model-changed", message: "version 1 then, 2 now" });
  retryResult(database, resultId, 9);
  assert.equal(getResult(database, resultId)!.state, "failed");
  assert.deepEqual(made.waiting(), ["select:1"]);
});
