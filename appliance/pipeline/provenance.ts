import { RefusedError } from "../base/errors.ts";
import type { ResultId } from "../domain/ids.ts";
import type { Delivery, InferenceRecord, Result, ResultUids } from "../domain/result.ts";
import type { Rule } from "../domain/rule.ts";
import type { Reason } from "../domain/series.ts";
import type { Database } from "../store/database.ts";
import { listDeliveries } from "../store/deliveries.ts";
import { findResultByUid, getResult } from "../store/results.ts";
import { getSeries, inputDigest, listInstances } from "../store/series.ts";

/** Everything that says how a result came about: kept in the database row by row, put together here. No patient data but UIDs. */
export type Provenance = {
  readonly resultId: ResultId;
  readonly state: Result["state"];
  readonly reason: Reason | null;
  readonly createdAt: string;
  readonly uids: ResultUids;
  /** Object UIDs of the result of fewer images that this one took the place of. */
  readonly predecessor: ResultUids | null;
  readonly series: { readonly studyInstanceUid: string; readonly seriesInstanceUid: string; readonly callingAeTitle: string };
  /** SHA-256 of each image's data set, as received. */
  readonly inputs: readonly {
    readonly sopInstanceUid: string;
    readonly transferSyntaxUid: string;
    readonly sha256: string;
    readonly receivedAt: string;
  }[];
  /** Whether the series still consists of exactly the images that the result was made from. */
  readonly inputsAreThoseOfTheResult: boolean;
  readonly rule: Rule;
  readonly model: { readonly name: string; readonly version: string };
  /** Null until inference is done. */
  readonly inference: InferenceRecord | null;
  readonly deliveries: readonly Delivery[];
};

/** The provenance of a result. Refused where there is none of that id. */
export function readProvenance(database: Database, id: ResultId): Provenance {
  const result = getResult(database, id);
  const series = result && getSeries(database, result.seriesId);
  if (!result || !series) throw new RefusedError("not-found", `there is no result ${id}`);
  const instances = listInstances(database, series.id);
  const predecessor = result.predecessorId === null ? undefined : getResult(database, result.predecessorId);
  return {
    resultId: id,
    state: result.state,
    reason: result.reason,
    createdAt: isoTime(result.createdAt),
    uids: result.uids,
    predecessor: predecessor?.uids ?? null,
    series: {
      studyInstanceUid: series.studyInstanceUid,
      seriesInstanceUid: series.seriesInstanceUid,
      callingAeTitle: series.callingAeTitle,
    },
    inputs: instances.map(({ sopInstanceUid, transferSyntaxUid, digest, receivedAt }) => ({
      sopInstanceUid,
      transferSyntaxUid,
      sha256: digest,
      receivedAt: isoTime(receivedAt),
    })),
    inputsAreThoseOfTheResult: inputDigest(instances) === result.inputDigest,
    rule: result.rule,
    model: { name: result.modelName, version: result.modelVersion },
    inference: result.record,
    deliveries: listDeliveries(database, id),
  };
}

/** The result that one of whose objects or object series has this UID. Refused where there is none. */
export function resultOfUid(database: Database, uid: string): ResultId {
  const id = findResultByUid(database, uid);
  if (id === undefined) throw new RefusedError("not-found", "no result here has an object or series of that UID");
  return id;
}

function isoTime(utcMs: number): string {
  return new Date(utcMs).toISOString();
}
