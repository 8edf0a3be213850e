import { RefusedError } from "../base/errors.ts";
import type { ResultId } from "../domain/ids.ts";
import type { Result, Review } from "../domain/result.ts";
import type { Database } from "../store/database.ts";
import { withdrawDeliveries } from "../store/deliveries.ts";
import { addJob } from "../store/jobs.ts";
import { getResult, listResults, moveResult, setReview } from "../store/results.ts";
import { announceRejectionJob } from "./job-kinds.ts";
import { releaseHeld, sendReviewedReport } from "./outbox.ts";
import { destinationsToTell } from "./reports.ts";

/**
 * Notes what a person made of a result. Accepted: what was held for it goes out, and a report that says so, a new one where one was sent
 * already. Rejected: what has not gone out is called back, and where objects were delivered a rejection note follows. One may still be rejected after it was accepted; a rejection stands.
 *
 * Refused: a result that is not written yet, the same verdict again, any verdict after a rejection, acceptance of one whose images were deleted.
 */
export function reviewResult(database: Database, id: ResultId, review: Review): void {
  database.transaction(() => {
    const result = getResult(database, id);
    if (!result) throw new RefusedError("not-found", `there is no result ${id}`);
    if (result.state !== "ready")
      throw new RefusedError("result-not-ready", `result ${id} is ${result.state}; only a finished one can be judged`);
    if (review.verdict === "accepted" && result.imagesRemovedAt !== null)
      throw new RefusedError(
        "images-removed",
        `the images of result ${id} were deleted: no report can say any more that it was accepted; it can be rejected`,
      );
    if (result.review && (result.review.verdict === "rejected" || review.verdict === "accepted"))
      throw new RefusedError("already-reviewed", `result ${id} was ${result.review.verdict} already`);
    setReview(database, id, review);
    if (review.verdict === "accepted") acceptResult(database, { ...result, review }, review.at);
    else withdrawResult(database, id, { code: "result-rejected", message: "the result was rejected" }, review.at);
  });
}

/** What was held goes out. Whoever has its report already gets one that says that it was accepted: C-STORE can't take the first one back. */
function acceptResult(database: Database, result: Result, now: number): void {
  supersedeEarlier(database, result, now);
  releaseHeld(database, result.id, now);
  for (const destination of destinationsToTell(database, result.id)) sendReviewedReport(database, result.id, destination, now);
}

/** Calls back what of a result has not gone out, and sees to it that whoever has some of it is told that it is to be used no more. */
export function withdrawResult(database: Database, id: ResultId, reason: { code: string; message: string }, now: number): void {
  withdrawDeliveries(database, id, reason);
  addJob(database, announceRejectionJob(id, now)); // ends by itself where nothing was delivered
}

/** A result has taken the place of those that the same rule made of fewer images of the series: they are withdrawn. */
export function supersedeEarlier(database: Database, { id, seriesId, rule }: Result, now: number): void {
  for (const earlier of listResults(database, seriesId)) {
    if (earlier.id >= id || earlier.rule.name !== rule.name || earlier.state !== "ready") continue;
    if (earlier.imagesRemovedAt !== null) continue; // made of images that were deleted since: this one may be of fewer
    moveResult(database, earlier.id, "superseded");
    if (earlier.review?.verdict === "rejected") continue; // withdrawn already
    withdrawResult(
      database,
      earlier.id,
      { code: "result-superseded", message: "more images came, and a newer result took its place" },
      now,
    );
  }
}
