import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { dataFolder } from "../../../appliance/config/data-folder.ts";
import { listAudit } from "../../../appliance/store/audit.ts";
import { openDatabase } from "../../../appliance/store/database.ts";
import { listNodes, listPausedNodes, replaceNodesAndRules } from "../../../appliance/store/settings.ts";
import { axialRule } from "../../make/database.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { run } from "../../peers/process.ts";

const main = join(import.meta.dirname, "../../../appliance/cli/main.ts");

test("a node is paused and resumed from the console, which the audit trail says; a name that is none is refused with those that are", async () => {
  await using folder = await temporaryFolder("cli-node");
  const database = await openDatabase(dataFolder(folder.path).database, 1);
  replaceNodesAndRules(database, [{ name: "main pacs", aeTitle: "PACS", host: "127.0.0.1", port: 104 }], []);
  const segbox = (...args: string[]) => run(process.execPath, [main, "node", ...args, "--data", folder.path]);
  try {
    const paused = await segbox("pause", "main pacs");
    assert.deepEqual([paused.code, paused.stdout], [0, "main pacs is paused\n"]);
    assert.deepEqual(listPausedNodes(database), ["main pacs"]);
    assert.equal((await segbox("resume", "main pacs")).code, 0);
    assert.deepEqual(listPausedNodes(database), []);
    const refused = await segbox("pause", "pcas");
    assert.deepEqual([refused.code, refused.stderr], [1, "segbox: there is no node pcas; known: main pacs\n"]);
    assert.equal((await segbox("pause")).code, 2);
    assert.deepEqual(
      listAudit(database, 10).map(({ actor, action, object }) => [actor, action, object]),
      [
        ["console", "node-resumed", "node:main pacs"],
        ["console", "node-paused", "node:main pacs"],
      ],
    );
  } finally {
    database.close();
  }
});

test("a node is forgotten from the console, unless a rule sends there", async () => {
  await using folder = await temporaryFolder("cli-node-remove");
  const database = await openDatabase(dataFolder(folder.path).database, 1);
  const node = (name: string) => ({ name, aeTitle: name.toUpperCase(), host: "127.0.0.1", port: 104 });
  replaceNodesAndRules(database, [node("pacs"), node("ct9")], [{ ...axialRule, destinations: ["pacs"] }]);
  const remove = (name: string) => run(process.execPath, [main, "node", "remove", name, "--data", folder.path]);
  try {
    assert.deepEqual([(await remove("ct9")).stdout], ["ct9 is forgotten\n"]);
    assert.match((await remove("pacs")).stderr, /rule .* sends results to pacs/);
    assert.match((await remove("ct9")).stderr, /there is no node ct9; known: pacs/);
    assert.deepEqual(
      listNodes(database).map(({ name }) => name),
      ["pacs"],
    );
    assert.partialDeepStrictEqual(listAudit(database, 1), [{ actor: "console", action: "node-removed", object: "node:ct9" }]);
  } finally {
    database.close();
  }
});
