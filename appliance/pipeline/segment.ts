import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ResultId } from "../domain/ids.ts";
import { type InferenceRecord, mayMove, type Result, type StructureMeasure } from "../domain/result.ts";
import { askChild } from "../host/child-process.ts";
import type { Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { addJob, type NewJob } from "../store/jobs.ts";
import { makeEmptyFolder, type ObjectFolder } from "../store/objects.ts";
import { getResult, moveResult, setSegmented } from "../store/results.ts";
import { inputDigest, listInstances } from "../store/series.ts";
import type { Changes } from "./changes.ts";
import { encodeJob } from "./encode.ts";

export function segmentJob(resultId: ResultId, runAt: number): NewJob {
  return { kind: "segment", key: `segment:${resultId}`, payload: { resultId }, runAt };
}

/** Entry of the child process that does what takes long. */
export const childEntry = join(import.meta.dirname, "child.ts");
/** A patch of the largest network takes seconds; so long without a sign means that the child hangs. */
export const childStallMs = 10 * 60_000;

/** Code of the refusal when a model's version is not the one that a result was planned with. */
export const modelChanged = "model-changed";

export type SourceFile = { readonly sopInstanceUid: string; readonly path: string };

/** Reads a series, segments it, and leaves volume, label map and images.json in a folder. */
export type SegmentRequest = {
  readonly kind: "segment";
  readonly files: readonly SourceFile[];
  readonly modelFolder: string;
  readonly modelVersion: string;
  readonly outputFolder: string;
  readonly threads: number;
};
export type SegmentReply = { readonly structures: readonly StructureMeasure[]; readonly record: InferenceRecord };
/** Share of the patches done, 0..1. */
export type ChildProgress = number;

export type SegmentOptions = {
  readonly database: Database;
  readonly objects: ObjectFolder;
  readonly resultFolder: (id: ResultId) => string;
  readonly modelFolder: (name: string) => string;
  readonly threads: number;
  readonly changes: Changes;
  readonly clock: Clock;
  readonly log: Log;
};

/**
 * Files of exactly the images that a result is made from, as the child reads them; null when more have come since. Their own result follows
 * when the series is quiet, so this one is superseded: a label map must never meet other images than its own.
 */
export function sourceFiles(database: Database, objects: ObjectFolder, result: Result): SourceFile[] | null {
  const instances = listInstances(database, result.seriesId);
  if (inputDigest(instances) !== result.inputDigest) return null;
  return instances.map(({ sopInstanceUid, digest }) => ({ sopInstanceUid, path: objects.path(digest) }));
}

/** Gives a result up in favour of one of more images; nothing to do where that one has seen to it. */
export function supersede(database: Database, resultId: ResultId, changes: Changes): void {
  const result = getResult(database, resultId);
  if (!result || !mayMove(result.state, "superseded")) return;
  moveResult(database, resultId, "superseded");
  changes.seriesChanged(result.seriesId);
}

/** Runs the model of a pending result in a child process. */
export function segmentStep(options: SegmentOptions): Step {
  const { database, objects, changes, clock, log } = options;
  return {
    maxAttempts: 3,
    maxUnavailableAttempts: 10,
    retryDelay: { firstMs: 10_000, maxMs: 15 * 60_000 },
    async run({ resultId }: { resultId: ResultId }, { signal }) {
      const result = getResult(database, resultId);
      if (result?.state !== "pending") return () => {}; // superseded meanwhile
      const files = sourceFiles(database, objects, result);
      if (!files) return () => supersede(database, resultId, changes);
      const outputFolder = options.resultFolder(resultId);
      await makeEmptyFolder(outputFolder); // nothing of a try that was cut short stays beside this one's
      log.info("segmentation-started", { resultId, seriesId: result.seriesId, model: result.modelName });
      try {
        const reply = await askChild<SegmentRequest, ChildProgress, SegmentReply>(
          childEntry,
          {
            kind: "segment",
            files,
            modelFolder: options.modelFolder(result.modelName),
            modelVersion: result.modelVersion,
            outputFolder,
            threads: options.threads,
          },
          { stallMs: childStallMs, signal, onProgress: (progress) => changes.progressed(result.seriesId, resultId, progress) },
        );
        return () => {
          if (getResult(database, resultId)?.state !== "pending") return; // superseded while it ran
          setSegmented(database, resultId, reply.structures, reply.record);
          addJob(database, encodeJob(resultId, clock.now()));
          const { wallMs, inferenceMs, patches, peakMemoryBytes, provider } = reply.record;
          log.info("segmentation-done", { resultId, wallMs, inferenceMs, patches, peakMemoryBytes, provider });
          changes.seriesChanged(result.seriesId);
        };
      } finally {
        changes.clearProgress(resultId);
      }
    },
    gaveUp({ resultId }: { resultId: ResultId }, reason) {
      failResult(database, resultId, reason, changes);
    },
  };
}

/** Sets a result aside with its reason, unless a newer one took its place meanwhile. */
export function failResult(database: Database, resultId: ResultId, reason: { code: string; message: string }, changes: Changes): void {
  const result = getResult(database, resultId);
  if (!result) throw new RefusedError("result-missing", `result ${resultId} is gone`);
  if (result.state === "pending" || result.state === "segmented") moveResult(database, resultId, "failed", reason);
  changes.seriesChanged(result.seriesId);
}
