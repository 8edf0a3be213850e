import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { listAudit } from "../../appliance/store/audit.ts";
import { getSetting, listNodes, listRules, replaceNodesAndRules, setSetting } from "../../appliance/store/settings.ts";
import { applySiteFile } from "../../provisioning/apply-site.ts";
import { temporaryDatabase } from "../make/database.ts";

const example = join(import.meta.dirname, "../../provisioning/example.yaml");

test("a site file's settings, nodes and rules are in the database after it, and the audit trail says so", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  assert.equal(await applySiteFile(database, example, 77), true);
  assert.deepEqual(getSetting(database, "station"), { name: "SEGBOX-1", serialNumber: "0001" });
  assert.partialDeepStrictEqual(getSetting(database, "dicom"), { aeTitle: "SEGBOX", port: 11112, quietSeconds: 10 });
  assert.deepEqual(getSetting(database, "http"), {
    address: "127.0.0.1",
    port: 8443,
    tls: "own",
    names: [],
    dicomWebOrigins: [],
    limits: { requestsPerSecond: 100, dicomWebRequestsPerSecond: 200 },
  });
  assert.deepEqual(
    listNodes(database).map(({ name, aeTitle }) => [name, aeTitle]),
    [
      ["pacs", "PACS"],
      ["scanner", "CT1"],
    ],
  );
  assert.deepEqual(
    listRules(database).map(({ name }) => name),
    ["axial CT"],
  );
  assert.partialDeepStrictEqual(listAudit(database, 10), [{ at: 77, actor: "system", action: "site-file-applied" }]);
});

test("the same file again is left alone, so that what was changed at run time stays", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  await applySiteFile(database, example, 1);
  replaceNodesAndRules(database, [{ name: "new", aeTitle: "NEW", host: "h", port: 1 }], []);
  assert.equal(await applySiteFile(database, example, 2), false);
  assert.deepEqual(
    listNodes(database).map(({ name }) => name),
    ["new"],
  );
  assert.equal(listAudit(database, 10).length, 1);
});

test("a changed file takes the place of everything before it", async () => {
  await using made = await temporaryDatabase();
  const { database, folder } = made;
  await applySiteFile(database, example, 1);
  const file = join(folder, "site.yaml");
  await writeFile(file, "station: { name: OTHER }\ndicom: { aeTitle: OTHER }\n");
  assert.equal(await applySiteFile(database, file, 2), true);
  assert.deepEqual(getSetting(database, "station"), { name: "OTHER" });
  assert.deepEqual(listNodes(database), []);
  assert.deepEqual(listRules(database), []);
});

test("a file with a fault changes nothing", async () => {
  await using made = await temporaryDatabase();
  const { database, folder } = made;
  setSetting(database, "station", { name: "KEPT" });
  const file = join(folder, "site.yaml");
  await writeFile(file, "station: { name: BOX }\n");
  await assert.rejects(applySiteFile(database, file, 1), {
    name: "RefusedError",
    code: "site-file-invalid",
    message: /dicom: expected object, found nothing/,
  });
  assert.deepEqual(getSetting(database, "station"), { name: "KEPT" });
  assert.deepEqual(listAudit(database, 10), []);
});

test("a file that is not there is refused by its name", async () => {
  await using made = await temporaryDatabase();
  const file = join(made.folder, "nowhere.yaml");
  await assert.rejects(applySiteFile(made.database, file, 1), {
    name: "RefusedError",
    code: "site-file-unreadable",
    message: /nowhere\.yaml/,
  });
});
