import { createHash, createPublicKey } from "node:crypto";
import { join } from "node:path";
import type { BackupState } from "../api/device.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf, RefusedError } from "../base/errors.ts";
import { type BackupSettings, parseBackupSettings } from "../config/backup-settings.ts";
import type { DataFolder } from "../config/data-folder.ts";
import { openAuditKey } from "../host/audit-key.ts";
import { askChild } from "../host/child-process.ts";
import { Sealing } from "../host/sealing.ts";
import { addAudit } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { getSetting, setSetting } from "../store/settings.ts";
import type { BoxName } from "./target-folder.ts";
import type { BackupRequest, WrittenBackup } from "./write-backup.ts";

const child = join(import.meta.dirname, "child.ts");
/** Checking or copying a database of many gigabytes gives no sign meanwhile. */
const stallMs = 60 * 60_000;
const dayMs = 86_400_000;
/** Of the setting, and what its value is sealed for. */
const passphraseKey = "backup-passphrase";

/** How it went, kept in the database. Times are UTC epoch ms. */
type Noted = {
  readonly lastGood: { readonly at: number; readonly path: string; readonly sizeBytes: number } | null;
  readonly lastFailure: { readonly at: number; readonly code: string; readonly message: string } | null;
};

export type RunOptions = {
  readonly database: Database;
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly softwareVersion: string;
  /** `system`, `console`. */
  readonly actor: string;
  readonly signal?: AbortSignal;
};

/** Null where the site file names no place for backups. */
export function backupSettings(database: Database): BackupSettings | null {
  return parseBackupSettings(getSetting(database, "backup"));
}

/** Keeps the passphrase, sealed, so that backups can be made at night. It is never shown again. */
export async function setPassphrase(
  { database, folder, clock }: Pick<RunOptions, "database" | "folder" | "clock">,
  passphrase: string,
): Promise<void> {
  const sealing = await Sealing.open(folder.secretKey);
  database.transaction(() => {
    setSetting(database, passphraseKey, sealing.seal(Buffer.from(passphrase), passphraseKey));
    addAudit(database, { at: clock.now(), actor: "console", action: "backup-passphrase-set", object: "setting:backup", detail: {} });
  });
}

/** Refused where none was set. */
export async function keptPassphrase(database: Database, folder: DataFolder): Promise<string> {
  const sealed = getSetting<string>(database, passphraseKey);
  const passphrase = sealed === undefined ? undefined : (await Sealing.open(folder.secretKey)).unseal(sealed, passphraseKey);
  if (!passphrase)
    throw new RefusedError(
      "backup-without-passphrase",
      "there is no passphrase for backups; set one with `segbox backup passphrase --data DIR`",
    );
  return passphrase.toString("utf8");
}

export async function boxName(database: Database, folder: DataFolder): Promise<BoxName> {
  const key = createPublicKey(await openAuditKey(folder.auditKey));
  const fingerprint = createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex")
    .slice(0, 8);
  return { station: getSetting<{ name: string }>(database, "station")?.name ?? "", fingerprint };
}

/** Makes a backup now, in a process of its own, with an entry in the audit trail before and after. Refused where none is set up. */
export async function runBackup({ database, folder, clock, softwareVersion, actor, signal }: RunOptions): Promise<WrittenBackup> {
  const settings = backupSettings(database);
  if (!settings) throw new RefusedError("backup-off", "no backup is set up: the site file has no `backup`");
  addAudit(database, { at: clock.now(), actor, action: "backup-begun", object: "backup", detail: { folder: settings.folder } });
  const note = (noted: Noted, action: string, detail: object): void =>
    database.transaction(() => {
      setSetting(database, "backup-state", noted);
      addAudit(database, { at: clock.now(), actor, action, object: "backup", detail: { ...detail } });
    });
  try {
    const request: BackupRequest = {
      data: folder.root,
      settings,
      passphrase: await keptPassphrase(database, folder),
      box: await boxName(database, folder),
      softwareVersion,
      now: clock.now(),
    };
    const written = await askChild<BackupRequest, null, WrittenBackup>(child, request, { stallMs, ...(signal && { signal }) });
    const { path, sizeBytes } = written;
    note({ lastGood: { at: request.now, path, sizeBytes }, lastFailure: null }, "backup-made", written);
    return written;
  } catch (error) {
    if (signal?.aborted) throw error; // the service stops: that is no failure of the backup
    const { code = "fault" } = error as { code?: string };
    const failure = { at: clock.now(), code, message: messageOf(error) };
    note({ lastGood: noted(database).lastGood, lastFailure: failure }, "backup-failed", { code, message: failure.message });
    throw error;
  }
}

function noted(database: Database): Noted {
  return getSetting<Noted>(database, "backup-state") ?? { lastGood: null, lastFailure: null };
}

/** What a person should know of backups. */
export function backupState(database: Database, now: number): BackupState {
  const settings = backupSettings(database);
  const { lastGood, lastFailure } = noted(database);
  const isLate = settings !== null && (lastGood === null || now - lastGood.at > settings.alertAfterDays * dayMs);
  return {
    state: settings === null ? "off" : lastFailure ? "failed" : isLate ? "late" : "good",
    lastGoodAt: lastGood?.at ?? null,
    error: settings !== null && lastFailure ? lastFailure.message : null,
  };
}
