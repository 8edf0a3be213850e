import { createHash } from "node:crypto";
import type { Database } from "./database.ts";

/** An entry of the audit trail as it stands in its row: `detail` is the text that was written, not read and written again. */
export type AuditRow = {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
};

/** Number and digest of an entry; what says how far the trail went at a time. */
export type AuditLink = { readonly id: number; readonly digest: string };

/** Before the first entry. */
const start: AuditLink = { id: 0, digest: "0".repeat(64) };
const pageSize = 1_000;

/**
 * What chains an entry: SHA-256, in hex, over the digest before (in hex), a line feed, and the JSON array of number, time, actor, action,
 * object and detail (a string of JSON, as it is kept), in UTF-8 without white space. Anybody can do the sum again from an export.
 */
export function digestOf(before: string, { id, at, actor, action, object, detail }: AuditRow): string {
  return createHash("sha256")
    .update(`${before}\n${JSON.stringify([id, at, actor, action, object, detail])}`)
    .digest("hex");
}

export function lastLink(database: Database): AuditLink {
  return database.get<AuditLink>("select id, digest from audit_link order by id desc limit 1") ?? start;
}

/** Within a transaction. */
export function linkTo(database: Database, before: string, row: AuditRow): AuditLink {
  const digest = digestOf(before, row);
  database.run("insert into audit_link (id, digest) values (?, ?)", row.id, digest);
  return { id: row.id, digest };
}

/** Chains the entries after the last chained one, which an earlier release wrote; answers the last. Within a transaction. */
export function chainUpTo(database: Database): AuditLink {
  let last = lastLink(database);
  for (;;) {
    const rows = rowsAfter(database, last.id);
    for (const row of rows) last = linkTo(database, last.digest, row);
    if (rows.length < pageSize) return last;
  }
}

/** What was found in the trail. `entries`: how many are whole, from the first on; with `broken` the first that is not, and why. */
export type AuditVerdict = { readonly entries: number; readonly last: AuditLink } & (
  | { readonly broken: null }
  | { readonly broken: { readonly id: number; readonly reason: string } }
);

/**
 * Does the chain's sums again, from the first entry to the last.
 *
 * @param heads how far the trail is known to have gone, as kept elsewhere: finds entries cut off the end, and a chain that was made anew
 */
export function verifyAudit(database: Database, heads: readonly AuditLink[] = []): AuditVerdict {
  // One state of the database: the service may write an entry between our looking at entries and at digests
  return database.snapshot(() => {
    const steps = verifySteps(database, heads);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  });
}

/** The same, a thousand entries at a time with others' turns in between: the check of a long trail must hold up nobody who sends images. */
export async function verifyAuditInSteps(database: Database, heads: readonly AuditLink[], signal: AbortSignal): Promise<AuditVerdict> {
  const steps = verifySteps(database, heads);
  for (;;) {
    const { done, value } = database.snapshot(() => steps.next());
    if (done) return value;
    await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
  }
}

function* verifySteps(database: Database, heads: readonly AuditLink[]): Generator<void, AuditVerdict, undefined> {
  const known = new Map(heads.map(({ id, digest }) => [id, digest]));
  let last = start;
  const broken = (id: number, reason: string): AuditVerdict => ({ entries: last.id, last, broken: { id, reason } });
  const early = database.get<{ id: number }>("select id from audit where id < 1 order by id limit 1");
  if (early) return broken(early.id, "was inserted: numbers begin at 1");
  for (;;) {
    const rows = rowsAfter(database, last.id);
    const links = new Map(linksAfter(database, last.id).map(({ id, digest }) => [id, digest]));
    for (const row of rows) {
      const id = last.id + 1;
      if (row.id !== id) return broken(id, `is missing; the next is ${row.id}`);
      const digest = links.get(id);
      if (digest === undefined) return broken(id, "is not chained: it was inserted, or an older release wrote it since the last start");
      if (digest !== digestOf(last.digest, row))
        return broken(id, "is not what was chained: it or its digest was changed, moved, or put there");
      const head = known.get(id);
      if (head !== undefined && head !== digest) return broken(id, "is chained, but is another than the head that was kept says");
      last = { id, digest };
    }
    if (rows.length < pageSize) break;
    yield;
  }
  const [stray] = linksAfter(database, last.id);
  if (stray) return broken(last.id + 1, `is missing, while the digest of ${stray.id} is there`);
  const furthest = Math.max(0, ...known.keys());
  if (furthest > last.id) return broken(last.id + 1, `is missing: the head that was kept is of entry ${furthest}`);
  return { entries: last.id, last, broken: null };
}

/** The entry that has this digest. */
export function findLink(database: Database, digest: string): AuditLink | undefined {
  return database.get<AuditLink>("select id, digest from audit_link where digest = ?", digest);
}

/** A row with the digest that chains it. */
export type ChainedEntry = AuditRow & { readonly digest: string };

/** Chained entries after one, in order. */
export function chainedAfter(database: Database, id: number, limit: number): ChainedEntry[] {
  return database.all<ChainedEntry>(
    "select audit.id, at, actor, action, object, detail, digest from audit join audit_link using (id) where audit.id > ? order by audit.id limit ?",
    id,
    limit,
  );
}

/** How many chained entries there are after one, and when the first of them was written (UTC ms). */
export function countChainedAfter(database: Database, id: number): { readonly entries: number; readonly oldestAt: number | null } {
  return database.get('select count(*) as entries, min(at) as "oldestAt" from audit join audit_link using (id) where audit.id > ?', id)!;
}

function rowsAfter(database: Database, id: number): AuditRow[] {
  return database.all<AuditRow>(`select id, at, actor, action, object, detail from audit where id > ? order by id limit ${pageSize}`, id);
}

function linksAfter(database: Database, id: number): AuditLink[] {
  return database.all<AuditLink>(`select id, digest from audit_link where id > ? order by id limit ${pageSize}`, id);
}
