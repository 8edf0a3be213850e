import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { RefusedError } from "../base/errors.ts";
import type { BackupSettings } from "../config/backup-settings.ts";
import { dataFolder } from "../config/data-folder.ts";
import { faultsOfDatabase } from "../store/check-database.ts";
import { Database } from "../store/database.ts";
import { syncFolder, writeDurably } from "../store/objects.ts";
import { packFiles } from "./archive.ts";
import { backupContents } from "./contents.ts";
import { verifyBackup } from "./read-backup.ts";
import { seal } from "./sealed-stream.ts";
import { type BoxName, backupName, pruneBackups, requireTarget } from "./target-folder.ts";

export type BackupRequest = {
  readonly data: string;
  readonly settings: BackupSettings;
  readonly passphrase: string;
  readonly box: BoxName;
  readonly softwareVersion: string;
  /** UTC epoch ms. */
  readonly now: number;
};

export type WrittenBackup = { readonly path: string; readonly sizeBytes: number; readonly removed: readonly string[] };

/**
 * Writes one backup beside a running service: checks the database, copies one state of it, packs and encrypts, writes beside the final name,
 * synchronises, reads all of it back, and only then gives it its name and removes the oldest ones. A damaged database is refused, so that
 * it takes no good backup's place.
 */
export async function writeBackup(
  { data, settings, passphrase, box, softwareVersion, now }: BackupRequest,
  onProgress: () => void = () => {},
): Promise<WrittenBackup> {
  const folder = dataFolder(data);
  await requireTarget(settings, data);
  const faults = faultsOfDatabase(folder.database);
  if (faults.length > 0)
    throw new RefusedError("database-damaged", `the database is damaged (${faults[0]}), so it was not backed up; earlier backups are kept`);
  onProgress();
  await mkdir(folder.temporary, { recursive: true });
  const databaseCopy = join(folder.temporary, `backup-${randomUUID()}.sqlite`);
  const path = join(settings.folder, backupName(box, now));
  const unverified = `${path}.unverified`;
  const database = new Database(folder.database);
  try {
    database.copyTo(databaseCopy);
    onProgress();
    const contents = backupContents({
      database,
      folder,
      databaseCopy,
      withModels: settings.models,
      station: box.station,
      softwareVersion,
      now,
    });
    await writeDurably(unverified, watched(seal(packFiles(contents), passphrase), onProgress));
    await verifyBackup(unverified, passphrase, onProgress);
    const { size } = await stat(unverified);
    await rename(unverified, path);
    await syncFolder(settings.folder);
    return { path, sizeBytes: size, removed: await pruneBackups(settings.folder, box, settings.keep) };
  } finally {
    database.close();
    await rm(databaseCopy, { force: true });
    await rm(unverified, { force: true });
  }
}

async function* watched<T>(pieces: AsyncIterable<T>, onPiece: () => void): AsyncGenerator<T, void> {
  for await (const piece of pieces) {
    onPiece();
    yield piece;
  }
}
