import { setImmediate as nextTurn } from "node:timers/promises";
import type { ResultId } from "../domain/ids.ts";
import type { Database } from "../store/database.ts";
import { type ObjectFolder, removeFolder } from "../store/objects.ts";
import { endRemoval, isToBeRemoved, listRemovals } from "../store/removals.ts";

const filesAtOnce = 256;
/** So many are unlinked before others have their turn: some tens of microseconds each. */
const filesPerTurn = 16;

export type RemoveFilesOptions = {
  readonly database: Database;
  readonly objects: ObjectFolder;
  readonly resultFolder: (id: ResultId) => string;
  readonly isStopped?: () => boolean;
};

/**
 * Deletes the files of rows that are gone. Safe to repeat, after a crash too: a file counts as deleted only when its folder is synchronised, and
 * one that has come again meanwhile stays.
 */
export async function removeFiles({ database, objects, resultFolder, isStopped = () => false }: RemoveFilesOptions): Promise<void> {
  while (!isStopped()) {
    const removals = listRemovals(database, filesAtOnce);
    if (removals.length === 0) return;
    const digests: string[] = [];
    for (const [index, removal] of removals.entries()) {
      if (removal.kind === "result") {
        await removeFolder(resultFolder(Number(removal.name)));
        continue;
      }
      if (index % filesPerTurn === 0) await nextTurn();
      if (!isToBeRemoved(database, removal)) continue; // nothing can come between this and the next line
      objects.remove(removal.name);
      digests.push(removal.name);
    }
    await objects.syncRemoved(digests);
    database.transaction(() => {
      for (const removal of removals) endRemoval(database, removal);
    });
  }
}
