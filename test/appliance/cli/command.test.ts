import assert from "node:assert/strict";
import { test } from "node:test";
import { type Command, optional, parseCommand, required, UsageError } from "../../../appliance/cli/command.ts";

const command: Command = {
  words: ["user", "add"],
  summary: "",
  help: "",
  options: { data: { type: "string" }, exit: { type: "boolean" } },
  positionals: 1,
  run: async () => 0,
};

test("options and words are read in any order", () => {
  const args = parseCommand(command, ["--exit", "anna", "--data", "/d"]);
  assert.equal(required(args, "data"), "/d");
  assert.equal(args.values.exit, true);
  assert.deepEqual(args.positionals, ["anna"]);
  assert.equal(optional(parseCommand(command, ["--data=/e"]), "data"), "/e");
});

test("an option that was not given is undefined where it may be, and an error where it must not", () => {
  const args = parseCommand(command, []);
  assert.equal(optional(args, "data"), undefined);
  assert.throws(() => required(args, "data"), { name: "UsageError", message: "--data is required" });
  assert.throws(() => required(parseCommand(command, ["--data="]), "data"), UsageError);
});

for (const [what, args, message] of [
  ["an unknown option", ["--dta", "/d"], /^Unknown option '--dta'; `segbox user add --help` lists the options$/],
  ["an option without its value", ["--data"], /--data.*argument missing/],
  ["a value for an option that has none", ["--exit=yes"], /--exit.*does not take an argument/],
  ["a word too many", ["anna", "berta"], /unexpected "berta"/],
] as const)
  test(`${what} is a usage error on one line`, () => {
    assert.throws(
      () => parseCommand(command, args),
      (error: Error) => error instanceof UsageError && message.test(error.message) && !error.message.includes("\n"),
    );
  });
