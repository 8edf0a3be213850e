import { RefusedError } from "../base/errors.ts";
import type { DeliveryId, ResultId, SeriesId } from "../domain/ids.ts";
import {
  type Delivery,
  type DeliveryState,
  type InferenceRecord,
  mayMove,
  type Result,
  type ResultState,
  type ResultUids,
  type StructureMeasure,
} from "../domain/result.ts";
import type { ResultOutput, Rule } from "../domain/rule.ts";
import type { Reason } from "../domain/series.ts";
import type { Database } from "./database.ts";

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
  predecessor_id: number | null;
  structures: string | null;
  record: string | null;
  created_at: number;
};

export type NewResult = Pick<Result, "seriesId" | "rule" | "modelName" | "modelVersion" | "inputDigest" | "uids" | "createdAt">;

/**
 * A pending result for a rule and exactly these images, with its UIDs; null where there is one already. Results of fewer images that are
 * not ready yet are superseded; the newest one is remembered as predecessor.
 */
export function addResult(database: Database, result: NewResult): ResultId | null {
  return database.transaction(() => {
    const earlier = database.get<{ id: number }>(
      "select id from result where series_id = ? and rule_name = ? and input_digest <> ? order by id desc limit 1",
      result.seriesId,
      result.rule.name,
      result.inputDigest,
    );
    const { changes, id } = database.run(
      `insert into result (series_id, rule_name, rule, model_name, model_version, input_digest, uids, predecessor_id, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
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
    if (changes === 0) return null;
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

export function listResults(database: Database, seriesId: SeriesId): Result[] {
  return database.all<ResultRow>("select * from result where series_id = ? order by id", seriesId).map(resultOf);
}

/** Moves a result on; a move that the domain does not allow is a fault of ours. */
export function moveResult(database: Database, id: ResultId, to: ResultState, reason: Reason | null = null): void {
  const from = getResult(database, id)?.state;
  if (!from || !mayMove(from, to)) throw new Error(`result ${id} can't go from ${from} to ${to}`);
  database.run("update result set state = ?, reason = ? where id = ?", to, reason && JSON.stringify(reason), id);
}

export function setSegmented(database: Database, id: ResultId, structures: readonly StructureMeasure[], record: InferenceRecord): void {
  moveResult(database, id, "segmented");
  database.run("update result set structures = ?, record = ? where id = ?", JSON.stringify(structures), JSON.stringify(record), id);
}

/** A delivery of one object to one destination, unless it is there already. */
export function addDelivery(database: Database, resultId: ResultId, output: ResultOutput, destination: string): DeliveryId {
  database.run(
    "insert into delivery (result_id, output, destination) values (?, ?, ?) on conflict do nothing",
    resultId,
    output,
    destination,
  );
  return database.get<{ id: number }>(
    "select id from delivery where result_id = ? and output = ? and destination = ?",
    resultId,
    output,
    destination,
  )!.id;
}

const selectDelivery =
  'select id, result_id as "resultId", output, destination, state, attempts, reason, status, delivered_at as "deliveredAt" from delivery';

export function getDelivery(database: Database, id: DeliveryId): Delivery | undefined {
  const row = database.get<Delivery & { reason: string | null }>(`${selectDelivery} where id = ?`, id);
  return row && deliveryOf(row);
}

export function listDeliveries(database: Database, resultId: ResultId): Delivery[] {
  return database.all<Delivery & { reason: string | null }>(`${selectDelivery} where result_id = ? order by id`, resultId).map(deliveryOf);
}

/** What a try came to. `waiting` with a reason: it failed and will be tried again. A delivered one stays delivered. */
export function noteDelivery(
  database: Database,
  id: DeliveryId,
  outcome: { state: DeliveryState; reason: Reason | null; status: number | null; at: number },
): void {
  const { changes } = database.run(
    "update delivery set state = ?, reason = ?, status = ?, attempts = attempts + 1, delivered_at = ? where id = ? and state <> 'delivered'",
    outcome.state,
    outcome.reason && JSON.stringify(outcome.reason),
    outcome.status,
    outcome.state === "delivered" ? outcome.at : null,
    id,
  );
  if (changes === 0) throw new RefusedError("delivery-settled", `delivery ${id} is delivered already, or gone`);
}

/** Puts a refused delivery back to waiting, by a person's wish. */
export function reopenDelivery(database: Database, id: DeliveryId): void {
  database.run("update delivery set state = 'waiting', reason = null where id = ? and state = 'failed'", id);
}

function resultOf(row: ResultRow): Result {
  return {
    id: row.id,
    seriesId: row.series_id,
    rule: JSON.parse(row.rule) as Rule,
    modelName: row.model_name,
    modelVersion: row.model_version,
    inputDigest: row.input_digest,
    state: row.state,
    reason: parsed<Reason>(row.reason),
    uids: JSON.parse(row.uids) as ResultUids,
    createdAt: row.created_at,
    predecessorId: row.predecessor_id,
    structures: parsed<StructureMeasure[]>(row.structures),
    record: parsed<InferenceRecord>(row.record),
  };
}

function deliveryOf(row: Omit<Delivery, "reason"> & { reason: string | null }): Delivery {
  return { ...row, reason: parsed<Reason>(row.reason) };
}

function parsed<T>(json: string | null): T | null {
  return json === null ? null : (JSON.parse(json) as T);
}
