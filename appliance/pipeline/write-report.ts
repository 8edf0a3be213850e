import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readSourceSeries } from "../dicom/series-to-volume.ts";
import { sopClass } from "../dicom/sop-classes.ts";
import type { SourceSeries } from "../dicom/source.ts";
import { encodeSr } from "../dicom/sr.ts";
import type { ModelManifest } from "../domain/model.ts";
import { writeDurably } from "../store/objects.ts";
import { lazily } from "./child-inputs.ts";
import type { ReportContent, ReportReply, ReportRequest } from "./child-requests.ts";
import { outputForms } from "./outputs.ts";
import { measuredStructures, missingChecks, provenanceLines } from "./report-parts.ts";

/** In a result's folder: the manifest of the model that made it, as it was then. Another version may be installed when a report is due. */
export const modelFile = "model.json";

/** Leaves a report in the result's folder. */
export async function writeReport({ files, resultFolder, file, report }: ReportRequest): Promise<ReportReply> {
  const source = await readSourceSeries(files.map(lazily));
  const manifest = JSON.parse(await readFile(join(resultFolder, modelFile), "utf8")) as ModelManifest;
  await writeDurably(join(resultFolder, file), encodeReport(source, manifest, report));
  return {};
}

/** A report as a Part 10 file in pieces. */
export function encodeReport(source: SourceSeries, manifest: ModelManifest, report: ReportContent): Iterable<Uint8Array> {
  const { uids, device, structures, making, segmentation, predecessor, review, createdAt } = report;
  const { seriesNumber, title } = outputForms[review ? "reviewed-sr" : "sr"];
  return encodeSr({
    source,
    device,
    createdAt,
    timezoneOffsetMinutes: -new Date(createdAt).getTimezoneOffset(), // the site's, where the source names none
    uids,
    seriesNumber,
    seriesDescription: `Segbox ${manifest.name} ${title}`,
    manifest,
    structures: measuredStructures(structures, manifest),
    segmentation: segmentation && { sopClassUid: segmentationClasses[segmentation.output], ...segmentation.uids },
    checks: missingChecks(structures, manifest),
    provenance: provenanceLines(report, manifest).map(({ name, value }) => `${name}: ${value}`),
    record: making,
    predecessor,
    review: review && {
      state: review.verdict,
      reviewer: review.by,
      organization: review.organization ?? "",
      reviewedAt: review.at,
      comment: review.reason,
    },
  });
}

const segmentationClasses = {
  seg: sopClass.segmentationStorage,
  "seg-labelmap": sopClass.labelMapSegmentationStorage,
} as const;
