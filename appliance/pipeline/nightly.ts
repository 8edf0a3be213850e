import { schedule } from "node-cron";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Database } from "../store/database.ts";

/** Work for the quiet hour, at 03:30 local time: tells SQLite to look over its statistics and give its log file's space back. */
export function startNightly(database: Database, clock: Clock, log: Log): { stop(): Promise<void> } {
  const task = schedule("30 3 * * *", () => runNightly(database, clock, log), { name: "nightly", noOverlap: true });
  return { stop: async () => void (await task.destroy()) };
}

/** One night's work. A failure is logged and tried again the next night: nothing waits for it. */
export function runNightly(database: Database, clock: Clock, log: Log): void {
  const startedMs = clock.monotonicMs();
  try {
    database.optimize();
    log.info("nightly-done", { durationMs: Math.round(clock.monotonicMs() - startedMs) });
  } catch (error) {
    log.error("nightly-failed", { message: messageOf(error) });
  }
}
