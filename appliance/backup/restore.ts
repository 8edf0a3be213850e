import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import { dataFolder } from "../config/data-folder.ts";
import { addAudit } from "../store/audit.ts";
import { faultsOfDatabase } from "../store/check-database.ts";
import { openDatabase } from "../store/database.ts";
import { namesIn } from "../store/if-there.ts";
import { syncFolder, writeDurably } from "../store/objects.ts";
import { type SetAside, setAsideWithoutFiles } from "../store/set-aside.ts";
import { type BackupDescription, databaseFile } from "./contents.ts";
import { readBackup, verifyBackup } from "./read-backup.ts";

export type Restored = {
  readonly description: BackupDescription;
  readonly setAside: SetAside;
  /** Files that the settings name and that are not there on this machine, each with where its content lies now, or null where it was not in the backup. */
  readonly missing: readonly { readonly path: string; readonly at: string | null }[];
};

/**
 * Makes a data folder of a backup. The whole file is read and checked before anything is written; the database gets its name last, so that what a
 * power cut leaves is no box. Refused where the folder holds anything: nothing is ever restored over a box.
 */
export async function restoreBackup(path: string, data: string, passphrase: string, now: number): Promise<Restored> {
  const folder = dataFolder(data);
  await requireEmpty(data);
  await verifyBackup(path, passphrase);
  await mkdir(folder.root, { recursive: true, mode: 0o700 });
  await chmod(folder.root, 0o700);
  const database = `${folder.database}.restoring`;
  let description: BackupDescription | undefined;
  for await (const file of readBackup(path, passphrase, (found) => (description = found))) {
    const target = file.path === databaseFile ? database : join(folder.root, file.path);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await writeDurably(target, file.content);
  }
  if (!description) throw new Error("a backup that was verified has no description");
  const faults = faultsOfDatabase(database);
  if (faults.length > 0)
    throw new RefusedError("database-damaged", `the database in the backup is damaged (${faults[0]}); take another backup`);
  const setAside = await settle(database, description, now);
  for (const name of await readdir(folder.root))
    if (name.startsWith(`${databaseFile}.restoring`) && join(folder.root, name) !== database) await rm(join(folder.root, name)); // logs, and copies from before migrations
  await rename(database, folder.database);
  await syncFolder(folder.root);
  const missing = description.named.filter((named) => !existsSync(named.path));
  return {
    description,
    setAside,
    missing: missing.map(({ path: named, at }) => ({ path: named, at: at === null ? null : join(data, at) })),
  };
}

async function requireEmpty(data: string): Promise<void> {
  const found = await namesIn(data);
  if (found.filter((name) => name !== "lost+found").length > 0)
    throw new RefusedError(
      "folder-not-empty",
      `${data} is not empty; a backup is restored into an empty folder only, so name another with --data`,
    );
}

/** Brings the database to this release's schema, and notes what a box without its images can't go on with. */
async function settle(path: string, { madeAt, station, softwareVersion }: BackupDescription, now: number): Promise<SetAside> {
  const database = await openDatabase(path, now);
  try {
    return setAsideWithoutFiles(database, now, (setAside) =>
      addAudit(database, {
        at: now,
        actor: "console",
        action: "restored-from-backup",
        object: "backup",
        detail: { madeAt, station, softwareVersion, setAside },
      }),
    );
  } finally {
    database.optimize();
    database.close();
  }
}
