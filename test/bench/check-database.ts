/**
 * How long the look at a database takes that follows an unclean end, beside SQLite's quick_check, and how long a copy of it takes.
 * `npm run bench:database -- --megabytes 1000`
 */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { faultsOfDatabase } from "../../appliance/store/check-database.ts";
import { Database, openDatabase } from "../../appliance/store/database.ts";
import { addSeries } from "../make/database.ts";
import { temporaryFolder } from "../peers/folder.ts";

const { values } = parseArgs({ options: { megabytes: { type: "string", default: "1000" } } });
const wanted = Number(values.megabytes) * 1e6;

await using folder = await temporaryFolder("check-database");
const path = join(folder.path, "segbox.sqlite");
const made = await openDatabase(path, 1);
made.sql.pragma("synchronous = off"); // only for the filling
for (let n = 0; (made.sql.pragma("page_count", { simple: true }) as number) * 4096 < wanted; n++)
  made.transaction(() => {
    for (let k = 0; k < 20; k++) addSeries(made, 500, { series: `1.2.${n}.${k}` });
  });
made.optimize();
made.close();

function timed(what: string, body: () => void): void {
  const startedMs = performance.now();
  body();
  process.stdout.write(`${what}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`);
}

const { size } = await stat(path);
const database = new Database(path);
process.stdout.write(`${(size / 1e6).toFixed(0)} MB, ${database.get<{ n: number }>("select count(*) as n from instance")!.n} images\n`);
timed("quick_check", () => void database.sql.pragma("quick_check"));
timed("integrity_check", () => void database.sql.pragma("integrity_check"));
timed("foreign_key_check", () => void database.sql.pragma("foreign_key_check"));
timed("all that the start looks at", () => void faultsOfDatabase(path));
const copy = `${path}.copy`;
timed("copy", () => database.copyTo(copy));
database.close();
await rm(copy);
