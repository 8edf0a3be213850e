import type { Database } from "./database.ts";

/** Who did what to what; our own ids only, no patient data. `at` is UTC epoch ms. */
export type AuditEntry = {
  readonly at: number;
  /** `user:NAME`, `ae:AE TITLE` or `system`. */
  readonly actor: string;
  readonly action: string;
  /** `series:12`, `result:7`, `setting:nodes` … */
  readonly object: string;
  readonly detail: Readonly<Record<string, unknown>>;
};

/** Appends to the audit trail; the table refuses changes and deletions. */
export function addAudit(database: Database, { at, actor, action, object, detail }: AuditEntry): void {
  database.run(
    "insert into audit (at, actor, action, object, detail) values (?, ?, ?, ?, ?)",
    at,
    actor,
    action,
    object,
    JSON.stringify(detail),
  );
}

/** Newest first. */
export function listAudit(database: Database, limit: number): AuditEntry[] {
  return database
    .all<Omit<AuditEntry, "detail"> & { detail: string }>(
      "select at, actor, action, object, detail from audit order by id desc limit ?",
      limit,
    )
    .map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }));
}
