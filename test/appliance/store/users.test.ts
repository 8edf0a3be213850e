import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addSession,
  addUser,
  countUsers,
  findSession,
  findUser,
  removeSession,
  removeStaleSessions,
  touchSession,
} from "../../../appliance/store/users.ts";
import { temporaryDatabase } from "../../make/database.ts";

const anna = { name: "anna", role: "reviewer", passwordHash: "$hash", createdAt: 5 } as const;

test("a user is found by name, in any case", async () => {
  await using made = await temporaryDatabase();
  assert.equal(countUsers(made.database), 0);
  addUser(made.database, anna);
  const found = findUser(made.database, "Anna")!;
  assert.deepEqual(found, { id: found.id, name: "anna", role: "reviewer", passwordHash: "$hash" });
  assert.equal(findUser(made.database, "ann"), undefined);
  assert.equal(countUsers(made.database), 1);
});

test("a name that differs in case only is taken, and the first user stays as it was", async () => {
  await using made = await temporaryDatabase();
  addUser(made.database, anna);
  assert.throws(() => addUser(made.database, { ...anna, name: "ANNA", role: "admin" }), { name: "RefusedError", code: "user-exists" });
  assert.equal(findUser(made.database, "anna")!.role, "reviewer");
});

test("a role that does not exist is refused by the database too", async () => {
  await using made = await temporaryDatabase();
  assert.throws(() => addUser(made.database, { ...anna, role: "root" as "admin" }), /CHECK/);
});

test("a session leads to its user until it is removed", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  addUser(database, anna);
  const { id } = findUser(database, "anna")!;
  addSession(database, { tokenDigest: "t1", userId: id, at: 100 });
  assert.deepEqual(findSession(database, "t1"), { user: { id, name: "anna", role: "reviewer" }, createdAt: 100, lastSeenAt: 100 });
  touchSession(database, "t1", 250);
  assert.equal(findSession(database, "t1")!.lastSeenAt, 250);
  removeSession(database, "t1");
  assert.equal(findSession(database, "t1"), undefined);
});

test("sessions that are old or were not seen for long end, the others go on", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  addUser(database, anna);
  const { id } = findUser(database, "anna")!;
  for (const [tokenDigest, at, seen] of [
    ["old", 10, 900],
    ["idle", 500, 510],
    ["live", 500, 900],
  ] as const) {
    addSession(database, { tokenDigest, userId: id, at });
    touchSession(database, tokenDigest, seen);
  }
  removeStaleSessions(database, { createdBefore: 100, seenBefore: 800 });
  assert.deepEqual(
    ["old", "idle", "live"].filter((token) => findSession(database, token)),
    ["live"],
  );
});

test("a user's sessions end with the user", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  addUser(database, anna);
  addSession(database, { tokenDigest: "t1", userId: findUser(database, "anna")!.id, at: 1 });
  database.run("delete from user");
  assert.equal(findSession(database, "t1"), undefined);
});
