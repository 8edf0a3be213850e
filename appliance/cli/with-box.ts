import { systemClock } from "../base/clock.ts";
import { type DataFolder, dataFolder } from "../config/data-folder.ts";
import { type Database, openExistingDatabase } from "../store/database.ts";
import { type Arguments, required } from "./command.ts";

/** Runs a command on the database of the data folder that `--data` names; the service may be running. */
export async function withBox<T>(args: Arguments, run: (database: Database, folder: DataFolder) => Promise<T>): Promise<T> {
  const folder = dataFolder(required(args, "data"));
  const database = await openExistingDatabase(folder.database, systemClock.now());
  try {
    return await run(database, folder);
  } finally {
    database.close();
  }
}
