import { systemClock } from "../base/clock.ts";
import { UnavailableError } from "../base/errors.ts";
import { type DataFolder, dataFolder } from "../config/data-folder.ts";
import { removeFiles } from "../pipeline/remove-files.ts";
import { type Database, lockFolder, openExistingDatabase } from "../store/database.ts";
import { ObjectFolder } from "../store/objects.ts";
import { countRemovals } from "../store/removals.ts";
import { type Arguments, required } from "./command.ts";

export type Files = {
  readonly database: Database;
  readonly folder: DataFolder;
  /** Null where a service has the data folder: then that one deletes files. */
  readonly objects: ObjectFolder | null;
  /** Resolves when the files of deleted rows are gone; false where the service had not finished after a while. */
  readonly filesRemoved: () => Promise<boolean>;
};

const lookEveryMs = 200;
const longestWaitMs = 120_000;

/**
 * Runs a command that deletes rows, and after them files. Files are one process's matter, since one that is received just now may be
 * one that is deleted: the service's where it runs, else ours, and no service starts meanwhile.
 */
export async function withFiles(args: Arguments, run: (files: Files) => Promise<number>): Promise<number> {
  const folder = dataFolder(required(args, "data"));
  const database = await openExistingDatabase(folder.database, systemClock.now());
  const lock = lockUnlessServed(folder);
  const objects = lock ? ObjectFolder.at(folder.objects) : null;
  try {
    return await run({
      database,
      folder,
      objects,
      async filesRemoved() {
        if (objects) await removeFiles({ database, objects, resultFolder: folder.result });
        for (let waitedMs = 0; countRemovals(database) > 0; waitedMs += lookEveryMs) {
          if (waitedMs >= longestWaitMs) return false;
          await systemClock.sleep(lookEveryMs);
        }
        return true;
      },
    });
  } finally {
    await objects?.close();
    lock?.close();
    database.close();
  }
}

function lockUnlessServed({ lock }: DataFolder): ReturnType<typeof lockFolder> | null {
  try {
    return lockFolder(lock);
  } catch (error) {
    if (error instanceof UnavailableError) return null;
    throw error;
  }
}
