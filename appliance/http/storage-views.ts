import type { FileCheck, StorageOutcome, StoragePlan, StorageState, StudyErased } from "../api/storage.ts";
import type { Clock } from "../base/clock.ts";
import type { DataFolder } from "../config/data-folder.ts";
import type { RetentionPlan } from "../domain/retention.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import type { Changes } from "../pipeline/changes.ts";
import { eraseStudy } from "../pipeline/erase-study.ts";
import { exportStudy, tarOf } from "../pipeline/export-study.ts";
import { overwriteErased } from "../pipeline/overwrite-erased.ts";
import { type Retention, settleSeries } from "../pipeline/retention.ts";
import type { Database } from "../store/database.ts";
import type { FreeSpace } from "../store/free-space.ts";
import type { ObjectFolder } from "../store/objects.ts";
import { countTraces } from "../store/retained-traces.ts";

/** So many lines of a plan are shown. */
const mostShown = 200;

/** What the web server needs of storage. */
export type StorageDependencies = {
  readonly state: () => Promise<StorageState>;
  /** Deletes what may go; by age, and for room, or all of it. */
  readonly run: (order: { readonly actor: string; readonly isOrdered: boolean }) => Promise<StorageOutcome>;
  readonly settle: (seriesId: number, by: { readonly actor: string; readonly at: number }) => void;
  /** A tar archive of all that is here of a study. Refused where there is nothing. */
  readonly exportStudy: (studyInstanceUid: string, actor: string) => AsyncIterable<Uint8Array>;
  readonly eraseStudy: (studyInstanceUid: string, order: { readonly actor: string; readonly force: boolean }) => Promise<StudyErased>;
};

export function storageOf({
  database,
  folder,
  objects,
  retention,
  space,
  clock,
  files,
  changes,
}: {
  readonly database: Database;
  readonly folder: Pick<DataFolder, "database" | "quarantine" | "result">;
  /** What the check of files at the start found; null until it has ended. */
  readonly files: () => FileCheck | null;
  readonly objects: ObjectFolder;
  readonly retention: Retention;
  readonly space: FreeSpace;
  readonly clock: Clock;
  readonly changes: Changes;
}): StorageDependencies {
  const softwareVersion = readSoftwareVersion();
  return {
    async state() {
      const { usual, ordered } = await retention.plan();
      const disk = { ...(await space.read()), minimumFreeBytes: space.minimumBytes };
      const plans = { usual: storagePlan(usual), ordered: storagePlan(ordered) };
      return { settings: retention.settings, disk, ...plans, traces: countTraces(database), files: files() };
    },
    run: (order) => retention.run(order),
    settle(seriesId, by) {
      settleSeries(database, seriesId, by);
      changes.seriesChanged(seriesId);
    },
    exportStudy(study, actor) {
      const at = clock.now();
      return tarOf(exportStudy(study, { database, objects, resultFolder: folder.result, softwareVersion, actor, at }), at);
    },
    async eraseStudy(study, order) {
      const erased = eraseStudy(database, study, { ...order, at: clock.now() });
      for (const id of erased.series) changes.seriesChanged(id);
      await retention.removeFiles();
      return { ...erased, series: erased.series.length, ...(await overwriteErased(database, study, folder)) };
    },
  };
}

function storagePlan({ removals, kept, bytes }: RetentionPlan): StoragePlan {
  return {
    bytes,
    series: new Set(removals.map(({ seriesId }) => seriesId)).size,
    removals: removals.slice(0, mostShown),
    keptSeries: kept.length,
    kept: kept.slice(0, mostShown).map(({ cause: _, ...line }) => line),
  };
}
