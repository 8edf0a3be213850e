import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { SeriesId } from "../domain/ids.ts";
import { isComplete } from "../domain/series.ts";
import { Later, type Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { addJob } from "../store/jobs.ts";
import { getSeries, noteAssociationEnd, setSeriesState } from "../store/series.ts";
import type { Changes } from "./changes.ts";
import { closeSeriesJob, selectJob } from "./job-kinds.ts";

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
export function associationEnded(associationId: number, { database, open, clock, quietMs }: CloseOptions): void {
  const now = clock.now();
  database.transaction(() => {
    for (const seriesId of open.ended(associationId)) {
      noteAssociationEnd(database, seriesId, now);
      if (getSeries(database, seriesId)?.state === "receiving") addJob(database, closeSeriesJob(seriesId, now + quietMs));
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
};

/** Judges a series complete, or looks again later. */
export function closeSeriesStep({ database, open, changes, clock, log, quietMs }: CloseOptions): Step {
  return {
    maxAttempts: 3,
    async run({ seriesId }: { seriesId: SeriesId }) {
      const series = getSeries(database, seriesId);
      if (series?.state !== "receiving") return () => {};
      const now = clock.now();
      if (!isComplete(series, open.countOf(seriesId), quietMs, now)) return new Later(now + quietMs);
      return () => {
        const latest = getSeries(database, seriesId);
        if (!latest || !isComplete(latest, open.countOf(seriesId), quietMs, now)) {
          // An image or an association came between the look above and this transaction.
          addJob(database, closeSeriesJob(seriesId, clock.now() + quietMs));
          return;
        }
        setSeriesState(database, seriesId, "complete", null);
        addJob(database, selectJob(seriesId, now));
        log.info("series-complete", { seriesId, instances: series.instanceCount });
        changes.seriesChanged(seriesId);
      };
    },
    gaveUp({ seriesId }: { seriesId: SeriesId }, reason) {
      setSeriesState(database, seriesId, "ignored", reason);
      changes.seriesChanged(seriesId);
    },
  };
}
