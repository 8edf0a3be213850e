import type { ResultId, SeriesId } from "../domain/ids.ts";
import {
  type InferenceRecord,
  mayMove,
  type Result,
  type ResultInput,
  type ResultState,
  type ResultUids,
  type Review,
  type StructureMeasure,
} from "../domain/result.ts";
import { type ResultOutput, type Rule, storedRule } from "../domain/rule.ts";
import type { Reason } from "../domain/series.ts";
import type { Database } from "./database.ts";
import { freshId } from "./fresh-id.ts";
import { addInputs } from "./traces.ts";

type ResultRow = {
  id: number;
  series_id: number;
  rule: string;
  model_name: string;
  model_version: string;
  input_digest: string;
  state: ResultState;
  reason: string | null;
  uids: string;
  written: string | null;
  predecessor_id: number | null;
  structures: string | null;
  record: string | null;
  review: string | null;
  created_at: number;
  images_removed_at: number | null;
};

export type NewResult = Pick<Result, "seriesId" | "rule" | "modelName" | "modelVersion" | "inputDigest" | "uids" | "createdAt"> & {
  readonly inputs: readonly ResultInput[];
};

/**
 * A pending result for a rule and exactly these images, with its UIDs; null where there is one already. Results of fewer images that are
 * not ready yet are superseded; the newest one is remembered as predecessor, unless its images were deleted: who knows what came since.
 */
export function addResult(database: Database, result: NewResult): ResultId | null {
  return database.transaction(() => {
    const earlier = database.get<{ id: number }>(
      "select id from result where series_id = ? and rule_name = ? and input_digest <> ? and images_removed_at is null order by id desc limit 1",
      result.seriesId,
      result.rule.name,
      result.inputDigest,
    );
    const { changes, id } = database.run(
      `insert into result (id, series_id, rule_name, rule, model_name, model_version, input_digest, uids, predecessor_id, created_at)
       values (${freshId("result")}, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
      result.seriesId,
      result.rule.name,
      JSON.stringify(result.rule),
      result.modelName,
      result.modelVersion,
      result.inputDigest,
      JSON.stringify(result.uids),
      earlier?.id ?? null,
      result.createdAt,
    );
    if (changes === 0) {
      // Its images were deleted, and have come again
      database.run(
        "update result set images_removed_at = null where series_id = ? and input_digest = ?",
        result.seriesId,
        result.inputDigest,
      );
      return null;
    }
    addInputs(database, id, result.inputs);
    database.run(
      "update result set state = 'superseded' where series_id = ? and rule_name = ? and id <> ? and state in ('pending', 'segmented')",
      result.seriesId,
      result.rule.name,
      id,
    );
    return id;
  });
}

export function getResult(database: Database, id: ResultId): Result | undefined {
  const row = database.get<ResultRow>("select * from result where id = ?", id);
  return row && resultOf(row);
}

/** The result that one of whose objects has this SOP or Series Instance UID. */
export function findResultByUid(database: Database, uid: string): ResultId | undefined {
  return database.get<{ id: number }>(
    `select id from result where exists (select 1 from json_tree(result.uids) where json_tree.atom = ?)
     or id in (select result_id from document where sop_instance_uid = ? or series_instance_uid = ?) order by id limit 1`,
    uid,
    uid,
    uid,
  )?.id;
}

export function listResults(database: Database, seriesId: SeriesId): Result[] {
  return database.all<ResultRow>("select * from result where series_id = ? order by id", seriesId).map(resultOf);
}

/** Moves a result on; a move that the domain does not allow is a fault of ours. */
export function moveResult(database: Database, id: ResultId, to: ResultState, reason: Reason | null = null): void {
  const from = getResult(database, id)?.state;
  if (!from || !mayMove(from, to)) throw new Error(`result ${id} can't go from ${from} to ${to}`);
  database.run("update result set state = ?, reason = ? where id = ?", to, reason && JSON.stringify(reason), id);
}

/** Which of a result's objects are on disk. */
export function setWritten(database: Database, id: ResultId, written: readonly ResultOutput[]): void {
  database.run("update result set written = ? where id = ?", JSON.stringify(written), id);
}

/** A person's judgement of a result. */
export function setReview(database: Database, id: ResultId, review: Review): void {
  database.run("update result set review = ? where id = ?", JSON.stringify(review), id);
}

export function setSegmented(database: Database, id: ResultId, structures: readonly StructureMeasure[], record: InferenceRecord): void {
  moveResult(database, id, "segmented");
  database.run("update result set structures = ?, record = ? where id = ?", JSON.stringify(structures), JSON.stringify(record), id);
}

/** Adds to what a person may want to know of a result. */
export function addNotes(database: Database, id: ResultId, notes: readonly string[]): void {
  const record = getResult(database, id)?.record;
  if (!record || notes.length === 0) return;
  const noted: InferenceRecord = { ...record, notes: [...record.notes, ...notes] };
  database.run("update result set record = ? where id = ?", JSON.stringify(noted), id);
}

function resultOf(row: ResultRow): Result {
  return {
    id: row.id,
    seriesId: row.series_id,
    rule: storedRule(JSON.parse(row.rule) as Rule),
    modelName: row.model_name,
    modelVersion: row.model_version,
    inputDigest: row.input_digest,
    state: row.state,
    reason: parsed<Reason>(row.reason),
    uids: JSON.parse(row.uids) as ResultUids,
    written: parsed<ResultOutput[]>(row.written),
    createdAt: row.created_at,
    predecessorId: row.predecessor_id,
    structures: parsed<StructureMeasure[]>(row.structures),
    record: parsed<InferenceRecord>(row.record),
    review: parsed<Review>(row.review),
    imagesRemovedAt: row.images_removed_at,
  };
}

function parsed<T>(json: string | null): T | null {
  return json === null ? null : (JSON.parse(json) as T);
}
