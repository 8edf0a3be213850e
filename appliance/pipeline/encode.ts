import type { Device } from "../dicom/header.ts";
import type { ResultId } from "../domain/ids.ts";
import type { Result, ResultUids } from "../domain/result.ts";
import { outputsOf } from "../domain/rule.ts";
import { askChild } from "../host/child-process.ts";
import type { Step } from "../jobs/runner.ts";
import type { Database } from "../store/database.ts";
import { listDeliveries } from "../store/deliveries.ts";
import { addNotes, getResult, listResults, moveResult } from "../store/results.ts";
import { getSeries } from "../store/series.ts";
import { childEntry, childStallMs, type EncodeReply, type EncodeRequest } from "./child-requests.ts";
import { planDeliveries } from "./outbox.ts";
import { outputForms } from "./outputs.ts";
import { supersedeEarlier } from "./review.ts";
import { failResult, type SegmentOptions, sourceFiles, supersede } from "./segment.ts";

export type EncodeOptions = Omit<SegmentOptions, "threads"> & { readonly device: () => Device };

/** Writes the objects of a segmented result, once: a retry finds the same UIDs and writes the same bytes. */
export function encodeStep(options: EncodeOptions): Step {
  const { database, changes, clock, log } = options;
  return {
    maxAttempts: 3,
    maxUnavailableAttempts: 10,
    retryDelay: { firstMs: 10_000, maxMs: 15 * 60_000 },
    async run({ resultId }: { resultId: ResultId }, { signal }) {
      const result = getResult(database, resultId);
      if (result?.state !== "segmented") return () => {};
      const encoded = await writeObjects(result, options, signal);
      if (!encoded) return () => supersede(database, resultId, changes);
      return () => {
        if (getResult(database, resultId)?.state !== "segmented") return;
        moveResult(database, resultId, "ready");
        // Where a person accepts results first, the earlier one counts until this one is accepted.
        if (result.rule.deliver === "at-once") supersedeEarlier(database, result, clock.now());
        const { written, failed, notes } = encoded;
        const deliveries = planDeliveries(database, result, written, clock.now(), failed);
        const notWritten = failed.map(({ output, reason }) => `${outputForms[output].title} could not be written: ${reason.message}`);
        addNotes(database, resultId, [...notWritten, ...notes]);
        log.info("result-ready", { resultId, objects: written.length, deliveries });
        changes.seriesChanged(result.seriesId);
      };
    },
    gaveUp({ resultId }: { resultId: ResultId }, reason) {
      failResult(database, resultId, reason, changes);
    },
  };
}

/**
 * Has a child write a result's objects, and answers which; null when more images have come. The same result gives the same bytes, but for the
 * report, which says how the result was judged. One that can't be written is logged, and leaves the others as they are.
 */
export async function writeObjects(
  result: Result,
  { database, objects, ...options }: EncodeOptions,
  signal: AbortSignal,
): Promise<EncodeReply | null> {
  const series = getSeries(database, result.seriesId)!;
  const files = sourceFiles(database, objects, result);
  if (!files) return null;
  const reply = await askChild<EncodeRequest, never, EncodeReply>(
    childEntry,
    {
      kind: "encode",
      files,
      modelFolder: options.modelFolder(result.modelName),
      modelVersion: result.modelVersion,
      outputFolder: options.resultFolder(result.id),
      outputs: outputsOf(result.rule),
      emptySeg: result.rule.emptySeg,
      surfaces: result.rule.surfaces,
      structures: result.structures ?? [],
      uids: result.uids,
      device: options.device(),
      inputDigest: result.inputDigest,
      record: result.record,
      subject: series.description,
      predecessorReport: earlierReport(database, result),
      review: result.review,
      createdAt: result.createdAt,
    },
    { stallMs: childStallMs, signal },
  );
  for (const { output, reason, stack } of reply.failed)
    options.log.error("output-failed", { resultId: result.id, output, ...reason, ...(stack === null ? {} : { stack }) });
  return reply;
}

/** The report of the last result before this one that somebody has. */
function earlierReport(database: Database, { id, seriesId, rule }: Result): ResultUids["sr"] | null {
  const earlier = listResults(database, seriesId).filter((each) => each.id < id && each.rule.name === rule.name);
  const reported = earlier.findLast((each) =>
    listDeliveries(database, each.id).some(({ output, state }) => output === "sr" && state === "delivered"),
  );
  return reported?.uids.sr ?? null;
}
