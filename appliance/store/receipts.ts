import type { DeliveryId, ResultId, SeriesId } from "../domain/ids.ts";
import type { Receipt } from "../domain/result.ts";
import type { ObjectKind } from "../domain/rule.ts";
import type { Database } from "./database.ts";

/** Keeps that a destination has taken an object. */
export function addReceipt(database: Database, deliveryId: DeliveryId, receipt: Omit<Receipt, "destination">): void {
  database.run(
    `insert into receipt (delivery_id, service, output, sop_class_uid, series_instance_uid, sop_instance_uid, sha256, ae_title, status, comment, at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    deliveryId,
    receipt.service,
    receipt.output,
    receipt.sopClassUid,
    receipt.seriesInstanceUid,
    receipt.sopInstanceUid,
    receipt.sha256,
    receipt.aeTitle,
    receipt.status,
    receipt.comment,
    receipt.at,
  );
}

const selectReceipt = `select destination, service, output, sop_class_uid as "sopClassUid", series_instance_uid as "seriesInstanceUid",
  sop_instance_uid as "sopInstanceUid", sha256, ae_title as "aeTitle", receipt.status, receipt.comment, at
  from receipt join delivery on delivery.id = delivery_id`;

/** What has been taken of a delivery, in order. */
export function listReceiptsOf(database: Database, deliveryId: DeliveryId): Receipt[] {
  return database.all<Receipt>(`${selectReceipt} where delivery_id = ? order by receipt.id`, deliveryId);
}

/** What has been taken of a result, in order. */
export function listReceipts(database: Database, resultId: ResultId): Receipt[] {
  return database.all<Receipt>(`${selectReceipt} where result_id = ? order by receipt.id`, resultId);
}

/**
 * The last object of these kinds that a destination has of the results that a rule made of a series before one of them, so far as their images
 * were not deleted since; of any destination where that is null.
 */
export function lastTakenBefore(
  database: Database,
  { id, seriesId, rule }: { readonly id: ResultId; readonly seriesId: SeriesId; readonly rule: { readonly name: string } },
  kinds: readonly ObjectKind[],
  destination: string | null,
): Receipt | undefined {
  return database.get<Receipt>(
    `${selectReceipt} join result on result.id = result_id
     where result.id < ? and series_id = ? and rule_name = ? and destination = ifnull(?, destination) and images_removed_at is null
     and output in (select value from json_each(?)) order by receipt.id desc limit 1`,
    id,
    seriesId,
    rule.name,
    destination,
    JSON.stringify(kinds),
  );
}
