import { join } from "node:path";
import type { ResultId } from "../domain/ids.ts";
import type { Result, ResultDocument, SentInstance } from "../domain/result.ts";
import { askChild } from "../host/child-process.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import { Later, type Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { addDelivery, listDeliveries, listUnanswered, noteDelivery, reopenDelivery, setDocument } from "../store/deliveries.ts";
import { takeDocument } from "../store/documents.ts";
import { addJob, isJobRunning } from "../store/jobs.ts";
import { listReceipts } from "../store/receipts.ts";
import { getResult } from "../store/results.ts";
import { addStep } from "../store/traces.ts";
import { childEntry, childStallMs, type RejectReply, type RejectRequest, type SourceFile } from "./child-requests.ts";
import type { EncodeOptions } from "./encode.ts";
import { deliverJob } from "./job-kinds.ts";
import { mintObjectUids, outputForms } from "./outputs.ts";
import { inputFiles } from "./reports.ts";

/** Until the next look whether an object that was on the wire has arrived. */
const inFlightMs = 1_000;

/** What a note says: which objects are to be used no more, and why. */
type NoteSays = { readonly rejected: readonly SentInstance[]; readonly description: string };

/** Writes the rejection notes of a result (IHE IOCM): each destination gets one that names what it has, and nothing else. */
export function announceRejectionStep(options: EncodeOptions): Step {
  const { database, changes, clock, log } = options;
  const softwareVersion = readSoftwareVersion();
  return {
    maxAttempts: 3,
    maxUnavailableAttempts: 10,
    async run({ resultId }: { resultId: ResultId }, { signal }) {
      const result = getResult(database, resultId);
      // What is on the wire just now may arrive all the same, and belongs into the note.
      if (listDeliveries(database, resultId).some(({ id }) => isJobRunning(database, deliverJob(id, 0).key)))
        return new Later(clock.now() + inFlightMs);
      const holders = holdersOf(database, resultId);
      if (!result || holders.size === 0) return () => {};
      const startedAt = clock.now();
      const notes = new Map<string, ResultDocument>();
      for (const [destination, held] of holders) notes.set(destination, noteFor(database, result, held, startedAt));
      for (const note of new Set(notes.values())) await writeNote(note, result, options, signal);
      return () => {
        for (const [destination, { id: documentId }] of notes) {
          const id = addDelivery(database, { resultId, destination, choices: ["rejection-note"], state: "waiting" });
          setDocument(database, id, documentId);
          reopenDelivery(database, id); // where it could not be written before
          addJob(database, deliverJob(id, clock.now()));
        }
        const parameters = { destinations: [...notes.keys()] };
        addStep(database, resultId, { step: "write-rejection-note", parameters, softwareVersion, startedAt, endedAt: clock.now() });
        log.info("rejection-announced", { resultId, destinations: notes.size });
        changes.seriesChanged(result.seriesId);
      };
    },
    /** The note could not be written: shown where deliveries are shown, since somebody has to tell the destinations otherwise. */
    gaveUp({ resultId }: { resultId: ResultId }, reason) {
      for (const destination of holdersOf(database, resultId).keys()) {
        const id = addDelivery(database, { resultId, destination, choices: ["rejection-note"], state: "waiting" });
        noteDelivery(database, id, { state: "failed", reason, status: null, at: clock.now() });
      }
    },
  };
}

/** What each destination has of a result, and what it may have since it never answered; rejection notes aside. */
function holdersOf(database: Database, resultId: ResultId): Map<string, SentInstance[]> {
  const holders = new Map<string, SentInstance[]>();
  const add = (destination: string, instance: SentInstance): void => {
    holders.set(destination, [...(holders.get(destination) ?? []), instance]);
  };
  for (const { output, destination, sopClassUid, seriesInstanceUid, sopInstanceUid } of listReceipts(database, resultId))
    if (output !== "rejection-note") add(destination, { sopClassUid, seriesInstanceUid, sopInstanceUid });
  for (const { destination, instance } of listUnanswered(database, resultId)) add(destination, instance);
  return holders;
}

/** Destinations that have the same objects get the same note. */
function noteFor(database: Database, { id, review }: Result, held: readonly SentInstance[], now: number): ResultDocument {
  const isRejected = review?.verdict === "rejected";
  const unique = new Map(held.map((instance) => [instance.sopInstanceUid, instance])); // what arrived twice counts once
  const says: NoteSays = {
    rejected: [...unique.values()].sort((a, b) => (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1)),
    description: isRejected ? `Rejected: ${review.reason}` : "More images came; a newer result takes its place",
  };
  return takeDocument(database, {
    resultId: id,
    kind: "rejection-note",
    says,
    uids: mintObjectUids(),
    createdAt: isRejected ? review.at : now,
  });
}

/** Patient and study stand in our own objects too: one of them serves where the images were deleted. */
function ownObject({ id, written, uids }: Result, { resultFolder }: EncodeOptions): SourceFile[] {
  return (written ?? []).map((output) => ({
    sopInstanceUid: uids[output].sopInstanceUid,
    path: join(resultFolder(id), outputForms[output].file),
    sha256: null,
  }));
}

async function writeNote(note: ResultDocument, result: Result, options: EncodeOptions, signal: AbortSignal): Promise<void> {
  const { rejected, description } = note.says as NoteSays;
  const [image] = result.imagesRemovedAt === null ? inputFiles(options.database, options.objects, result.id) : ownObject(result, options);
  if (!image) throw new Error(`the images of result ${result.id} were not kept with it`);
  await askChild<RejectRequest, never, RejectReply>(
    childEntry,
    {
      kind: "reject",
      image,
      path: join(options.resultFolder(result.id), note.file),
      uids: note.uids,
      rejected,
      description,
      device: options.device(),
      modelName: result.modelName,
      createdAt: note.createdAt,
    },
    { stallMs: childStallMs, signal },
  );
}
