import { RefusedError } from "../base/errors.ts";
import type { Completion } from "../domain/completeness.ts";
import type { ResultId, SeriesId } from "../domain/ids.ts";
import type { Delivery, InferenceRecord, Receipt, Result, ResultStep, Review } from "../domain/result.ts";
import type { Rule } from "../domain/rule.ts";
import type { Reason } from "../domain/series.ts";
import { listCompletions } from "../store/completions.ts";
import type { Database } from "../store/database.ts";
import { listDeliveries } from "../store/deliveries.ts";
import { listDocuments } from "../store/documents.ts";
import { listReceipts } from "../store/receipts.ts";
import { findResultByUid, getResult, listResults } from "../store/results.ts";
import { findTrace, keepTrace } from "../store/retained-traces.ts";
import { getSeries, inputDigest, listInstances } from "../store/series.ts";
import { listInputs, listSteps } from "../store/traces.ts";

/** How a result was made. It is fixed once the label map is there, and stands in the report. No patient data but UIDs. */
export type Making = {
  /** Null where no service made it. */
  readonly resultId: ResultId | null;
  readonly plannedAt: string;
  readonly series: { readonly studyInstanceUid: string; readonly seriesInstanceUid: string; readonly callingAeTitle: string } | null;
  /** Every image with the SHA-256 of its data set as received; none for a result of a release that did not keep them. */
  readonly inputs: readonly {
    readonly sopInstanceUid: string;
    readonly transferSyntaxUid: string;
    readonly sha256: string;
    readonly receivedAt: string | null;
  }[];
  /** SHA-256 over their sorted digests, a line each. */
  readonly inputsSha256: string;
  /** As it was when it took the series. */
  readonly rule: Rule | null;
  readonly model: { readonly name: string; readonly version: string };
  /** Null until inference is done. */
  readonly inference: InferenceRecord | null;
  readonly steps: readonly (Omit<ResultStep, "startedAt" | "endedAt"> & { readonly startedAt: string; readonly endedAt: string })[];
};

/** One of a result's objects that were written. */
export type WrittenObject = { readonly output: string; readonly seriesInstanceUid: string; readonly sopInstanceUid: string };

/** Everything that is known of a result: kept in the database row by row, put together here. */
export type Provenance = Making & {
  readonly series: NonNullable<Making["series"]>;
  readonly rule: Rule;
  readonly state: Result["state"];
  readonly reason: Reason | null;
  readonly review: Review | null;
  /** What was written; null where a release before did not note it. */
  readonly objects: readonly WrittenObject[] | null;
  /** The result of fewer images that this one took the place of, and its objects. */
  readonly predecessor: { readonly resultId: ResultId; readonly objects: readonly WrittenObject[] | null } | null;
  /** Whether the series still consists of exactly the images that the result was made from. */
  readonly seriesIsUnchanged: boolean;
  /** When those images were deleted, null: they are here. Absent in traces of releases that deleted none. */
  readonly imagesRemovedAt: string | null;
  /** Each time the series was judged complete, and by what. */
  readonly completions: readonly (Completion & { readonly at: number })[];
  readonly deliveries: readonly Delivery[];
  /** What each destination has taken, answer by answer. */
  readonly receipts: readonly Receipt[];
};

/** How a result was made, so far as that is done. */
export function readMaking(database: Database, result: Result): Making & Pick<Provenance, "series" | "rule"> {
  const { studyInstanceUid, seriesInstanceUid, callingAeTitle } = getSeries(database, result.seriesId)!;
  return {
    resultId: result.id,
    plannedAt: isoTime(result.createdAt),
    series: { studyInstanceUid, seriesInstanceUid, callingAeTitle },
    inputs: listInputs(database, result.id).map(({ receivedAt, ...input }) => ({ ...input, receivedAt: isoTime(receivedAt) })),
    inputsSha256: result.inputDigest,
    rule: result.rule,
    model: { name: result.modelName, version: result.modelVersion },
    inference: result.record,
    steps: listSteps(database, result.id).map((step) => ({
      ...step,
      startedAt: isoTime(step.startedAt),
      endedAt: isoTime(step.endedAt),
    })),
  };
}

/** The provenance of a result. Refused where there is none of that id. */
export function readProvenance(database: Database, id: ResultId): Provenance {
  const result = getResult(database, id);
  if (!result) throw new RefusedError("not-found", `there is no result ${id}`);
  const predecessor = result.predecessorId === null ? undefined : getResult(database, result.predecessorId);
  return {
    ...readMaking(database, result),
    state: result.state,
    reason: result.reason,
    review: result.review,
    objects: objectsOf(database, result),
    predecessor: predecessor ? { resultId: predecessor.id, objects: objectsOf(database, predecessor) } : null,
    imagesRemovedAt: result.imagesRemovedAt === null ? null : isoTime(result.imagesRemovedAt),
    seriesIsUnchanged: inputDigest(listInstances(database, result.seriesId)) === result.inputDigest,
    completions: listCompletions(database, result.seriesId),
    deliveries: listDeliveries(database, id),
    receipts: listReceipts(database, id),
  };
}

/** The result that one of whose objects or object series has this UID. Refused where there is none, and where it was deleted. */
export function resultOfUid(database: Database, uid: string): ResultId {
  const id = findResultByUid(database, uid);
  if (id !== undefined) return id;
  const trace = findTrace(database, uid);
  if (trace)
    throw new RefusedError(
      "result-removed",
      `result ${trace.resultId} was deleted ${isoTime(trace.removedAt)}; \`segbox explain\` tells how it was made`,
    );
  throw new RefusedError("not-found", "no result here has an object or series of that UID");
}

/** The provenance of the result that one of whose objects has this UID, as it was when it was deleted where it was. Refused where there is none. */
export function explainUid(database: Database, uid: string): { readonly provenance: Provenance; readonly removedAt: string | null } {
  const trace = findResultByUid(database, uid) === undefined ? findTrace(database, uid) : undefined;
  if (trace) return { provenance: trace.provenance as Provenance, removedAt: isoTime(trace.removedAt) };
  return { provenance: readProvenance(database, resultOfUid(database, uid)), removedAt: null };
}

/** Keeps how the results of a series were made, which are about to be deleted. */
export function keepTraces(database: Database, seriesId: SeriesId, removedAt: number): void {
  for (const { id, uids } of listResults(database, seriesId)) {
    const provenance = readProvenance(database, id);
    const { studyInstanceUid, seriesInstanceUid } = provenance.series;
    const named = [...Object.values(uids), ...listDocuments(database, id).map((document) => document.uids)];
    keepTrace(
      database,
      { resultId: id, studyInstanceUid, seriesInstanceUid, provenance, removedAt },
      named.flatMap((each) => [each.seriesInstanceUid, each.sopInstanceUid]),
    );
  }
}

/** UIDs are minted for whatever a result could be written as; these are the ones that something has, reports and notes included. */
function objectsOf(database: Database, { id, uids, written }: Result): WrittenObject[] | null {
  if (!written) return null;
  const objects = written.map((output): WrittenObject => ({ output, ...uids[output] }));
  for (const { kind, uids } of listDocuments(database, id))
    if (!objects.some(({ sopInstanceUid }) => sopInstanceUid === uids.sopInstanceUid)) objects.push({ output: kind, ...uids });
  return objects;
}

function isoTime(utcMs: number): string {
  return new Date(utcMs).toISOString();
}
