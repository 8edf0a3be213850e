import assert from "node:assert/strict";
import { test } from "node:test";
import { addRefusals, listRefusedCallers, removeRefusalsOf } from "../../../appliance/store/refused-callers.ts";
import { temporaryDatabase } from "../../make/database.ts";

const refusal = { callingAeTitle: "CT9", calledAeTitle: "SEGBOX", address: "10.0.0.9", reason: "calling-ae-not-recognized", detail: "" };

test("a caller that comes again is counted in its row", async () => {
  await using made = await temporaryDatabase();
  addRefusals(made.database, [{ ...refusal, count: 2, at: 10 }]);
  addRefusals(made.database, [{ ...refusal, count: 3, at: 20 }]);
  assert.deepEqual(listRefusedCallers(made.database), [{ id: 1, ...refusal, count: 5, firstAt: 10, lastAt: 20 }]);
});

test("another reason, title or address is another row, the latest first", async () => {
  await using made = await temporaryDatabase();
  const others = [
    refusal,
    { ...refusal, detail: "address-not-known" },
    { ...refusal, address: "10.0.0.8" },
    { ...refusal, calledAeTitle: "X" },
  ];
  addRefusals(
    made.database,
    others.map((other, index) => ({ ...other, count: 1, at: index })),
  );
  assert.deepEqual(
    listRefusedCallers(made.database).map(({ lastAt }) => lastAt),
    [3, 2, 1, 0],
  );
});

test("made-up titles without end leave 500 rows, the latest", async () => {
  await using made = await temporaryDatabase();
  const callers = Array.from({ length: 700 }, (_, at) => ({ ...refusal, callingAeTitle: `X${at}`, count: 1, at }));
  addRefusals(made.database, callers);
  const kept = listRefusedCallers(made.database);
  assert.equal(kept.length, 500);
  assert.equal(kept.at(-1)!.callingAeTitle, "X200");
});

test("a caller that is known now is forgotten, with all its reasons", async () => {
  await using made = await temporaryDatabase();
  addRefusals(made.database, [
    { ...refusal, count: 1, at: 1 },
    { ...refusal, detail: "address-not-known", count: 1, at: 2 },
    { ...refusal, address: "10.0.0.8", count: 1, at: 3 },
  ]);
  removeRefusalsOf(made.database, "CT9", "10.0.0.9");
  assert.deepEqual(
    listRefusedCallers(made.database).map(({ address }) => address),
    ["10.0.0.8"],
  );
});
