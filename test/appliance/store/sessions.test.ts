import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addSession,
  findSession,
  removeSession,
  removeSessionsOf,
  removeStaleSessions,
  touchSession,
} from "../../../appliance/store/sessions.ts";
import { addUser, findUser } from "../../../appliance/store/users.ts";
import { temporaryDatabase } from "../../make/database.ts";

const anna = { name: "anna", role: "reviewer", passwordHash: "$hash", createdAt: 5 } as const;
const session = (tokenDigest: string, userId: number, at: number) =>
  ({ tokenDigest, userId, createdAt: at, lastSeenAt: at, address: "10.0.0.1", gaveSecondFactor: false }) as const;

test("a session leads to its user until it is removed", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  addUser(database, anna);
  const { id } = findUser(database, "anna")!;
  addSession(database, session("t1", id, 100));
  assert.deepEqual(findSession(database, "t1"), {
    user: { id, name: "anna", role: "reviewer" },
    createdAt: 100,
    lastSeenAt: 100,
    address: "10.0.0.1",
    gaveSecondFactor: false,
    hasSecondFactor: false,
    hasInitialPassword: false,
  });
  touchSession(database, "t1", 250, "10.0.0.2");
  assert.partialDeepStrictEqual(findSession(database, "t1"), { lastSeenAt: 250, address: "10.0.0.2" });
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
    addSession(database, session(tokenDigest, id, at));
    touchSession(database, tokenDigest, seen, "10.0.0.1");
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
  addSession(database, session("t1", findUser(database, "anna")!.id, 1));
  database.run("delete from user");
  assert.equal(findSession(database, "t1"), undefined);
});

test("all sessions of a user end but one, and nobody else's", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const [anna1, ben] = [addUser(database, anna), addUser(database, { ...anna, name: "ben" })];
  for (const token of ["a1", "a2", "a3"]) addSession(database, session(token, anna1, 1));
  addSession(database, session("b1", ben, 1));
  assert.deepEqual(removeSessionsOf(database, anna1, "a2").toSorted(), ["a1", "a3"]);
  assert.deepEqual(
    ["a1", "a2", "a3", "b1"].filter((token) => findSession(database, token)),
    ["a2", "b1"],
  );
});
