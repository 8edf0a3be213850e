import { RefusedError } from "../base/errors.ts";
import type { DeliveryId, DocumentId, ResultId, SeriesId } from "../domain/ids.ts";
import type { Delivery, DeliveryState, Refusal, SentInstance } from "../domain/result.ts";
import type { ObjectKind } from "../domain/rule.ts";
import type { Reason } from "../domain/series.ts";
import type { Database } from "./database.ts";
import { freshId } from "./fresh-id.ts";

export type NewDelivery = Pick<Delivery, "resultId" | "destination" | "choices"> & {
  /** Failed: none of its choices could be written, for this reason. */
  readonly state: "held" | "waiting" | "failed";
  readonly reason?: Reason | null;
  /** What was to go before the choices, and could not be written. */
  readonly refusals?: readonly Refusal[];
};

/** A delivery of one object to one destination, unless it is there already. */
export function addDelivery(
  database: Database,
  { resultId, destination, choices, state, reason = null, refusals = [] }: NewDelivery,
): DeliveryId {
  const key = [resultId, destination, JSON.stringify(choices)] as const;
  database.run(
    `insert into delivery (id, result_id, destination, choices, state, reason, refusals)
     values (${freshId("delivery")}, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
    ...key,
    state,
    reason && JSON.stringify(reason),
    JSON.stringify(refusals),
  );
  return database.get<{ id: number }>("select id from delivery where result_id = ? and destination = ? and choices = ?", ...key)!.id;
}

type DeliveryRow = Omit<Delivery, "choices" | "output" | "refusals" | "reason"> & {
  readonly choices: string;
  readonly refusals: string;
  readonly reason: string | null;
};

const selectDelivery = `select delivery.id, result_id as "resultId", destination, choices, position, document_id as "documentId",
  refusals, delivery.state, attempts, delivery.reason, status, comment, commitment, tried_at as "triedAt", delivered_at as "deliveredAt" from delivery`;

export function getDelivery(database: Database, id: DeliveryId): Delivery | undefined {
  const row = database.get<DeliveryRow>(`${selectDelivery} where delivery.id = ?`, id);
  return row && deliveryOf(row);
}

export function listDeliveries(database: Database, resultId: ResultId): Delivery[] {
  return database.all<DeliveryRow>(`${selectDelivery} where result_id = ? order by delivery.id`, resultId).map(deliveryOf);
}

/** Those in one of the states, of all results, the newest first. */
export function listDeliveriesIn(database: Database, states: readonly DeliveryState[], limit: number): Delivery[] {
  return database
    .all<DeliveryRow>(
      `${selectDelivery} where delivery.state in (select value from json_each(?)) order by delivery.id desc limit ?`,
      JSON.stringify(states),
      limit,
    )
    .map(deliveryOf);
}

/** Deliveries that wait for one destination, in the order in which they go out. */
export function listWaitingFor(database: Database, destination: string): DeliveryId[] {
  return database
    .all<{ id: number }>("select id from delivery where state = 'waiting' and destination = ? order by result_id, id", destination)
    .map(({ id }) => id);
}

/**
 * What may go out now of one series to one destination: nothing that waits of the same or an older result stands before it. Held and failed
 * ones hold nobody up: only a person knows when they go on. Neither does a rejection note hold up anything; it comes after the objects of its
 * own result.
 */
export function listInTurn(database: Database, seriesId: SeriesId, destination: string): DeliveryId[] {
  return database
    .all<{ id: number }>(
      `with line as (
         select delivery.id, result_id, choices = '["rejection-note"]' as is_note from delivery join result on result.id = result_id
         where series_id = ? and destination = ? and delivery.state = 'waiting')
       select id from line as mine where not exists (
         select 1 from line as other where not other.is_note and (other.result_id, other.id) < (mine.result_id, mine.id)
         and (not mine.is_note or other.result_id = mine.result_id))
       order by result_id, id`,
      seriesId,
      destination,
    )
    .map(({ id }) => id);
}

/** Which report or note a delivery is of: every try sends the same one. */
export function setDocument(database: Database, id: DeliveryId, documentId: DocumentId): void {
  database.run("update delivery set document_id = ? where id = ?", documentId, id);
}

export type Outcome = {
  readonly state: "waiting" | "delivered" | "failed" | "withdrawn";
  readonly reason: Reason | null;
  readonly at: number;
  /** The peer's answer, where it gave one. */
  readonly status: number | null;
  readonly comment?: string | null;
};

/**
 * What a try came to. `waiting` with a reason: it failed and will be tried again. A delivered one stays delivered; one that was called back
 * meanwhile stays withdrawn, unless it did arrive.
 */
export function noteDelivery(database: Database, id: DeliveryId, { state, reason, at, status, comment = null }: Outcome): void {
  const { changes } = database.run(
    `update delivery set state = ?, reason = ?, status = ifnull(?, status), comment = iif(? is null, comment, ?), attempts = attempts + 1,
     tried_at = ?, delivered_at = ? where id = ? and (state in ('waiting', 'failed') or (state = 'withdrawn' and ? = 'delivered'))`,
    state,
    reason && JSON.stringify(reason),
    status,
    status,
    comment,
    at,
    state === "delivered" ? at : null,
    id,
    state,
  );
  if (changes === 0 && getDelivery(database, id)?.state === "withdrawn") return; // called back while it was tried, and did not arrive
  if (changes === 0) throw new RefusedError("delivery-settled", `delivery ${id} is delivered already, or gone`);
}

/** The peer's answer to a try that did not succeed, kept whatever becomes of the try. How often it has answered so in a row. */
export function noteAnswer(database: Database, id: DeliveryId, { status, comment }: { status: number; comment: string | null }): number {
  const row = database.get<{ same_answers: number }>(
    `update delivery set same_answers = iif(status is ?, same_answers + 1, 1), status = ?, comment = ? where id = ? and state = 'waiting'
     returning same_answers`,
    status,
    status,
    comment,
    id,
  );
  return row?.same_answers ?? 0;
}

/** What is being sent, noted before its first byte goes; null when its destination has answered. */
export function setUnanswered(database: Database, id: DeliveryId, instance: SentInstance | null): void {
  database.run("update delivery set unanswered = ? where id = ?", instance && JSON.stringify(instance), id);
}

/** What was sent of a result and never answered, rejection notes aside: its destination may have it. */
export function listUnanswered(
  database: Database,
  resultId: ResultId,
): { readonly destination: string; readonly instance: SentInstance }[] {
  return database
    .all<{ destination: string; unanswered: string }>(
      `select destination, unanswered from delivery
       where result_id = ? and unanswered is not null and choices <> '["rejection-note"]' order by id`,
      resultId,
    )
    .map(({ destination, unanswered }) => ({ destination, instance: JSON.parse(unanswered) as SentInstance }));
}

/** The next choice goes in place of the one that was refused. */
export function fallBack(database: Database, { id, position, refusals }: Delivery, refusal: Refusal): void {
  database.run(
    `update delivery set position = position + 1, refusals = ?, reason = null, tried_at = ?
     where id = ? and state = 'waiting' and position = ?`,
    JSON.stringify([...refusals, refusal]),
    refusal.at,
    id,
    position,
  );
}

/** Puts a failed delivery, or a rejection note that was not taken, back to waiting, by a person's wish, from its first choice on: the destination may have learnt to take it. */
export function reopenDelivery(database: Database, id: DeliveryId): void {
  database.run(
    `update delivery set state = 'waiting', reason = null, position = 0, refusals = '[]', same_answers = 0, commitment = null
     where id = ? and (state = 'failed' or (state = 'withdrawn' and choices = '["rejection-note"]'))`,
    id,
  );
}

/**
 * Whether the destination has committed itself to keep a delivered object. Without its commitment the delivery has failed: a person may send it
 * again.
 */
export function setCommitment(database: Database, id: DeliveryId, commitment: Delivery["commitment"], reason: Reason | null = null): void {
  database.run(
    "update delivery set commitment = ?, state = iif(? = 'failed', 'failed', state), reason = ? where id = ? and state = 'delivered'",
    commitment,
    commitment,
    reason && JSON.stringify(reason),
    id,
  );
}

/** Puts a delivered object back to waiting: its destination has lost it. */
export function sendDeliveredAgain(database: Database, id: DeliveryId, reason: Reason): void {
  database.run(
    "update delivery set state = 'waiting', commitment = null, reason = ? where id = ? and state = 'delivered'",
    JSON.stringify(reason),
    id,
  );
}

/** Lets a result's held deliveries go; their ids, in no order. */
export function releaseDeliveries(database: Database, resultId: ResultId): DeliveryId[] {
  return database
    .all<{ id: number }>("update delivery set state = 'waiting' where result_id = ? and state = 'held' returning id", resultId)
    .map(({ id }) => id);
}

/** Calls back what has not gone out: the result was rejected, or another took its place. */
export function withdrawDeliveries(database: Database, resultId: ResultId, reason: Reason): void {
  database.run(
    `update delivery set state = 'withdrawn', reason = ?
     where result_id = ? and state in ('waiting', 'held', 'failed') and choices <> '["rejection-note"]'`,
    JSON.stringify(reason),
    resultId,
  );
}

/** Calls back what failed of a series' results, rejection notes included. */
export function withdrawFailed(database: Database, seriesId: SeriesId, reason: Reason): void {
  database.run(
    "update delivery set state = 'withdrawn', reason = ? where state = 'failed' and result_id in (select id from result where series_id = ?)",
    JSON.stringify(reason),
    seriesId,
  );
}

function deliveryOf({ choices, refusals, reason, ...row }: DeliveryRow): Delivery {
  const list = JSON.parse(choices) as readonly ObjectKind[];
  return {
    ...row,
    choices: list,
    output: list[row.position]!,
    refusals: JSON.parse(refusals) as readonly Refusal[],
    reason: reason === null ? null : (JSON.parse(reason) as Reason),
  };
}
