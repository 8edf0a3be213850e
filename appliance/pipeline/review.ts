import { RefusedError } from "../base/errors.ts";
import type { ResultId } from "../domain/ids.ts";
import type { Review } from "../domain/result.ts";
import type { Database } from "../store/database.ts";
import { listDeliveries, withdrawDeliveries } from "../store/deliveries.ts";
import { addJob } from "../store/jobs.ts";
import { getResult, setReview } from "../store/results.ts";
import { announceRejectionJob, reportAcceptanceJob } from "./job-kinds.ts";

/**
 * Notes what a person made of a result. Accepted: what was held for it goes out, with
 * a report that says so. Rejected: what has not gone out is called back, and where
 * objects were delivered a rejection note follows. One may still be rejected after it was accepted; a rejection stands.
 *
 * Refused: a result that is not written yet, the same verdict again, any verdict after a rejection.
 */
export function reviewResult(database: Database, id: ResultId, review: Review): void {
  database.transaction(() => {
    const result = getResult(database, id);
    if (!result) throw new RefusedError("not-found", `there is no result ${id}`);
    if (result.state !== "ready")
      throw new RefusedError("result-not-ready", `result ${id} is ${result.state}; only a finished one can be judged`);
    if (result.review && (result.review.verdict === "rejected" || review.verdict === "accepted"))
      throw new RefusedError("already-reviewed", `result ${id} was ${result.review.verdict} already`);
    setReview(database, id, review);
    if (review.verdict === "accepted") addJob(database, reportAcceptanceJob(id, review.at));
    else withdrawResult(database, id, { code: "result-rejected", message: "the result was rejected" }, review.at);
  });
}

/** Calls back what of a result has not gone out, and tells those who have it that it is to be used no more. */
export function withdrawResult(database: Database, id: ResultId, reason: { code: string; message: string }, now: number): void {
  withdrawDeliveries(database, id, reason);
  if (listDeliveries(database, id).some(({ state }) => state === "delivered")) addJob(database, announceRejectionJob(id, now));
}
