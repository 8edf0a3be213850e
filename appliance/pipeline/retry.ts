import { RefusedError } from "../base/errors.ts";
import type { ResultId } from "../domain/ids.ts";
import type { Database } from "../store/database.ts";
import { listDeliveries } from "../store/deliveries.ts";
import { addJob } from "../store/jobs.ts";
import { getResult, moveResult } from "../store/results.ts";
import { unsettle } from "../store/series.ts";
import { modelChanged } from "./child-requests.ts";
import { segmentJob, selectJob } from "./job-kinds.ts";
import { retryDelivery } from "./outbox.ts";

/** A person's "try again": a failed result is segmented anew, a ready one's refused or waiting deliveries go out now. Refused where nothing failed. */
export function retryResult(database: Database, id: ResultId, now: number): void {
  database.transaction(() => {
    const result = getResult(database, id);
    if (!result) throw new RefusedError("not-found", `there is no result ${id}`);
    if (result.state === "failed" && result.imagesRemovedAt !== null)
      throw new RefusedError("images-removed", `the images of result ${id} were deleted; send the series again`);
    unsettle(database, result.seriesId);
    if (result.state === "failed" && result.reason?.code === modelChanged) {
      addJob(database, selectJob(result.seriesId, now)); // makes a result of the version that is installed now
      return;
    }
    if (result.state === "failed") {
      moveResult(database, id, "pending");
      addJob(database, segmentJob(id, now));
      return;
    }
    const open = listDeliveries(database, id).filter(({ state }) => state === "failed" || state === "waiting");
    if (result.state !== "ready" || open.length === 0) throw new RefusedError("nothing-to-retry", `result ${id} has nothing that failed`);
    for (const { id: deliveryId } of open) retryDelivery(database, deliveryId, now);
  });
}
