import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { schedule } from "node-cron";
import type { Clock } from "../base/clock.ts";
import { messageOf, RefusedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ResultId, SeriesId } from "../domain/ids.ts";
import {
  type Holding,
  lastEventAt,
  planRetention,
  type Removal,
  type RetentionPlan,
  type RetentionSettings,
  whyKept,
} from "../domain/retention.ts";
import { addAudit } from "../store/audit.ts";
import type { Database } from "../store/database.ts";
import { withdrawFailed } from "../store/deliveries.ts";
import { listHoldings, readHolding } from "../store/holdings.ts";
import { namesIn } from "../store/if-there.ts";
import type { ObjectFolder } from "../store/objects.ts";
import { deleteImages, deleteSeries } from "../store/removals.ts";
import { deleteTracesBefore } from "../store/retained-traces.ts";
import { setSettled } from "../store/series.ts";
import { keepTraces } from "./provenance.ts";
import { removeFiles } from "./remove-files.ts";

export type RetentionOptions = {
  readonly database: Database;
  readonly resultFolder: (id: ResultId) => string;
  readonly settings: RetentionSettings;
  readonly freeBytes: () => Promise<number>;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the files are; null: another process deletes them, and only rows are deleted here. */
  readonly objects: ObjectFolder | null;
  readonly seriesChanged: (id: SeriesId) => void;
};

/** Who has it done: as the audit trail calls them. `isOrdered`: a person, who wants all that may go to go, whatever its age. */
export type RetentionOrder = { readonly actor: string; readonly isOrdered?: boolean };

export type RetentionOutcome = {
  readonly series: number;
  readonly images: number;
  readonly results: number;
  readonly bytes: number;
  /** Series whose time is over, or whose room is wanted, and that stay. */
  readonly kept: number;
};

const holdingsAtOnce = 50;
const dayMs = 86_400_000;
const lookAtDiskEveryMs = 60_000;

/** Deletes what has been here for long enough, at the quiet hour, when the disk runs low, and when a person says so. */
export class Retention {
  readonly #options: RetentionOptions;
  #running: Promise<RetentionOutcome> | null = null;
  #saidThatNothingHelps = false;
  #isStopped = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  get settings(): RetentionSettings {
    return this.#options.settings;
  }

  /** What would be deleted now by itself and, `ordered`, if somebody said so; and what would stay for which reason. */
  async plan(): Promise<{ readonly usual: RetentionPlan; readonly ordered: RetentionPlan }> {
    const { settings, clock, freeBytes } = this.#options;
    const holdings: Holding[] = [];
    for await (const holding of this.#holdings()) holdings.push(holding);
    const state = { settings, now: clock.now(), freeBytes: await freeBytes() };
    return { usual: planRetention(holdings, state), ordered: planRetention(holdings, { ...state, isOrdered: true }) };
  }

  /** Deletes what may go. One run at a time: who asks meanwhile gets that one's outcome, unless more is ordered. */
  async run(order: RetentionOrder): Promise<RetentionOutcome> {
    if (this.#running && !order.isOrdered) return this.#running;
    while (this.#running) await this.#running.catch(() => {}); // its caller is told; another order may have come first
    this.#running = this.#runNow(order).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** At 3 o'clock local time, and whenever the disk is low. What a crash has left undone goes first. */
  start(): { stop(): Promise<void> } {
    const { log } = this.#options;
    const quietly = (work: () => Promise<unknown>) => () =>
      void work().catch((error: unknown) => log.error("retention-failed", { message: messageOf(error) }));
    const task = schedule(
      "0 3 * * *",
      quietly(() => this.run({ actor: "system" })),
      { name: "retention", noOverlap: true },
    );
    const timer = setInterval(
      quietly(() => this.#lookAtDisk()),
      lookAtDiskEveryMs,
    );
    quietly(() => this.removeFiles())();
    return {
      stop: async () => {
        this.#isStopped = true;
        clearInterval(timer);
        await task.destroy();
        await this.#running?.catch(() => {});
      },
    };
  }

  /** Deletes the files of rows that are gone. */
  async removeFiles(): Promise<void> {
    const { database, objects, resultFolder } = this.#options;
    if (objects) await removeFiles({ database, objects, resultFolder, isStopped: () => this.#isStopped });
  }

  async #lookAtDisk(): Promise<void> {
    const { settings, freeBytes, log } = this.#options;
    const free = await freeBytes();
    if (free >= settings.startFreeBytes) {
      this.#saidThatNothingHelps = false;
      return;
    }
    const { series } = await this.run({ actor: "system" });
    if (series > 0 || this.#saidThatNothingHelps) return;
    this.#saidThatNothingHelps = true;
    log.warn("disk-low", {
      freeBytes: free,
      startFreeBytes: settings.startFreeBytes,
      remedy: "nothing here may be deleted: see why on the storage page",
    });
  }

  async #runNow({ actor, isOrdered = false }: RetentionOrder): Promise<RetentionOutcome> {
    const { database, settings, clock, log } = this.#options;
    await this.removeFiles();
    const { removals, kept, bytes } = (await this.plan())[isOrdered ? "ordered" : "usual"];
    if (isOrdered) {
      const detail = { series: new Set(removals.map(({ seriesId }) => seriesId)).size, bytes };
      addAudit(database, { at: clock.now(), actor, action: "purge-ordered", object: "series", detail });
    }
    const done: Removal[] = [];
    for (const removal of removals) {
      if (this.#isStopped) break;
      if (!this.#remove(removal, actor)) continue;
      done.push(removal);
      await this.removeFiles();
    }
    if (settings.traceDays !== "never") {
      const before = clock.now() - settings.traceDays * dayMs;
      database.transaction(() => {
        const traces = deleteTracesBefore(database, before);
        if (traces > 0) addAudit(database, { at: clock.now(), actor, action: "traces-deleted", object: "trace", detail: { traces } });
      });
    }
    const sum = (of: (removal: Removal) => number): number => done.reduce((all, removal) => all + of(removal), 0);
    const outcome: RetentionOutcome = {
      series: new Set(done.map(({ seriesId }) => seriesId)).size,
      images: sum(({ images }) => images),
      results: sum(({ results }) => results),
      bytes: sum((removal) => removal.bytes),
      kept: kept.length,
    };
    log.info("retention-done", { ...outcome, actor });
    return outcome;
  }

  /** One transaction: rows, the trace that is kept, the line in the audit trail, and the note which files are to follow. False where it may not go any more. */
  #remove({ seriesId, what, cause, since, images, results, bytes }: Removal, actor: string): boolean {
    const { database, clock, seriesChanged } = this.#options;
    const isRemoved = database.transaction(() => {
      const holding = readHolding(database, seriesId);
      const at = clock.now();
      if (!holding || whyKept({ ...holding, resultBytes: 0 }) || lastEventAt({ ...holding, resultBytes: 0 }) !== since) return false;
      if (what === "everything") keepTraces(database, seriesId, at);
      if (what === "everything") deleteSeries(database, seriesId, at);
      else deleteImages(database, seriesId, at);
      const detail = { cause, images, results, bytes };
      const action = what === "everything" ? "series-deleted" : "images-deleted";
      addAudit(database, { at, actor, action, object: `series:${seriesId}`, detail });
      return true;
    });
    if (isRemoved) seriesChanged(seriesId);
    return isRemoved;
  }

  /** Page by page, so that whoever receives meanwhile is not held up. */
  async *#holdings(): AsyncGenerator<Holding, void, undefined> {
    const { database, resultFolder } = this.#options;
    for (let after = 0; ; ) {
      const page = listHoldings(database, after, holdingsAtOnce);
      for (const holding of page) {
        let resultBytes = 0;
        for (const { id } of holding.results) resultBytes += await folderBytes(resultFolder(id));
        yield { ...holding, resultBytes };
      }
      if (page.length < holdingsAtOnce) return;
      after = page.at(-1)!.seriesId;
      await nextTurn();
    }
  }
}

/** Size of the files in a folder, 0 where there is none. */
async function folderBytes(path: string): Promise<number> {
  let bytes = 0;
  for (const name of await namesIn(path))
    bytes += await stat(join(path, name)).then(
      ({ size }) => size,
      () => 0, // deleted meanwhile
    );
  return bytes;
}

/**
 * A person's word that nothing more is to be done about what failed of a series, or has no destination: failed deliveries are called back, and
 * the series goes when its time is over. Refused where there is nothing of that kind.
 */
export function settleSeries(database: Database, id: SeriesId, { actor, at }: { readonly actor: string; readonly at: number }): void {
  database.transaction(() => {
    const holding = readHolding(database, id);
    if (!holding) throw new RefusedError("not-found", `there is no series ${id}`);
    const before = whyKept({ ...holding, resultBytes: 0 });
    withdrawFailed(database, id, { code: "settled", message: "nothing more is to be sent: somebody settled it" });
    setSettled(database, id, at);
    const after = whyKept({ ...readHolding(database, id)!, resultBytes: 0 });
    if (before === null || before.message === after?.message)
      throw new RefusedError("nothing-to-settle", `series ${id} has nothing that can be settled${before ? `: ${before.message}` : ""}`);
    addAudit(database, { at, actor, action: "series-settled", object: `series:${id}`, detail: { why: before.code } });
  });
}
