import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Database, openDatabase } from "../../../appliance/store/database.ts";
import { listReceipts } from "../../../appliance/store/receipts.ts";
import { getResult } from "../../../appliance/store/results.ts";
import { listInputs } from "../../../appliance/store/traces.ts";
import { axialRule, someUids } from "../../make/database.ts";
import { temporaryFolder } from "../../peers/folder.ts";

const migrations = join(import.meta.dirname, "../../../appliance/store/migrations");

/** The database of a release before results kept their traces: two results of series 1, which grew between them, with what was delivered. */
async function olderDatabase(path: string): Promise<void> {
  const database = new Database(path);
  database.sql.exec("create table migration (id text primary key, breaking integer not null, applied_at integer not null) strict");
  database.sql.exec(await readFile(join(migrations, "0001-first.sql"), "utf8"));
  database.run("insert into migration values ('0001-first', 0, 1)");
  database.run("insert into remote_node (name, ae_title, host, port) values ('pacs', 'PACS', '127.0.0.1', 104)");
  database.run(`insert into series (id, series_instance_uid, study_instance_uid, modality, description, calling_ae_title, called_ae_title,
    first_received_at, last_received_at) values (1, '1.2.3', '1.2', 'CT', '{}', 'CT1', 'SEGBOX', 10, 30)`);
  const addImage = (uid: string, at: number, sameAs: number | null = null) =>
    database.run(
      `insert into instance (series_id, sop_instance_uid, transfer_syntax_uid, digest, size_bytes, facts, received_at, same_as)
       values (1, ?, '1.2.840.10008.1.2.1', ?, 1, '{}', ?, ?)`,
      uid,
      `digest of ${uid} at ${at}`,
      at,
      sameAs,
    );
  addImage("1.2.3.1", 10);
  addImage("1.2.3.2", 30);
  addImage("1.2.3.2", 90, 2); // the same image once more, later: it is no part of the series
  for (const [id, createdAt] of [
    [1, 20],
    [2, 40],
  ])
    database.run(
      `insert into result (id, series_id, rule_name, rule, model_name, model_version, input_digest, state, uids, created_at)
       values (?, 1, 'axial CT', ?, 'reference', '1', ?, 'ready', ?, ?)`,
      id,
      JSON.stringify(axialRule),
      `d${id}`,
      JSON.stringify(someUids),
      createdAt,
    );
  const addDelivery = (choices: readonly string[], position: number, state: string) =>
    database.run(
      "insert into delivery (result_id, destination, choices, position, state, status, comment, delivered_at) values (2, 'pacs', ?, ?, ?, 0, null, 50)",
      JSON.stringify(choices),
      position,
      state,
    );
  addDelivery(["seg-labelmap", "seg"], 1, "delivered");
  addDelivery(["seg-labelmap"], 0, "delivered");
  addDelivery(["sr"], 0, "failed");
  database.close();
}

test("results of a release before keep their images where these can still be known, and their deliveries become receipts", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "segbox.sqlite");
  await olderDatabase(path);
  const database = await openDatabase(path, 100);
  try {
    assert.deepEqual(listInputs(database, 1), [], "the series has grown since: which images it was made from can't be known");
    assert.deepEqual(
      listInputs(database, 2).map(({ sopInstanceUid, sha256 }) => [sopInstanceUid, sha256]),
      [
        ["1.2.3.1", "digest of 1.2.3.1 at 10"],
        ["1.2.3.2", "digest of 1.2.3.2 at 30"],
      ],
    );
    assert.deepEqual(
      listReceipts(database, 2).map(({ output, sopClassUid, sopInstanceUid, aeTitle, sha256, at }) => [
        output,
        sopClassUid,
        sopInstanceUid,
        aeTitle,
        sha256,
        at,
      ]),
      [
        ["seg", "1.2.840.10008.5.1.4.1.1.66.4", someUids.seg.sopInstanceUid, "PACS", null, 50],
        ["seg-labelmap", "1.2.840.10008.5.1.4.1.1.66.7", someUids["seg-labelmap"].sopInstanceUid, "PACS", null, 50],
      ],
    );
    assert.equal(getResult(database, 2)!.written, null);
  } finally {
    database.close();
  }
});
