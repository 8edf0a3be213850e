import { createHash } from "node:crypto";
import { RefusedError } from "../base/errors.ts";
import type { SeriesId, Uid } from "../domain/ids.ts";
import { whyKept } from "../domain/retention.ts";
import { addAudit } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { readHolding } from "../store/holdings.ts";
import { jobKeysOf } from "../store/job-keys.ts";
import { listRunningKeys } from "../store/jobs.ts";
import { deletePullsOf, listPullsOf } from "../store/pulls.ts";
import { deleteSeries } from "../store/removals.ts";
import { deleteTracesOf } from "../store/retained-traces.ts";
import { listSeriesOfStudy } from "../store/series.ts";

export type Erased = {
  readonly series: readonly SeriesId[];
  readonly images: number;
  readonly results: number;
  readonly traces: number;
};

/** As what an erased study stands in the audit trail: who has its UID can ask for it, nobody can read the UID from it. */
export function pseudonymOf(studyInstanceUid: Uid): string {
  return `study:sha256:${createHash("sha256").update(studyInstanceUid).digest("hex")}`;
}

/**
 * Deletes the rows of a study: series, results, deliveries, how they were made, what was asked for at other nodes. Files follow
 * (`remove-files.ts`). What stays is the audit trail, which knows row numbers and the study's pseudonym. One transaction.
 *
 * Refused: a study that is not here, one of which something runs just now, and, unless `force`, one of which something is not delivered and settled.
 */
export function eraseStudy(
  database: Database,
  studyInstanceUid: Uid,
  { actor, at, force }: { readonly actor: string; readonly at: number; readonly force: boolean },
): Erased {
  return database.transaction(() => {
    const holdings = listSeriesOfStudy(database, studyInstanceUid).map((id) => readHolding(database, id)!);
    const running = listRunningKeys(database);
    if (listPullsOf(database, studyInstanceUid).some((id) => running.has(`pull:${id}`)))
      throw new RefusedError("study-in-work", "images of the study are being fetched just now; try again when that is done");
    for (const holding of holdings) {
      if (jobKeysOf(holding).some((key) => running.has(key)))
        throw new RefusedError("study-in-work", `series ${holding.seriesId} is being worked on just now; try again when that is done`);
      const reason = whyKept({ ...holding, resultBytes: 0 });
      if (reason && !force)
        throw new RefusedError("study-not-settled", `series ${holding.seriesId}: ${reason.message}; erase it all the same by force`);
    }
    const results = holdings.flatMap((holding) => holding.results);
    for (const { seriesId } of holdings) deleteSeries(database, seriesId, at);
    const traces = deleteTracesOf(database, studyInstanceUid);
    const pulls = deletePullsOf(database, studyInstanceUid);
    if (holdings.length + traces + pulls === 0) throw new RefusedError("not-found", "there is nothing of that study here");
    const erased: Erased = {
      series: holdings.map(({ seriesId }) => seriesId),
      images: holdings.reduce((sum, { images }) => sum + images, 0),
      results: results.length,
      traces,
    };
    const detail = { ...erased, results: results.map(({ id }) => id), pulls, force };
    addAudit(database, { at, actor, action: "study-erased", object: pseudonymOf(studyInstanceUid), detail });
    return erased;
  });
}
