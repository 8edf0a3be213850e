import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../appliance/base/clock.ts";
import { createLog } from "../../../appliance/base/log.ts";
import { RefusedCallers } from "../../../appliance/pipeline/refused-callers.ts";
import { listRefusedCallers } from "../../../appliance/store/refused-callers.ts";
import { temporaryDatabase } from "../../make/database.ts";

const refused = {
  callingAeTitle: "CT9 ",
  calledAeTitle: "SEGBOX",
  remoteAddress: "10.0.0.9",
  reason: "calling-ae-not-recognized",
} as const;

test("a storm of refusals is counted whole in one row, and made-up titles are bounded", async () => {
  await using made = await temporaryDatabase();
  const callers = new RefusedCallers(
    made.database,
    systemClock,
    createLog(() => {}, Date.now),
  );
  for (let knock = 0; knock < 1000; knock++) callers.note(refused);
  for (let index = 0; index < 1000; index++) callers.note({ ...refused, callingAeTitle: `X${index}` });
  assert.deepEqual(listRefusedCallers(made.database), [], "nothing is written at once");
  callers.write();
  const rows = listRefusedCallers(made.database);
  assert.equal(rows.length, 200);
  assert.equal(rows.find(({ callingAeTitle }) => callingAeTitle === "CT9")?.count, 1000);
});

test("a database that is away costs the counts, not the node", async () => {
  const made = await temporaryDatabase();
  const lines: string[] = [];
  const callers = new RefusedCallers(
    made.database,
    systemClock,
    createLog((line) => lines.push(line), Date.now),
  );
  callers.note(refused);
  await made[Symbol.asyncDispose]();
  callers.write();
  assert.match(lines.join(), /refusals-not-counted/);
});
