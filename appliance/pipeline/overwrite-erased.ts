import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Database } from "../store/database.ts";

/**
 * Sees to it that what was erased stands nowhere in the data folder any more, once its files are gone: copies of the database from before an update
 * are deleted, since they hold all that was there, and the database is written anew. How long that holds up everything else: DECISIONS.md.
 */
export async function overwriteErased(
  database: Database,
  databasePath: string,
): Promise<{ databaseCopies: number; isOverwritten: boolean }> {
  const folder = dirname(databasePath);
  const copies = (await readdir(folder)).filter((name) => name.startsWith(`${basename(databasePath)}.before-`));
  for (const name of copies) await rm(join(folder, name), { force: true });
  return { databaseCopies: copies.length, isOverwritten: database.rewrite() };
}
