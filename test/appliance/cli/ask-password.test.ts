import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { verifyPassword } from "../../../appliance/host/password.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { findUser } from "../../../appliance/store/users.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

const main = join(import.meta.dirname, "../../../appliance/cli/main.ts");
const terminal = join(import.meta.dirname, "on_a_terminal.py");

/** `segbox user add anna` on a terminal of its own, where somebody types when asked. */
async function addUserTyping(data: string, first: string, second: string) {
  const answers = JSON.stringify([
    ["Password, at least 15 characters: ", first],
    ["The same again: ", second],
  ]);
  const command = [process.execPath, main, "user", "add", "anna", "--role", "reviewer", "--data", data];
  const { code, stdout } = await run("/usr/bin/python3", [terminal, answers, ...command], { timeoutMs: 60_000 });
  return { code, shown: stdout.replaceAll("\r", "") };
}

test("on a terminal the password is asked for twice, can be corrected while it is typed, and is never shown", async () => {
  await using folder = await temporaryFolder();
  const { code, shown } = await addUserTyping(folder.path, "correct horsf\u007fe battery\r", "correct horse battery\r");
  assert.equal(code, 0, shown);
  assert.equal(shown, "Password, at least 15 characters: \nThe same again: \nuser anna added as reviewer\n");
  const database = await openDatabase(join(folder.path, "segbox.sqlite"), 1);
  assert.ok(await verifyPassword("correct horse battery", findUser(database, "anna")!.passwordHash));
  database.close();
});

test("two passwords that differ, and Ctrl-C, change nothing", async () => {
  await using folder = await temporaryFolder();
  const differing = await addUserTyping(folder.path, "correct horse battery\r", "correct horse batteries\r");
  assert.deepEqual(
    [differing.code, differing.shown.split("\n").at(-2)],
    [1, "segbox: the two passwords are not the same; nothing was changed"],
  );
  const given = await addUserTyping(folder.path, "corr\u0003", "");
  assert.deepEqual([given.code, given.shown.split("\n").at(-2)], [1, "segbox: given up; nothing was changed"]);
});
