import { gunzipSync, gzipSync } from "node:zlib";
import type { ResultId, Uid } from "../domain/ids.ts";
import type { Database } from "./database.ts";

/** How a result was made that is deleted. `provenance` is what the pipeline made of it; no name in it but UIDs. */
export type KeptTrace = {
  readonly resultId: ResultId;
  readonly studyInstanceUid: Uid;
  readonly seriesInstanceUid: Uid;
  readonly provenance: object;
  /** UTC epoch ms. */
  readonly removedAt: number;
};

/** @param uids series and SOP Instance UIDs of its objects, by which it can be found */
export function keepTrace(database: Database, trace: KeptTrace, uids: Iterable<Uid>): void {
  database.run(
    "insert into trace (result_id, study_instance_uid, series_instance_uid, provenance, removed_at) values (?, ?, ?, ?, ?)",
    trace.resultId,
    trace.studyInstanceUid,
    trace.seriesInstanceUid,
    gzipSync(JSON.stringify(trace.provenance)),
    trace.removedAt,
  );
  for (const uid of new Set(uids)) database.run("insert into trace_uid (uid, result_id) values (?, ?)", uid, trace.resultId);
}

type Row = Omit<KeptTrace, "provenance"> & { readonly provenance: Uint8Array };
const selectTrace = `select trace.result_id as "resultId", study_instance_uid as "studyInstanceUid", series_instance_uid as "seriesInstanceUid",
  provenance, removed_at as "removedAt" from trace`;

/** The deleted result one of whose objects has this SOP or Series Instance UID. */
export function findTrace(database: Database, uid: string): KeptTrace | undefined {
  const row = database.get<Row>(`${selectTrace} join trace_uid using (result_id) where uid = ? order by trace.result_id limit 1`, uid);
  return row && traceOf(row);
}

export function listTraces(database: Database, studyInstanceUid: string): KeptTrace[] {
  return database.all<Row>(`${selectTrace} where study_instance_uid = ? order by trace.result_id`, studyInstanceUid).map(traceOf);
}

export function countTraces(database: Database): number {
  return database.get<{ count: number }>("select count(*) as count from trace")!.count;
}

/** Forgets those of results that were deleted before; how many. */
export function deleteTracesBefore(database: Database, at: number): number {
  return database.run("delete from trace where removed_at < ?", at).changes;
}

export function deleteTracesOf(database: Database, studyInstanceUid: string): number {
  return database.run("delete from trace where study_instance_uid = ?", studyInstanceUid).changes;
}

function traceOf({ provenance, ...row }: Row): KeptTrace {
  return { ...row, provenance: JSON.parse(gunzipSync(provenance).toString()) as object };
}
