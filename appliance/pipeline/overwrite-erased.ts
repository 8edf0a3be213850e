import { readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { DataFolder } from "../config/data-folder.ts";
import type { Uid } from "../domain/ids.ts";
import type { Database } from "../store/database.ts";
import { namesIn } from "../store/if-there.ts";

/**
 * Sees to it that what was erased stands nowhere in the data folder any more, once its files are gone: copies of the database from before an update
 * are deleted, since they hold all that was there, what of the study was moved aside too, and the database is written anew. How long that
 * holds up everything else: DECISIONS.md.
 */
export async function overwriteErased(
  database: Database,
  studyInstanceUid: Uid,
  { database: databasePath, quarantine }: Pick<DataFolder, "database" | "quarantine">,
): Promise<{ databaseCopies: number; isOverwritten: boolean }> {
  const folder = dirname(databasePath);
  const copies = (await readdir(folder)).filter((name) => name.startsWith(`${basename(databasePath)}.before-`));
  for (const name of copies) await rm(join(folder, name), { force: true });
  for (const kind of ["objects", "results"]) await removeQuarantined(join(quarantine, kind), studyInstanceUid);
  return { databaseCopies: copies.length, isOverwritten: database.rewrite() };
}

/** Images, and folders of results, in which the study's UID stands. */
async function removeQuarantined(folder: string, uid: Uid): Promise<void> {
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const files = name.endsWith(".dcm")
      ? [path]
      : (await namesIn(path)).filter((file) => file.endsWith(".dcm")).map((file) => join(path, file));
    for (const file of files)
      if (holdsUid(await readFile(file), uid)) {
        await rm(path, { recursive: true, force: true });
        break;
      }
  }
}

/** Whether the UID stands in a file, and not as a part of a longer one. */
function holdsUid(bytes: Buffer, uid: Uid): boolean {
  const isPart = (byte: number | undefined): boolean => byte !== undefined && /[0-9.]/.test(String.fromCharCode(byte));
  for (let at = bytes.indexOf(uid); at >= 0; at = bytes.indexOf(uid, at + 1))
    if (!isPart(bytes[at - 1]) && !isPart(bytes[at + uid.length])) return true;
  return false;
}
