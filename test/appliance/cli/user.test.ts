import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { verifyPassword } from "../../../appliance/host/password.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { addSession } from "../../../appliance/store/sessions.ts";
import { addUser, findUser } from "../../../appliance/store/users.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

const cli = join(import.meta.dirname, "../../../appliance/cli/main.ts");

test("at the box users are listed, get another role or a password for one sign-in, and go; the last administrator stays", async () => {
  await using folder = await temporaryFolder("user");
  const database = await openDatabase(join(folder.path, "segbox.sqlite"), 1);
  const anna = addUser(database, { name: "anna", role: "admin", passwordHash: "-", createdAt: 1 });
  addUser(database, { name: "ben", role: "reviewer", passwordHash: "-", createdAt: 1 });
  addSession(database, { tokenDigest: "d", userId: anna, address: "10.0.0.1", gaveSecondFactor: false, createdAt: 1, lastSeenAt: 1 });
  const user = (...args: string[]) => run(process.execPath, [cli, "user", ...args, "--data", folder.path]);

  assert.equal((await user("list")).stdout, "anna, admin\nben, reviewer\n");
  for (const args of [
    ["remove", "anna"],
    ["role", "anna", "--role", "engineer"],
  ]) {
    const { code, stderr } = await user(...args);
    assert.equal(code, 1);
    assert.match(stderr, /^segbox: this is the last administrator; [^\n]+\n$/);
  }
  const { code, stdout } = await user("reset", "ANNA", "--second-factor");
  assert.equal(code, 0);
  assert.ok(await verifyPassword(stdout.trim(), findUser(database, "anna")!.passwordHash));
  assert.notEqual(findUser(database, "anna")!.initialUntil, null);
  assert.deepEqual(database.all("select * from session"), []);
  assert.equal((await user("role", "ben", "--role", "engineer")).stdout, "ben is engineer now\n");
  assert.equal((await user("remove", "ben")).stdout, "ben removed\n");
  assert.match((await user("reset", "ben")).stderr, /there is no user ben/);
  assert.ok(listAudit(database, 10).every(({ actor }) => actor === "console"));
  database.close();
});
