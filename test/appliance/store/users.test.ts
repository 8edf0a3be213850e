import assert from "node:assert/strict";
import { test } from "node:test";
import { addUser, countUsers, findUser } from "../../../appliance/store/users.ts";
import { temporaryDatabase } from "../../make/database.ts";

const anna = { name: "anna", role: "reviewer", passwordHash: "$hash", createdAt: 5 } as const;

test("a user is found by name, in any case", async () => {
  await using made = await temporaryDatabase();
  assert.equal(countUsers(made.database), 0);
  addUser(made.database, anna);
  const found = findUser(made.database, "Anna")!;
  assert.deepEqual(found, {
    id: found.id,
    name: "anna",
    role: "reviewer",
    passwordHash: "$hash",
    initialUntil: null,
    hasSecondFactor: false,
    isVouched: false,
  });
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
