import assert from "node:assert/strict";
import { test } from "node:test";
import {
  findNode,
  getSetting,
  listNodes,
  listRules,
  replaceNodesAndRules,
  setNodeFound,
  setSetting,
} from "../../../appliance/store/settings.ts";
import { axialRule, temporaryDatabase } from "../../make/database.ts";

const pacs = { name: "pacs", aeTitle: "PACS", host: "10.0.0.2", port: 104 };
const archive = { name: "archive", aeTitle: "ARCHIVE", host: "pacs.example", port: 11112 };

test("a setting is read back as it was last set, and one never set is undefined", async () => {
  await using made = await temporaryDatabase();
  assert.equal(getSetting(made.database, "station"), undefined);
  setSetting(made.database, "station", { name: "A" });
  setSetting(made.database, "station", { name: "B", serialNumber: "" });
  assert.deepEqual(getSetting(made.database, "station"), { name: "B", serialNumber: "" });
});

test("rules keep the order in which they were given", async () => {
  await using made = await temporaryDatabase();
  const rules = ["z", "a", "m"].map((name) => ({ ...axialRule, name }));
  replaceNodesAndRules(made.database, [pacs], rules);
  assert.deepEqual(listRules(made.database), rules);
});

test("replacing takes all earlier nodes and rules away", async () => {
  await using made = await temporaryDatabase();
  replaceNodesAndRules(made.database, [pacs, archive], [axialRule]);
  assert.deepEqual(listNodes(made.database), [archive, pacs]);
  replaceNodesAndRules(made.database, [archive], []);
  assert.deepEqual(listNodes(made.database), [archive]);
  assert.equal(findNode(made.database, "pacs"), undefined);
  assert.deepEqual(findNode(made.database, "archive"), archive);
  assert.deepEqual(listRules(made.database), []);
});

test("nodes and rules that can't all be stored leave the earlier ones", async () => {
  await using made = await temporaryDatabase();
  replaceNodesAndRules(made.database, [pacs], [axialRule]);
  assert.throws(() => replaceNodesAndRules(made.database, [archive, archive], []), /UNIQUE/);
  assert.deepEqual(listNodes(made.database), [pacs]);
  assert.deepEqual(listRules(made.database), [axialRule]);
});

test("what a test has found stays with a node that is still called in the same way", async () => {
  await using made = await temporaryDatabase();
  const served = { ...pacs, services: ["echo", "find"] as const, characterSet: "ISO_IR 192" };
  replaceNodesAndRules(made.database, [served, archive], []);
  const found = { at: 5, services: ["echo", "store", "get"] } as const;
  for (const { name } of [pacs, archive]) setNodeFound(made.database, name, found);
  replaceNodesAndRules(made.database, [served, { ...archive, port: 105 }], []);
  assert.deepEqual(listNodes(made.database), [
    { ...archive, port: 105 },
    { ...served, found },
  ]);
});

test("where a node calls from, and how it speaks TLS, is kept", async () => {
  await using made = await temporaryDatabase();
  const guarded = { ...pacs, callsFrom: ["10.0.0.0/8", "fd00::1"], tls: { callerCertificate: "required" as const, name: "pacs.hospital" } };
  replaceNodesAndRules(made.database, [guarded], []);
  assert.deepEqual(listNodes(made.database), [guarded]);
});
