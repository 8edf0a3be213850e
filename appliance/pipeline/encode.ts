import type { Device } from "../dicom/header.ts";
import type { ResultId } from "../domain/ids.ts";
import type { Result } from "../domain/result.ts";
import { outputsOf } from "../domain/rule.ts";
import { askChild } from "../host/child-process.ts";
import { readSoftwareVersion } from "../host/software-version.ts";
import type { Step } from "../jobs/runner.ts";
import { addNotes, getResult, moveResult, setWritten } from "../store/results.ts";
import { getSeries } from "../store/series.ts";
import { addStep } from "../store/traces.ts";
import { childEntry, childStallMs, type EncodeReply, type EncodeRequest } from "./child-requests.ts";
import { planDeliveries } from "./outbox.ts";
import { readMaking } from "./provenance.ts";
import { earlierReport, earlierStructureSet, noteFirstReport } from "./reports.ts";
import { supersedeEarlier } from "./review.ts";
import { failResult, type SegmentOptions, sourceFiles, supersede } from "./segment.ts";

export type EncodeOptions = Omit<SegmentOptions, "threads"> & { readonly device: () => Device };

/** Writes the objects of a segmented result, once: a retry finds the same UIDs and writes the same bytes. */
export function encodeStep(options: EncodeOptions): Step {
  const { database, changes, clock, log } = options;
  const softwareVersion = readSoftwareVersion();
  return {
    maxAttempts: 3,
    maxUnavailableAttempts: 10,
    retryDelay: { firstMs: 10_000, maxMs: 15 * 60_000 },
    async run({ resultId }: { resultId: ResultId }, { signal }) {
      const result = getResult(database, resultId);
      if (result?.state !== "segmented") return () => {};
      const startedAt = clock.now();
      const encoded = await writeObjects(result, options, signal);
      if (!encoded) return () => supersede(database, resultId, changes);
      return () => {
        if (getResult(database, resultId)?.state !== "segmented") return;
        const { written, failed } = encoded;
        moveResult(database, resultId, "ready");
        setWritten(database, resultId, written);
        if (written.includes("sr")) noteFirstReport(database, result, written, encoded.predecessorReport);
        const parameters = { outputs: outputsOf(result.rule), written, failed: failed.map(({ what }) => what) };
        addStep(database, resultId, { step: "encode", parameters, softwareVersion, startedAt, endedAt: clock.now() });
        // Where a person accepts results first, the earlier one counts until this one is accepted.
        if (result.rule.deliver === "at-once") supersedeEarlier(database, result, clock.now());
        const deliveries = planDeliveries(database, result, written, clock.now(), failed);
        const notes = failed.map(({ what, reason }) => `${what} could not be written: ${reason.message}`);
        addNotes(database, resultId, notes);
        log.info("result-ready", { resultId, objects: written.length, deliveries });
        changes.seriesChanged(result.seriesId);
      };
    },
    gaveUp({ resultId }: { resultId: ResultId }, reason) {
      failResult(database, resultId, reason, changes);
    },
  };
}

/** Has a child write a result's objects, and answers which; null when more images have come. One that can't be written is logged, and leaves the others as they are. */
async function writeObjects(
  result: Result,
  { database, objects, ...options }: EncodeOptions,
  signal: AbortSignal,
): Promise<(EncodeReply & Pick<EncodeRequest, "predecessorReport">) | null> {
  const series = getSeries(database, result.seriesId)!;
  const files = sourceFiles(database, objects, result);
  if (!files) return null;
  const predecessorReport = earlierReport(database, result);
  const { rtstruct, segLabelmap, surfaces } = result.rule;
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
      settings: { rtstruct, segLabelmap, surfaces },
      structures: result.structures ?? [],
      uids: result.uids,
      device: options.device(),
      making: readMaking(database, result),
      record: result.record,
      subject: series.description,
      predecessorReport,
      predecessorStructureSet: earlierStructureSet(database, result),
      createdAt: result.createdAt,
    },
    { stallMs: childStallMs, signal },
  );
  for (const { what, reason, stack } of reply.failed)
    options.log.error("output-failed", { resultId: result.id, output: what, ...reason, ...(stack === null ? {} : { stack }) });
  return { ...reply, predecessorReport };
}
