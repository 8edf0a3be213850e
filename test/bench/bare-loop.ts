/**
 * What receiving can't be faster than: write + fdatasync + rename + folder fsync + a commit of the database, for as many writers as there are
 * senders, in one process. `node bare-loop.ts FOLDER WRITERS COUNT BYTES` prints the seconds it took.
 */
import { close, fdatasync, fsync, mkdirSync, open, openSync, rename, write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import Sqlite from "better-sqlite3";

const [folder = "", writers = "1", count = "1000", bytes = "526000"] = process.argv.slice(2);
const [opened, written, synced, closed, renamed, folderSynced] = [open, write, fdatasync, close, rename, fsync].map((call) =>
  promisify(call as never),
) as unknown as [
  (path: string, flags: string) => Promise<number>,
  (fd: number, bytes: Uint8Array) => Promise<unknown>,
  (fd: number) => Promise<void>,
  (fd: number) => Promise<void>,
  (from: string, to: string) => Promise<void>,
  (fd: number) => Promise<void>,
];
const database = new Sqlite(join(folder, "bare.sqlite"));
database.pragma("journal_mode = wal");
database.pragma("synchronous = full");
database.exec("create table image (id integer primary key, uid text, digest text)");
const insert = database.prepare("insert into image (uid, digest) values (?, ?)");
const content = Buffer.alloc(Number(bytes), 7);

async function writer(index: number): Promise<void> {
  const own = join(folder, String(index));
  mkdirSync(own);
  const names = openSync(own, "r");
  for (let image = 0; image < Number(count) / Number(writers); image++) {
    const part = join(own, `${image}.part`);
    const file = await opened(part, "wx");
    await written(file, content);
    await synced(file);
    await closed(file);
    await renamed(part, join(own, `${image}.dcm`));
    await folderSynced(names);
    insert.run(`1.2.${index}.${image}`, part);
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: Number(writers) }, (_, index) => writer(index)));
process.stdout.write(`${(performance.now() - began) / 1000}\n`);
