import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResultOutput } from "../../../appliance/domain/rule.ts";
import {
  addDelivery,
  fallBack,
  getDelivery,
  listDeliveries,
  listInTurn,
  listWaitingFor,
  noteAnswer,
  noteDelivery,
  reopenDelivery,
} from "../../../appliance/store/deliveries.ts";
import { addResult, getResult } from "../../../appliance/store/results.ts";
import { addSeries, newResult, temporaryDatabase } from "../../make/database.ts";

async function withDelivery() {
  const made = await temporaryDatabase();
  const resultId = addResult(made.database, newResult(addSeries(made.database, 1), "d1"))!;
  return {
    ...made,
    resultId,
    deliveryId: addDelivery(made.database, { resultId, destination: "pacs", choices: ["seg", "rtstruct"], state: "waiting" }),
    [Symbol.asyncDispose]: made[Symbol.asyncDispose],
  };
}

test("one object has one delivery per destination and list of choices", async () => {
  await using made = await withDelivery();
  const { database, resultId, deliveryId } = made;
  const add = (choices: ResultOutput[], destination: string) => addDelivery(database, { resultId, destination, choices, state: "held" });
  assert.equal(add(["seg", "rtstruct"], "pacs"), deliveryId);
  assert.notEqual(add(["rtstruct"], "pacs"), deliveryId);
  assert.notEqual(add(["seg", "rtstruct"], "archive"), deliveryId);
  assert.equal(listDeliveries(database, resultId).length, 3);
  assert.equal(getDelivery(database, deliveryId)!.state, "waiting");
});

test("the next choice goes in place of a refused one, which stays with its reason; a person's wish begins again at the first", async () => {
  await using made = await withDelivery();
  const { database, deliveryId: id } = made;
  const refusal = { output: "seg", reason: { code: "class-refused", message: "0122" }, status: 0x0122, at: 5 } as const;
  fallBack(database, getDelivery(database, id)!, refusal);
  assert.partialDeepStrictEqual(getDelivery(database, id), {
    output: "rtstruct",
    position: 1,
    refusals: [refusal],
    attempts: 0,
    triedAt: 5,
  });
  noteDelivery(database, id, { state: "failed", reason: { code: "peer-refused", message: "no" }, status: 0xc000, at: 6 });
  reopenDelivery(database, id);
  assert.partialDeepStrictEqual(getDelivery(database, id), { output: "seg", position: 0, refusals: [], state: "waiting", attempts: 1 });
});

test("the peer's last answer is kept, and how often in a row it was the same", async () => {
  await using made = await withDelivery();
  const { database, deliveryId: id } = made;
  const answer = (status: number, comment: string | null) => noteAnswer(database, id, { status, comment });
  assert.deepEqual([answer(0x0110, "database away"), answer(0x0110, null), answer(0xa700, "full"), answer(0x0110, "again")], [1, 2, 1, 1]);
  noteDelivery(database, id, { state: "waiting", reason: { code: "peer-timeout", message: "silent" }, status: null, at: 9 });
  assert.partialDeepStrictEqual(getDelivery(database, id), { status: 0x0110, comment: "again", triedAt: 9 });
  noteDelivery(database, id, { state: "delivered", reason: null, status: 0, comment: null, at: 10 });
  assert.partialDeepStrictEqual(getDelivery(database, id), { status: 0, comment: null });
});

test("of a series' waiting deliveries to a destination the oldest result's first one is next; held and failed ones hold nobody up", async () => {
  await using made = await withDelivery();
  const { database, resultId, deliveryId: first } = made;
  const seriesId = getResult(database, resultId)!.seriesId;
  const newer = addResult(database, newResult(seriesId, "d2"))!;
  const add = (id: number, output: ResultOutput, state: "held" | "waiting") =>
    addDelivery(database, { resultId: id, destination: "pacs", choices: [output], state });
  const ofNewer = add(newer, "seg", "waiting");
  const second = add(resultId, "rtstruct", "waiting"); // made last, of the older result
  add(resultId, "sr", "held");
  assert.deepEqual(listWaitingFor(database, "pacs"), [first, second, ofNewer]);
  assert.deepEqual(listInTurn(database, seriesId, "pacs"), [first]);
  noteDelivery(database, first, { state: "failed", reason: null, status: null, at: 1 });
  assert.deepEqual(listInTurn(database, seriesId, "pacs"), [second]);
  noteDelivery(database, second, { state: "delivered", reason: null, status: 0, at: 1 });
  assert.deepEqual(listInTurn(database, seriesId, "pacs"), [ofNewer]);
  assert.deepEqual(listInTurn(database, seriesId, "archive"), []);
});

test("a rejection note comes after its own result's objects, and holds up nothing of a newer one", async () => {
  await using made = await withDelivery();
  const { database, resultId, deliveryId: object } = made;
  const seriesId = getResult(database, resultId)!.seriesId;
  const newer = addResult(database, newResult(seriesId, "d2"))!;
  const note = addDelivery(database, { resultId, destination: "pacs", choices: ["rejection-note"], state: "waiting" });
  const ofNewer = addDelivery(database, { resultId: newer, destination: "pacs", choices: ["seg"], state: "waiting" });
  const noteOfNewer = addDelivery(database, { resultId: newer, destination: "pacs", choices: ["rejection-note"], state: "waiting" });
  assert.deepEqual(listInTurn(database, seriesId, "pacs"), [object]);
  noteDelivery(database, object, { state: "delivered", reason: null, status: 0, at: 1 });
  assert.deepEqual(listInTurn(database, seriesId, "pacs"), [note, ofNewer]);
  noteDelivery(database, ofNewer, { state: "delivered", reason: null, status: 0, at: 1 });
  assert.deepEqual(listInTurn(database, seriesId, "pacs"), [note, noteOfNewer]);
});

test("a delivery that failed and waits for another try counts it and says why; its success clears the reason", async () => {
  await using made = await withDelivery();
  const { database, deliveryId: id } = made;
  const reason = { code: "peer-unavailable", message: "the peer answered A700" };
  noteDelivery(database, id, { state: "waiting", reason, status: null, at: 10 });
  noteDelivery(database, id, { state: "waiting", reason, status: null, at: 20 });
  assert.partialDeepStrictEqual(getDelivery(database, id), { state: "waiting", attempts: 2, reason, deliveredAt: null });
  noteDelivery(database, id, { state: "delivered", reason: null, status: 0xb000, at: 30 });
  assert.partialDeepStrictEqual(getDelivery(database, id), {
    state: "delivered",
    attempts: 3,
    reason: null,
    status: 0xb000,
    deliveredAt: 30,
  });
});

test("what is delivered stays delivered", async () => {
  await using made = await withDelivery();
  const { database, deliveryId: id } = made;
  noteDelivery(database, id, { state: "delivered", reason: null, status: 0, at: 30 });
  assert.throws(() => noteDelivery(database, id, { state: "failed", reason: null, status: null, at: 40 }), { code: "delivery-settled" });
  reopenDelivery(database, id);
  assert.partialDeepStrictEqual(getDelivery(database, id), { state: "delivered", attempts: 1, deliveredAt: 30 });
});

test("a refused delivery is opened again by a person, its tries kept", async () => {
  await using made = await withDelivery();
  const { database, deliveryId: id } = made;
  noteDelivery(database, id, { state: "failed", reason: { code: "peer-refused", message: "A900" }, status: null, at: 10 });
  reopenDelivery(database, id);
  assert.partialDeepStrictEqual(getDelivery(database, id), { state: "waiting", attempts: 1, reason: null });
});
