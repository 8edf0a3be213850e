/**
 * The bare loop of bare-loop.ts behind our own upper layer, fed by whoever sends: what a receiver on this machine can't be faster than while its sender
 * shares the processor with it. No digest, no header, one row. `node bare-scp.ts FOLDER [--no-sync]` prints its port.
 */
import { close, fdatasync, fsync, mkdirSync, open, openSync, rename, writev } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import Sqlite from "better-sqlite3";
import { startScp } from "../../appliance/dimse/scp.ts";

const [folder = "", option] = process.argv.slice(2);
const isSynced = option !== "--no-sync";
const [opened, written, synced, closed, renamed, namesSynced] = [open, writev, fdatasync, close, rename, fsync].map((call) =>
  promisify(call as never),
) as unknown as [
  (path: string, flags: string) => Promise<number>,
  (fd: number, pieces: readonly Uint8Array[]) => Promise<unknown>,
  (fd: number) => Promise<void>,
  (fd: number) => Promise<void>,
  (from: string, to: string) => Promise<void>,
  (fd: number) => Promise<void>,
];
const database = new Sqlite(join(folder, "bare.sqlite"));
database.pragma("journal_mode = wal");
database.pragma(`synchronous = ${isSynced ? "full" : "off"}`);
database.exec("create table image (id integer primary key, uid text, digest text)");
const insert = database.prepare("insert into image (uid, digest) values (?, ?)");
mkdirSync(join(folder, "images"));
const names = openSync(join(folder, "images"), "r");
const room = 600_000;
const free: Buffer[] = [];

const scp = await startScp(
  { host: "127.0.0.1", port: 0 },
  {
    acceptAssociation: () => ({ accept: true }),
    openInstance({ sopInstanceUid }) {
      const content = free.pop() ?? Buffer.allocUnsafeSlow(room);
      const part = join(folder, "images", `${sopInstanceUid}.part`);
      let length = 0;
      return {
        write(chunk) {
          content.set(chunk, length);
          length += chunk.length;
        },
        async commit() {
          const file = await opened(part, "wx");
          await written(file, [content.subarray(0, length)]);
          if (isSynced) await synced(file);
          await closed(file);
          await renamed(part, join(folder, "images", `${sopInstanceUid}.dcm`));
          if (isSynced) await namesSynced(names);
          insert.run(sopInstanceUid, part);
          free.push(content);
        },
        abort: async () => {},
      };
    },
    associationClosed() {},
  },
  { debug() {}, info() {}, warn() {}, error() {} },
);
process.stdout.write(`port ${scp.port}\n`);
