import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Device } from "../dicom/header.ts";
import type { ResultId } from "../domain/ids.ts";
import type { Delivery, ObjectUids, Receipt, Result, ResultDocument, Review } from "../domain/result.ts";
import type { ObjectKind, ResultOutput } from "../domain/rule.ts";
import { askChild } from "../host/child-process.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import type { Database } from "../store/database.ts";
import { setDocument } from "../store/deliveries.ts";
import { getDocument, takeDocument } from "../store/documents.ts";
import type { ObjectFolder } from "../store/objects.ts";
import { lastTakenBefore, listReceipts } from "../store/receipts.ts";
import { addStep, listInputs } from "../store/traces.ts";
import { childEntry, childStallMs, type ReportReply, type ReportRequest, type SourceFile } from "./child-requests.ts";
import { mintObjectUids, outputForms, segmentationAmong } from "./outputs.ts";
import { readMaking } from "./provenance.ts";

export type ReportOptions = {
  readonly database: Database;
  readonly objects: ObjectFolder;
  readonly resultFolder: (id: ResultId) => string;
  readonly device: () => Device;
  readonly clock: Clock;
};

/** What depends on who gets a report, and when. Two reports of a result that say the same are one. */
export type ReportSays = {
  readonly segmentation: "seg" | "seg-labelmap" | null;
  readonly predecessor: ObjectUids | null;
  readonly review: Review | null;
};

/**
 * The report that a delivery sends, in the result's folder when this resolves: it refers to the segmentation and to the report before it that
 * its destination has, and says how the result was judged so far. The one written with the other objects goes where it says just that; else
 * one is written, under UIDs of its own.
 */
export async function reportFor(delivery: Delivery, result: Result, options: ReportOptions, signal: AbortSignal): Promise<ResultDocument> {
  const { database } = options;
  const chosen = delivery.documentId === null ? undefined : getDocument(database, delivery.documentId);
  const report = chosen ?? chooseReport(database, delivery, result);
  const isThere = await access(join(options.resultFolder(result.id), report.file)).then(
    () => true,
    () => false,
  );
  if (!isThere) await writeReportFile(report, result, options, signal);
  return report;
}

/** Remembers what the report says that was written with the other objects, so that it goes where just that is to be said. */
export function noteFirstReport(
  database: Database,
  result: Result,
  written: readonly ResultOutput[],
  predecessor: ObjectUids | null,
): void {
  const says: ReportSays = { segmentation: segmentationAmong(written), predecessor, review: null };
  const { file } = outputForms.sr;
  takeDocument(database, { resultId: result.id, kind: "sr", says, uids: result.uids.sr, file, createdAt: result.createdAt });
}

/** The last report before this result that any destination has. */
export function earlierReport(database: Database, result: Result): ObjectUids | null {
  return uidsOf(lastTakenBefore(database, result, reports, null));
}

/** The last structure set before this result that any destination has. Of a segmentation DICOM has no place to say so. */
export function earlierStructureSet(database: Database, result: Result): ObjectUids | null {
  return uidsOf(lastTakenBefore(database, result, ["rtstruct"], null));
}

/** Destinations that have a report of a result, but none that says how it was judged. */
export function destinationsToTell(database: Database, resultId: ResultId): string[] {
  const reports = listReceipts(database, resultId).filter(isReport);
  const told = new Set(reports.filter(({ sopInstanceUid }) => saysReview(database, sopInstanceUid)).map(({ destination }) => destination));
  return [...new Set(reports.map(({ destination }) => destination))].filter((destination) => !told.has(destination));
}

function saysReview(database: Database, sopInstanceUid: string): boolean {
  const document = database.get<{ review: string | null }>(
    "select says ->> '$.review' as review from document where sop_instance_uid = ?",
    sopInstanceUid,
  );
  return (document?.review ?? null) !== null;
}

/** Chooses the report once for all tries of a delivery. */
function chooseReport(database: Database, { id, output, destination }: Delivery, result: Result): ResultDocument {
  return database.transaction(() => {
    const there = listReceipts(database, result.id).filter((receipt) => receipt.destination === destination);
    const before = output === "reviewed-sr" ? there.findLast(isReport) : lastTakenBefore(database, result, reports, destination);
    const says: ReportSays = {
      segmentation: segmentationAmong(there.map((receipt) => receipt.output as ResultOutput)),
      predecessor: uidsOf(before),
      review: result.review?.verdict === "accepted" ? result.review : null,
    };
    const createdAt = result.review?.at ?? result.createdAt;
    const report = takeDocument(database, { resultId: result.id, kind: "sr", says, uids: mintObjectUids(), createdAt });
    setDocument(database, id, report.id);
    return report;
  });
}

async function writeReportFile(report: ResultDocument, result: Result, options: ReportOptions, signal: AbortSignal): Promise<void> {
  const { database, clock } = options;
  const { segmentation, predecessor, review } = report.says as ReportSays;
  const startedAt = clock.now();
  await askChild<ReportRequest, never, ReportReply>(
    childEntry,
    {
      kind: "report",
      files: inputFiles(database, options.objects, result.id),
      resultFolder: options.resultFolder(result.id),
      file: report.file,
      report: {
        uids: report.uids,
        device: options.device(),
        structures: result.structures ?? [],
        record: result.record,
        making: readMaking(database, result),
        segmentation: segmentation && { output: segmentation, uids: result.uids[segmentation] },
        predecessor,
        review,
        createdAt: report.createdAt,
      },
    },
    { stallMs: childStallMs, signal },
  );
  const parameters = { file: report.file, sopInstanceUid: report.uids.sopInstanceUid, ...report.says };
  const softwareVersion = readSoftwareVersion();
  addStep(database, result.id, { step: "write-report", parameters, softwareVersion, startedAt, endedAt: clock.now() });
}

/** The images that a result was made from, whatever its series has become. */
export function inputFiles(database: Database, objects: ObjectFolder, resultId: ResultId): SourceFile[] {
  return listInputs(database, resultId).map(({ sopInstanceUid, sha256 }) => ({ sopInstanceUid, path: objects.path(sha256), sha256 }));
}

const reports: readonly ObjectKind[] = ["sr", "reviewed-sr"];

function isReport({ output }: Receipt): boolean {
  return reports.includes(output);
}

function uidsOf(receipt: Receipt | undefined): ObjectUids | null {
  return receipt ? { seriesInstanceUid: receipt.seriesInstanceUid, sopInstanceUid: receipt.sopInstanceUid } : null;
}
