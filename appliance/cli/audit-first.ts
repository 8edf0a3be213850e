import { existsSync } from "node:fs";
import { systemClock } from "../base/clock.ts";
import type { DataFolder } from "../config/data-folder.ts";
import { type AuditEntry, addAudit } from "../store/audit.ts";
import { openExistingDatabase } from "../store/database.ts";

/**
 * Writes into the audit trail what a command is about to do outside the database, at the console. Throws where that can't be written: then it is not done.
 * A data folder without a database has no trail yet.
 */
export async function auditFirst({ database: path }: DataFolder, entry: Pick<AuditEntry, "action" | "object" | "detail">): Promise<void> {
  if (!existsSync(path)) return;
  const at = systemClock.now();
  const database = await openExistingDatabase(path, at);
  try {
    addAudit(database, { at, actor: "console", ...entry });
  } finally {
    database.close();
  }
}
