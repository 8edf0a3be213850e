import { schedule } from "node-cron";
import { backupSettings, backupState, type RunOptions, runBackup } from "../backup/run-backup.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

/**
 * A backup every night at 02:30 local time, before what the night removes. Says in the log at the start where none is set up, and each night where
 * the last good one is too old.
 */
export function startNightlyBackup(options: Omit<RunOptions, "actor" | "signal">, log: Log): { stop(): Promise<void> } {
  const stopping = new AbortController();
  if (!backupSettings(options.database))
    log.warn("no-backup", { remedy: "name a folder on another machine under `backup` in the site file, and set a passphrase" });
  const task = schedule("30 2 * * *", () => runNightlyBackup({ ...options, signal: stopping.signal }, log), {
    name: "backup",
    noOverlap: true,
  });
  return {
    async stop() {
      stopping.abort();
      await task.destroy();
    },
  };
}

/** One night's backup, where one is set up. A failure is logged, kept for the page, and tried again the next night. */
export async function runNightlyBackup(options: Omit<RunOptions, "actor">, log: Log): Promise<void> {
  const { database, clock, signal } = options;
  if (!backupSettings(database)) return;
  const startedMs = clock.monotonicMs();
  try {
    const { path, sizeBytes } = await runBackup({ ...options, actor: "system" });
    log.info("backup-made", { path, sizeBytes, durationMs: Math.round(clock.monotonicMs() - startedMs) });
  } catch (error) {
    if (signal?.aborted) return;
    log.error("backup-failed", { message: messageOf(error), lastGoodAt: backupState(database, clock.now()).lastGoodAt });
  }
}
