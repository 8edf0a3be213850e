import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Completion, judgeCompleteness } from "../domain/completeness.ts";
import type { SeriesId } from "../domain/ids.ts";
import { Later, type Step } from "../jobs/runner.ts";
import { addAudit } from "../store/audit.ts";
import { addCompletion, readDeclared } from "../store/completions.ts";
import type { Database } from "../store/database.ts";
import { addJob } from "../store/jobs.ts";
import { type ArrivingSeries, getSeries, noteAssociationEnd, setSeriesState } from "../store/series.ts";
import type { Changes } from "./changes.ts";
import { sourceOf } from "./count-at-source.ts";
import { closeSeriesJob, countAtSourceJob, selectJob } from "./job-kinds.ts";

/** Which series the open associations have brought images of. After a restart none is open. */
export class OpenAssociations {
  readonly #series = new Map<number, Set<SeriesId>>();

  brought(associationId: number, seriesId: SeriesId): void {
    const known = this.#series.get(associationId);
    if (known) known.add(seriesId);
    else this.#series.set(associationId, new Set([seriesId]));
  }

  /** Forgets the association and answers what it had brought. */
  ended(associationId: number): SeriesId[] {
    const brought = [...(this.#series.get(associationId) ?? [])];
    this.#series.delete(associationId);
    return brought;
  }

  countOf(seriesId: SeriesId): number {
    return [...this.#series.values()].filter((series) => series.has(seriesId)).length;
  }
}

/** The quiet time starts anew when an association that brought images ends. */
export function associationEnded(associationId: number, options: CloseOptions): void {
  const { database, open, clock } = options;
  const now = clock.now();
  database.transaction(() => {
    for (const seriesId of open.ended(associationId)) {
      noteAssociationEnd(database, seriesId, now);
      const series = getSeries(database, seriesId);
      if (series?.state !== "receiving") continue;
      const isComplete = judge(series, options, now) !== null; // the images themselves may say so
      addJob(database, closeSeriesJob(seriesId, isComplete ? now : nextLook(series, options, now)));
      if (!isComplete && sourceOf(database, series.callingAeTitle)) addJob(database, countAtSourceJob(seriesId, now));
    }
  });
}

export type CloseOptions = {
  readonly database: Database;
  readonly open: OpenAssociations;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
  readonly quietMs: number;
  /** A series to which images keep coming for so long is taken as it is. */
  readonly forceMs: number;
};

function judge(series: ArrivingSeries, { database, open, quietMs, forceMs }: CloseOptions, now: number): Completion | null {
  const declared = readDeclared(database, series.id);
  return judgeCompleteness({ ...series, declared }, { associationsOpen: open.countOf(series.id), quietMs, forceMs, now });
}

/** When the quiet time is over if nothing comes, or images have come for too long. */
function nextLook({ receivingSince }: ArrivingSeries, { quietMs, forceMs }: CloseOptions, now: number): number {
  return Math.min(now + quietMs, Math.max(now, receivingSince + forceMs));
}

/** Judges a series complete, or looks again later. */
export function closeSeriesStep(options: CloseOptions): Step {
  const { database, changes, clock, log } = options;
  return {
    maxAttempts: 3,
    async run({ seriesId }: { seriesId: SeriesId }) {
      const series = getSeries(database, seriesId);
      if (series?.state !== "receiving") return () => {};
      const now = clock.now();
      if (!judge(series, options, now)) return new Later(nextLook(series, options, now));
      return () => {
        const latest = getSeries(database, seriesId);
        const completion = latest && judge(latest, options, now);
        if (!completion) {
          // An image or an association came between the look above and this transaction.
          addJob(database, closeSeriesJob(seriesId, nextLook(series, options, clock.now())));
          return;
        }
        setSeriesState(database, seriesId, "complete", null);
        addCompletion(database, seriesId, completion, now);
        addJob(database, selectJob(seriesId, now));
        const { how, instances, expected, waitedMs } = completion;
        const detail = { instances, how };
        addAudit(database, {
          at: now,
          actor: `ae:${latest.callingAeTitle}`,
          action: "series-received",
          object: `series:${seriesId}`,
          detail,
        });
        log.info("series-complete", {
          seriesId,
          how,
          instances,
          ...(expected !== null && { expected }),
          ...(waitedMs !== null && { waitedMs }),
        });
        changes.seriesChanged(seriesId);
      };
    },
    gaveUp({ seriesId }: { seriesId: SeriesId }, reason) {
      setSeriesState(database, seriesId, "ignored", reason);
      changes.seriesChanged(seriesId);
    },
  };
}
