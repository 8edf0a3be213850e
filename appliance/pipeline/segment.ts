import type { Clock } from "../base/clock.ts";
import { RefusedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { ResultId } from "../domain/ids.ts";
import { mayMove, type Result } from "../domain/result.ts";
import { askChild } from "../host/child-process.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import type { Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { addJob } from "../store/jobs.ts";
import { makeEmptyFolder, type ObjectFolder } from "../store/objects.ts";
import { getResult, moveResult, setSegmented } from "../store/results.ts";
import { inputDigest, listInstances } from "../store/series.ts";
import { addStep } from "../store/traces.ts";
import type { Changes } from "./changes.ts";
import { type ChildProgress, childEntry, childStallMs, type SegmentReply, type SegmentRequest, type SourceFile } from "./child-requests.ts";
import { encodeJob } from "./job-kinds.ts";

export type SegmentOptions = {
  readonly database: Database;
  readonly objects: ObjectFolder;
  readonly resultFolder: (id: ResultId) => string;
  readonly modelFolder: (name: string) => string;
  /** Where a model's activation is kept. */
  readonly activationFile: (name: string) => string;
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
  return instances.map(({ sopInstanceUid, digest }) => ({ sopInstanceUid, path: objects.path(digest), sha256: digest }));
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
  const softwareVersion = readSoftwareVersion();
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
      const startedAt = clock.now();
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
            ...(result.rule.mode && { mode: result.rule.mode }),
            activationFile: options.activationFile(result.modelName),
          },
          { stallMs: childStallMs, signal, onProgress: (progress) => changes.progressed(result.seriesId, resultId, progress) },
        );
        return () => {
          if (getResult(database, resultId)?.state !== "pending") return; // superseded while it ran
          setSegmented(database, resultId, reply.structures, reply.record);
          const parameters = { model: result.modelName, modelVersion: result.modelVersion, images: files.length, threads: options.threads };
          addStep(database, resultId, { step: "segment", parameters, softwareVersion, startedAt, endedAt: clock.now() });
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
