import { access, constants, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { UnavailableError } from "../base/errors.ts";
import { plainly } from "../base/system-errors.ts";
import type { BackupSettings } from "../config/backup-settings.ts";

/** Whose backups: several boxes may share a folder. */
export type BoxName = { readonly station: string /** Hex, of the box's public key. */; readonly fingerprint: string };

export type KeptBackup = { readonly path: string; readonly madeAt: number; readonly sizeBytes: number };

/** `segbox-STATION-FINGERPRINT-20261126T023000Z.backup` */
export function backupName(box: BoxName, at: number): string {
  return `${prefixOf(box)}${new Date(at).toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "")}.backup`;
}

function prefixOf({ station, fingerprint }: BoxName): string {
  return `segbox-${station.replaceAll(/[^A-Za-z0-9]+/g, "-")}-${fingerprint}-`;
}

/**
 * UnavailableError where backups can't be written just now: the folder is not there, not writable, or (where it must be) no mounted file
 * system of its own. Then it is the box's own disk, of which a backup on it does not help.
 */
export async function requireTarget(
  { folder, mustBeMounted }: Pick<BackupSettings, "folder" | "mustBeMounted">,
  data: string,
): Promise<void> {
  const away = (why: string, cause?: unknown) =>
    new UnavailableError("backup-target-away", `can't back up to ${folder}: ${why}`, { cause });
  try {
    if (!(await stat(folder)).isDirectory()) throw away("it is no folder");
    await access(folder, constants.W_OK);
  } catch (error) {
    throw error instanceof UnavailableError ? error : away(plainly(error), error);
  }
  if (!mustBeMounted) return;
  const [target, ...own] = await Promise.all([folder, "/", data].map(async (path) => (await stat(path)).dev));
  if (own.includes(target!))
    throw away("it lies on the box's own disk; is the share mounted? (`backup.mustBeMounted: false` allows a folder of this disk)");
}

/** Newest first. */
export async function listBackups(folder: string, box: BoxName): Promise<KeptBackup[]> {
  const names = (await readdir(folder)).filter((name) => timeIn(name, box) !== null);
  const kept = await Promise.all(
    names.map(async (name) => ({
      path: join(folder, name),
      madeAt: timeIn(name, box)!,
      sizeBytes: (await stat(join(folder, name))).size,
    })),
  );
  return kept.sort((a, b) => b.madeAt - a.madeAt);
}

/** Removes what is older than the `keep` newest, and what a run that was cut off has left. The paths of the backups among them. */
export async function pruneBackups(folder: string, box: BoxName, keep: number): Promise<string[]> {
  const old = (await listBackups(folder, box)).slice(keep).map(({ path }) => path);
  const left = (await readdir(folder)).filter((name) => name.startsWith(prefixOf(box)) && /\.(unverified|part)$/.test(name));
  for (const path of [...old, ...left.map((name) => join(folder, name))]) await rm(path, { force: true });
  return old;
}

function timeIn(name: string, box: BoxName): number | null {
  const prefix = prefixOf(box);
  const [, year, month, day, hour, minute, second] =
    (name.startsWith(prefix) && /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.backup$/.exec(name.slice(prefix.length))) || [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(at) ? null : at;
}
