import assert from "node:assert/strict";
import { test } from "node:test";
import { type AuditEntry, addAudit, listAudit } from "../../../appliance/store/audit.ts";
import { temporaryDatabase } from "../../make/database.ts";

const entry = (at: number): AuditEntry => ({ at, actor: "user:anna", action: "result-retried", object: `result:${at}`, detail: { n: at } });

test("the trail is read newest first, up to a limit", async () => {
  await using made = await temporaryDatabase();
  for (const at of [1, 2, 3]) addAudit(made.database, entry(at));
  assert.deepEqual(listAudit(made.database, 2), [entry(3), entry(2)]);
});

test("an entry can be neither changed nor deleted", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  addAudit(database, entry(1));
  assert.throws(() => database.run("update audit set actor = 'user:eve'"), /append-only/);
  assert.throws(() => database.run("delete from audit"), /append-only/);
  assert.throws(() => database.run("insert or replace into audit select id, 9, actor, action, object, detail from audit"), /append-only/);
  assert.deepEqual(listAudit(database, 10), [entry(1)]);
});
