import type { DeliveryId, Uid } from "../domain/ids.ts";
import type { Database } from "./database.ts";

/** One request to a destination to commit itself to keep one object. */
export type Commitment = {
  readonly id: number;
  readonly transactionUid: Uid;
  readonly deliveryId: DeliveryId;
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly state: "waiting" | "committed" | "refused" | "timed-out";
  /** (0008,1197) of the answer; null: none given, or not refused. */
  readonly failureReason: number | null;
  /** UTC epoch ms. */
  readonly requestedAt: number;
  readonly dueAt: number;
  readonly answeredAt: number | null;
};

const selectCommitment = `select id, transaction_uid as "transactionUid", delivery_id as "deliveryId", sop_class_uid as "sopClassUid",
  sop_instance_uid as "sopInstanceUid", state, failure_reason as "failureReason", requested_at as "requestedAt", due_at as "dueAt",
  answered_at as "answeredAt" from commitment`;

export function addCommitment(
  database: Database,
  commitment: Pick<Commitment, "transactionUid" | "deliveryId" | "sopClassUid" | "sopInstanceUid" | "requestedAt" | "dueAt">,
): void {
  database.run(
    "insert into commitment (transaction_uid, delivery_id, sop_class_uid, sop_instance_uid, requested_at, due_at) values (?, ?, ?, ?, ?, ?)",
    commitment.transactionUid,
    commitment.deliveryId,
    commitment.sopClassUid,
    commitment.sopInstanceUid,
    commitment.requestedAt,
    commitment.dueAt,
  );
}

export function findCommitment(database: Database, transactionUid: Uid): Commitment | undefined {
  return database.get<Commitment>(`${selectCommitment} where transaction_uid = ?`, transactionUid);
}

/** Those of a delivery since it was last sent by a person's wish, in order. */
export function listCommitments(database: Database, deliveryId: DeliveryId): Commitment[] {
  return database.all<Commitment>(`${selectCommitment} where delivery_id = ? and counts = 1 order by id`, deliveryId);
}

export function endCommitment(
  database: Database,
  id: number,
  { state, failureReason, at }: { readonly state: Commitment["state"]; readonly failureReason: number | null; readonly at: number },
): void {
  database.run("update commitment set state = ?, failure_reason = ?, answered_at = ? where id = ?", state, failureReason, at, id);
}

/** The request did not reach the destination. */
export function removeCommitment(database: Database, transactionUid: Uid): void {
  database.run("delete from commitment where transaction_uid = ?", transactionUid);
}

/** Earlier requests do not count against the next ones any more. */
export function forgetCommitments(database: Database, deliveryId: DeliveryId): void {
  database.run("update commitment set counts = 0 where delivery_id = ?", deliveryId);
}
