import * as z from "zod";
import { file } from "./dicom-settings.ts";

/** Where the nightly backup goes, and how many are kept. */
export const backupSchema = z.strictObject({
  /** On another machine or disk: a folder, or where an SMB or NFS share is mounted. */
  folder: file,
  /** Refuses to write where nothing is mounted: a share that is away must not fill the box's own disk instead. */
  mustBeMounted: z.boolean().default(true),
  /** The newest ones that stay. */
  keep: z.int().min(1).max(1000).default(14),
  /** Whether installed models are in it, which are large and can be imported again; without, their names and digests are. */
  models: z.boolean().default(false),
  /** An age of the last good one from which on the page and the log warn. */
  alertAfterDays: z.number().min(0.01).max(365).default(2),
});

export type BackupSettings = z.output<typeof backupSchema>;

/** Settings as a database keeps them; null: no backup is made. */
export function parseBackupSettings(stored: unknown): BackupSettings | null {
  return stored === undefined || stored === null ? null : backupSchema.parse(stored);
}
