import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { faultsOfDatabase } from "../../../appliance/store/check-database.ts";
import { Database } from "../../../appliance/store/database.ts";
import { addSeries, temporaryDatabase } from "../../make/database.ts";

/** Its pages, all of them in the one file. */
async function filledDatabase() {
  const made = await temporaryDatabase();
  for (let n = 0; n < 20; n++) addSeries(made.database, 20, { series: `1.2.${n + 1}` });
  made.database.optimize();
  return { made, path: join(made.folder, "segbox.sqlite") };
}

async function overwrite(path: string, at: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "r+");
  await file.write(bytes, 0, bytes.length, at);
  await file.close();
}

test("a sound database has no faults, also while somebody writes", async () => {
  const { made, path } = await filledDatabase();
  await using _ = made;
  addSeries(made.database, 3, { series: "1.2.99" }); // still in the write-ahead log
  assert.deepEqual(faultsOfDatabase(path), []);
});

test("a page of other bytes is found, and nothing in the folder is changed by looking", async () => {
  const { made, path } = await filledDatabase();
  await using _ = made;
  const page = made.database.get<{ rootpage: number }>("select rootpage from sqlite_schema where name = 'instance'")!.rootpage;
  const pageBytes = made.database.sql.pragma("page_size", { simple: true }) as number;
  made.database.close();
  await overwrite(path, (page - 1) * pageBytes, Buffer.alloc(pageBytes, 0xa5));
  const before = createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
  const faults = faultsOfDatabase(path);
  assert.ok(faults.length > 0);
  assert.equal(
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex"),
    before,
  );
  assert.deepEqual(
    (await readdir(made.folder)).filter((name) => !/-(wal|shm)$/.test(name)),
    ["segbox.sqlite"],
  );
});

test("an index that lacks a row is found", async () => {
  const { made, path } = await filledDatabase();
  await using _ = made;
  made.database.close();
  const change = (...statements: string[]): void => {
    const database = new Database(path);
    database.sql.unsafeMode(true);
    database.sql.pragma("writable_schema = on");
    for (const statement of statements) database.sql.exec(statement);
    database.close();
  };
  change(
    "create table kept as select * from sqlite_schema where name = 'series_of_study'",
    "delete from sqlite_schema where name = 'series_of_study'",
  );
  const database = new Database(path);
  addSeries(database, 1, { series: "1.2.999" });
  database.close();
  change("insert into sqlite_schema select * from kept");
  assert.match(faultsOfDatabase(path).join("\n"), /index series_of_study/);
});

test("a row that refers to nothing is found", async () => {
  const { made, path } = await filledDatabase();
  await using _ = made;
  made.database.sql.pragma("foreign_keys = off");
  made.database.run("delete from series where id = 3");
  assert.match(faultsOfDatabase(path)[0]!, /^row \d+ of instance refers to a row of series that is not there$/);
});

test("what is no database at all, or was cut off, is a fault and no crash", async () => {
  const { made, path } = await filledDatabase();
  await using _ = made;
  made.database.close();
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, whole.length - 8192));
  assert.ok(faultsOfDatabase(path).length > 0);
  await writeFile(path, Buffer.alloc(8192, "no database"));
  assert.match(faultsOfDatabase(path)[0]!, /not a database/);
});
