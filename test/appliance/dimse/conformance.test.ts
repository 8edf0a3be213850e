import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { conformancePath, conformanceStatement } from "../../make/conformance-statement.ts";

test("the conformance statement is what the program's tables say; `npm run conformance` writes it anew", async () => {
  const now = await conformanceStatement();
  assert.ok(!now.includes("| undefined"));
  assert.equal(readFileSync(conformancePath, "utf8"), now);
});

test("every attribute of a created object has its name", async () => {
  const nameless = (await conformanceStatement()).match(/^\| \([0-9a-f]{4},[0-9a-f]{4}\) \| {2}\|.*$/gm);
  assert.equal(nameless, null, nameless?.join("\n"));
});
