import { systemClock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import { type DataFolder, dataFolder } from "../config/data-folder.ts";
import type { Site } from "../config/site-file.ts";
import { checkIdentity } from "../dimse/tls.ts";
import { readTlsFiles } from "../host/tls-files.ts";
import type { Caller } from "../pipeline/ask-node.ts";
import { type Database, openExistingDatabase } from "../store/database.ts";
import { getSetting } from "../store/settings.ts";
import { type Arguments, required, UsageError } from "./command.ts";

/** Runs a command about the node that its first word names: with the service's database, and as whom the service calls. */
export async function withNode(
  args: Arguments,
  run: (on: {
    readonly database: Database;
    readonly folder: DataFolder;
    readonly name: string;
    readonly caller: Caller;
  }) => Promise<number>,
): Promise<number> {
  const [name] = args.positionals;
  if (name === undefined) throw new UsageError("NAME is required: a node of the site file");
  const folder = dataFolder(required(args, "data"));
  const database = await openExistingDatabase(folder.database, systemClock.now());
  try {
    const dicom = getSetting<Site["dicom"]>(database, "dicom");
    if (!dicom) throw new RefusedError("not-set-up", "this data folder was never set up; start the service once with --provision FILE");
    const tls = dicom.tls ? await readTlsFiles(dicom.tls, checkIdentity) : undefined;
    return await run({ database, folder, name, caller: { callingAeTitle: dicom.aeTitle, tls } });
  } finally {
    database.close();
  }
}
