import type { PullId } from "../domain/ids.ts";
import type { Pull } from "../domain/pull.ts";
import type { Reason } from "../domain/series.ts";
import type { Database } from "./database.ts";
import { freshId } from "./fresh-id.ts";

export function addPull(
  database: Database,
  {
    node,
    studyInstanceUid,
    seriesInstanceUid,
    askedBy,
    askedAt,
  }: Pick<Pull, "node" | "studyInstanceUid" | "seriesInstanceUid" | "askedBy" | "askedAt">,
): PullId {
  return database.run(
    `insert into pull (id, node, study_instance_uid, series_instance_uid, asked_by, asked_at)
     values (${freshId("pull")}, ?, ?, ?, ?, ?)`,
    node,
    studyInstanceUid,
    seriesInstanceUid,
    askedBy,
    askedAt,
  ).id;
}

type PullRow = Omit<Pull, "reason"> & { readonly reason: string | null };
const selectPull = `select id, node, study_instance_uid as "studyInstanceUid", series_instance_uid as "seriesInstanceUid", state, service,
  completed, failed, reason, asked_by as "askedBy", asked_at as "askedAt", ended_at as "endedAt" from pull`;

export function getPull(database: Database, id: PullId): Pull | undefined {
  const row = database.get<PullRow>(`${selectPull} where id = ?`, id);
  return row && pullOf(row);
}

/** The newest first. */
export function listPulls(database: Database, limit: number): Pull[] {
  return database.all<PullRow>(`${selectPull} order by id desc limit ?`, limit).map(pullOf);
}

export type PullOutcome = Pick<Pull, "state" | "service" | "completed" | "failed"> & {
  readonly reason: Reason | null;
  readonly at: number;
};

/** What a try came to; `waiting`: another follows. */
export function notePull(database: Database, id: PullId, { state, service, completed, failed, reason, at }: PullOutcome): void {
  database.run(
    "update pull set state = ?, service = ifnull(?, service), completed = ?, failed = ?, reason = ?, ended_at = ? where id = ?",
    state,
    service,
    completed,
    failed,
    reason && JSON.stringify(reason),
    state === "waiting" ? null : at,
    id,
  );
}

export function listPullsOf(database: Database, studyInstanceUid: string): PullId[] {
  return database.all<{ id: PullId }>("select id from pull where study_instance_uid = ?", studyInstanceUid).map(({ id }) => id);
}

/** Forgets what was asked for of a study; how many. */
export function deletePullsOf(database: Database, studyInstanceUid: string): number {
  return database.run("delete from pull where study_instance_uid = ?", studyInstanceUid).changes;
}

function pullOf({ reason, ...row }: PullRow): Pull {
  return { ...row, reason: reason === null ? null : (JSON.parse(reason) as Reason) };
}
