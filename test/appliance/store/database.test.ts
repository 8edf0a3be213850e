import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { open, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Database, lockFolder, openDatabase } from "../../../appliance/store/database.ts";
import { addSeries, temporaryDatabase } from "../../make/database.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { start } from "../../peers/process.ts";

test("a new database has all migrations, each noted with its time, and no copy beside it", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "segbox.sqlite");
  const database = await openDatabase(path, 1234);
  const applied = database.all<{ id: string; applied_at: number }>("select id, applied_at from migration order by id");
  const files = (await readdir(join(import.meta.dirname, "../../../appliance/store/migrations"))).map((file) => file.replace(".sql", ""));
  assert.deepEqual(
    applied,
    files.sort().map((id) => ({ id, applied_at: 1234 })),
  );
  database.close();
  assert.ok(!(await readdir(folder.path)).some((file) => file.includes("before")));
});

test("opening it again applies nothing and keeps the rows", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "segbox.sqlite");
  const first = await openDatabase(path, 1);
  first.run("insert into setting (key, value) values ('a', '1')");
  first.close();
  const second = await openDatabase(path, 2);
  assert.equal(second.get<{ n: number }>("select count(*) as n from migration where applied_at = 2")!.n, 0);
  assert.equal(second.get<{ value: string }>("select value from setting where key = 'a'")!.value, "1");
  second.close();
  assert.ok(!(await readdir(folder.path)).some((file) => file.includes("before")));
});

test("an older database is copied aside, whole, before the first migration it lacks", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "segbox.sqlite");
  const older = new Database(path);
  older.sql.exec("create table migration (id text primary key, breaking integer not null, applied_at integer not null) strict");
  older.sql.exec("create table note (text text) strict; insert into note values ('kept')");
  (await openDatabase(path, 7)).close(); // while the older connection is open, so that its rows may still stand in the write-ahead log
  older.close();
  const copies = (await readdir(folder.path)).filter((file) => file.includes(".before-"));
  assert.equal(copies.length, 1);
  assert.match(copies[0]!, /^segbox\.sqlite\.before-0001-/);
  const copy = new Database(join(folder.path, copies[0]!));
  assert.deepEqual(copy.all("select text from note"), [{ text: "kept" }]);
  assert.equal(copy.get("select 1 from sqlite_master where name = 'series'"), undefined);
  copy.close();
});

test("a statement that gives rows back and can't be committed is an error, also where only its first row is read", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  database.sql.exec("create table parent (id integer primary key) strict");
  database.sql.exec("create table child (parent integer references parent deferrable initially deferred) strict");
  assert.throws(() => database.get("insert into child values (7) returning parent"), { code: "SQLITE_CONSTRAINT_FOREIGNKEY" });
  assert.deepEqual(database.all("select * from child"), []);
  database.run("insert into parent values (7)");
  assert.deepEqual(database.get("insert into child values (7) returning parent"), { parent: 7 });
});

test("a breaking migration of a newer release is refused by name; an additive one is not", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "segbox.sqlite");
  const database = await openDatabase(path, 1);
  database.run("insert into migration (id, breaking, applied_at) values ('9000-new-column', 0, 1)");
  database.close();
  const again = await openDatabase(path, 1);
  again.run("insert into migration (id, breaking, applied_at) values ('9001-other-table', 1, 1)");
  again.close();
  await assert.rejects(openDatabase(path, 1), { name: "RefusedError", code: "database-too-new", message: /9001-other-table/ });
});

test("two that open an older database at the same moment migrate it once", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "segbox.sqlite");
  new Database(path).close();
  const opened = await Promise.all([openDatabase(path, 1), openDatabase(path, 2)]); // both find the migrations missing while the file is copied
  const times = opened.map((database) => database.all("select distinct applied_at from migration"));
  for (const database of opened) database.close();
  assert.equal(times[0]!.length, 1, "whichever was faster did it all");
  assert.deepEqual(times[1], times[0]);
});

test("a commit survives a power cut, and foreign keys hold", async () => {
  await using made = await temporaryDatabase();
  const { sql } = made.database;
  assert.equal(sql.pragma("synchronous", { simple: true }), 2); // 2: full
  assert.equal(sql.pragma("journal_mode", { simple: true }), "wal");
  assert.throws(
    () => made.database.run(`insert into delivery (result_id, choices, destination) values (99, '["seg"]', 'pacs')`),
    /FOREIGN KEY/,
  );
});

test("a transaction that throws leaves nothing, those nested in it included", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const add = (key: string) => database.run("insert into setting (key, value) values (?, '1')", key);
  assert.throws(
    () =>
      database.transaction(() => {
        add("outer");
        database.transaction(() => add("inner"));
        throw new Error("no");
      }),
    /^Error: no$/,
  );
  assert.deepEqual(database.all("select key from setting"), []);
});

test("a nested transaction that throws takes back its own changes only, when the outer one goes on", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const add = (key: string) => database.run("insert into setting (key, value) values (?, '1')", key);
  const answer = database.transaction(() => {
    add("outer");
    assert.throws(() =>
      database.transaction(() => {
        add("inner");
        throw new Error("no");
      }),
    );
    return 5;
  });
  assert.equal(answer, 5);
  assert.deepEqual(database.all("select key from setting"), [{ key: "outer" }]);
});

test("a full disk is something that passes: nothing is changed, and the same works when there is room again", async () => {
  await using made = await temporaryDatabase();
  const { database } = made;
  const pages = database.sql.pragma("page_count", { simple: true }) as number;
  database.sql.pragma(`max_page_count = ${pages}`);
  const add = () =>
    database.transaction(() => database.run("insert into setting (key, value) values ('long', ?)", JSON.stringify("x".repeat(1e6))));
  assert.throws(add, { name: "UnavailableError", code: "database-unavailable", message: /SQLITE_FULL/ });
  assert.deepEqual(database.all("select key from setting"), []);
  database.sql.pragma("max_page_count = 1000000");
  add();
  assert.equal(database.all("select key from setting").length, 1);
});

test("a broken constraint stays a fault of ours", async () => {
  await using made = await temporaryDatabase();
  const twice = () => made.database.transaction(() => made.database.run("insert into setting (key, value) values ('a', '1')"));
  twice();
  assert.throws(twice, { code: "SQLITE_CONSTRAINT_PRIMARYKEY" });
});

test("what is no database is not overwritten", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "segbox.sqlite");
  await writeFile(path, "this is a text, and somebody may want it back ".repeat(100));
  await assert.rejects(openDatabase(path, 1), { code: "database-damaged", message: /restore the last backup/ });
});

const holder = `
import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, "../../../appliance/store/database.ts"))};
lockFolder(process.argv[1]);
console.log("locked");
setInterval(() => {}, 1000);
`;

test("a data folder in use is refused to a second process and free again after kill -9 of the first", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "service.lock");
  const first = start(process.execPath, ["--input-type=module", "--eval", holder, path]);
  await first.waitForLine(/^locked$/);
  assert.throws(() => lockFolder(path), { name: "UnavailableError", code: "data-folder-in-use", message: /another Segbox service/ });
  first.kill("SIGKILL");
  await first.exited;
  const lock = lockFolder(path);
  assert.throws(() => lockFolder(path), { code: "data-folder-in-use" });
  lock.close();
  lockFolder(path).close();
  assert.ok(existsSync(path));
});

test("optimizing gives the write-ahead log's space back and keeps the rows", async () => {
  await using made = await temporaryDatabase();
  const { database, folder } = made;
  database.run("insert into setting (key, value) values ('a', ?)", JSON.stringify("x".repeat(1e5)));
  const sizeOfLog = async () => (await stat(join(folder, "segbox.sqlite-wal"))).size;
  assert.ok((await sizeOfLog()) > 1e5);
  database.optimize();
  assert.equal(await sizeOfLog(), 0);
  assert.equal(database.all("select key from setting").length, 1);
});

test("once a page is found damaged, nothing is read or written any more, and it is told once", async () => {
  await using made = await temporaryDatabase();
  const path = join(made.folder, "segbox.sqlite");
  addSeries(made.database, 50);
  const pageBytes = made.database.sql.pragma("page_size", { simple: true }) as number;
  const { rootpage } = made.database.get<{ rootpage: number }>("select rootpage from sqlite_schema where name = 'instance'")!;
  made.database.close();
  const file = await open(path, "r+");
  await file.write(Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (rootpage - 1) * pageBytes);
  await file.close();

  const database = await openDatabase(path, 1);
  const told: string[] = [];
  database.onDamage((message) => told.push(message));
  assert.equal(database.get<{ n: number }>("select count(*) as n from series")!.n, 1, "not seen yet");
  for (const use of [
    () => database.get("select sum(size_bytes) from instance"),
    () => database.get("select count(*) from series"),
    () => database.run("insert into setting (key, value) values ('a', '1')"),
    () => database.transaction(() => {}),
  ])
    assert.throws(use, { name: "UnavailableError", code: "database-damaged", message: /nothing is done until it was restored/ });
  assert.equal(told.length, 1);
  database.close();
});
