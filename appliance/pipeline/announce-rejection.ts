import type { ResultId } from "../domain/ids.ts";
import { type ResultOutput, resultOutputs } from "../domain/rule.ts";
import { askChild } from "../host/child-process.ts";
import { Later, type Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { addDelivery, listDeliveries, noteDelivery } from "../store/deliveries.ts";
import { addJob, isJobRunning } from "../store/jobs.ts";
import { getResult } from "../store/results.ts";
import { listInstances } from "../store/series.ts";
import { childEntry, childStallMs, type RejectReply, type RejectRequest } from "./child-requests.ts";
import type { EncodeOptions } from "./encode.ts";
import { deliverJob } from "./job-kinds.ts";

/** Until the next look whether an object that was on the wire has arrived. */
const inFlightMs = 1_000;

/** Writes the rejection note of a result (IHE IOCM) and sends it to every destination that has objects of it. */
export function announceRejectionStep({ database, objects, resultFolder, device, changes, clock, log }: EncodeOptions): Step {
  return {
    maxAttempts: 3,
    maxUnavailableAttempts: 10,
    async run({ resultId }: { resultId: ResultId }, { signal }) {
      const result = getResult(database, resultId);
      const [image] = result ? listInstances(database, result.seriesId) : [];
      const deliveries = listDeliveries(database, resultId);
      // What is on the wire just now may arrive all the same, and belongs into the note.
      if (deliveries.some(({ id }) => isJobRunning(database, deliverJob(id, 0).key))) return new Later(clock.now() + inFlightMs);
      const delivered = deliveries.filter(({ state }) => state === "delivered");
      const rejected = resultOutputs.filter((output) => delivered.some((delivery) => delivery.output === output));
      if (!result || !image || rejected.length === 0) return () => {};
      await askChild<RejectRequest, never, RejectReply>(
        childEntry,
        {
          kind: "reject",
          file: { sopInstanceUid: image.sopInstanceUid, path: objects.path(image.digest), sha256: image.digest },
          outputFolder: resultFolder(resultId),
          uids: result.uids,
          rejected: rejected satisfies readonly ResultOutput[],
          description:
            result.review?.verdict === "rejected"
              ? `Rejected: ${result.review.reason}`
              : "More images came; a newer result takes its place",
          device: device(),
          modelName: result.modelName,
          createdAt: result.review?.verdict === "rejected" ? result.review.at : clock.now(),
        },
        { stallMs: childStallMs, signal },
      );
      return () => {
        for (const destination of holdersOf(database, resultId)) {
          const id = addDelivery(database, { resultId, destination, choices: ["rejection-note"], state: "waiting" });
          addJob(database, deliverJob(id, clock.now()));
        }
        log.info("rejection-announced", { resultId, objects: rejected.length });
        changes.seriesChanged(result.seriesId);
      };
    },
    /** The note could not be written: shown where deliveries are shown, since somebody has to tell the destinations otherwise. */
    gaveUp({ resultId }: { resultId: ResultId }, reason) {
      for (const destination of holdersOf(database, resultId)) {
        const id = addDelivery(database, { resultId, destination, choices: ["rejection-note"], state: "waiting" });
        noteDelivery(database, id, { state: "failed", reason, status: null, at: clock.now() });
      }
    },
  };
}

/** Destinations that have objects of a result. */
function holdersOf(database: Database, resultId: ResultId): Set<string> {
  const delivered = listDeliveries(database, resultId).filter(({ state, output }) => state === "delivered" && output !== "rejection-note");
  return new Set(delivered.map(({ destination }) => destination));
}
