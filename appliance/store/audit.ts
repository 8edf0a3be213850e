import { chainUpTo, lastLink, linkTo } from "./audit-chain.ts";
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

/** An entry as it is kept: its number, and the digest that chains it to the one before; null where it is not chained yet. */
export type KeptAuditEntry = AuditEntry & { readonly id: number; readonly digest: string | null };

/** Times are UTC epoch ms, `until` exclusive. `study`: what is, or was made of, a study that is here, by its Study Instance UID. */
export type AuditFilter = {
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly study?: string | undefined;
};

/** Appends to the audit trail and chains the entry to the one before; the table refuses changes and deletions. */
export function addAudit(database: Database, { at, actor, action, object, detail }: AuditEntry): void {
  database.transaction(() => {
    const before = chainUpTo(database);
    // Not left to SQLite: the number of an entry that somebody cut off the end would be given again, to one that can't be chained
    const id = before.id + 1;
    const row = { id, at, actor, action, object, detail: JSON.stringify(detail) };
    database.run(
      "insert into audit (id, at, actor, action, object, detail) values (?, ?, ?, ?, ?, ?)",
      id,
      at,
      actor,
      action,
      object,
      row.detail,
    );
    linkTo(database, before.digest, row);
  });
}

/** Chains what an earlier release wrote. True where there was any. */
export function chainAudit(database: Database): boolean {
  return database.transaction(() => {
    const { id } = lastLink(database);
    return chainUpTo(database).id > id;
  });
}

type Row = Omit<KeptAuditEntry, "detail"> & { readonly detail: string };

function entryOf({ detail, ...row }: Row): KeptAuditEntry {
  return { ...row, detail: JSON.parse(detail) as Record<string, unknown> };
}

/** Newest first. */
export function listAudit(database: Database, limit: number): AuditEntry[] {
  return listKeptAudit(database, {}, limit).map(({ id: _, digest: __, ...entry }) => entry);
}

/** Those that pass the filter, newest first, with their number and digest; `before`: only those with a smaller number. */
export function listKeptAudit(
  database: Database,
  { from, until, actor, action, study }: AuditFilter,
  limit: number,
  before = Number.MAX_SAFE_INTEGER,
): KeptAuditEntry[] {
  const conditions: [string, unknown][] = [["audit.id < ?", before]];
  if (from !== undefined) conditions.push(["at >= ?", from]);
  if (until !== undefined) conditions.push(["at < ?", until]);
  if (actor !== undefined) conditions.push(["actor = ?", actor]);
  if (action !== undefined) conditions.push(["action = ?", action]);
  if (study !== undefined) conditions.push(["object in (select value from json_each(?))", JSON.stringify(objectsOf(database, study))]);
  return database
    .all<Row>(
      `select audit.id, at, actor, action, object, detail, digest from audit left join audit_link using (id)
       where ${conditions.map(([sql]) => sql).join(" and ")} order by audit.id desc limit ?`,
      ...conditions.map(([, value]) => value),
      limit,
    )
    .map(entryOf);
}

/** Entries about any of these objects (`series:12`), in order. */
export function listAuditOf(database: Database, objects: readonly string[]): KeptAuditEntry[] {
  return database
    .all<Row>(
      `select audit.id, at, actor, action, object, detail, digest from audit left join audit_link using (id)
       where object in (select value from json_each(?)) order by audit.id`,
      JSON.stringify(objects),
    )
    .map(entryOf);
}

/** As the trail calls what belongs to a study. */
function objectsOf(database: Database, studyInstanceUid: string): string[] {
  return database
    .all<{ object: string }>(
      `with one as (select id from series where study_instance_uid = ?),
         made as (select id from result where series_id in (select id from one))
       select 'series:' || id as object from one union all select 'result:' || id from made
       union all select 'delivery:' || id from delivery where result_id in (select id from made)`,
      studyInstanceUid,
    )
    .map(({ object }) => object);
}
