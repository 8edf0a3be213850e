import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeEncapsulatedPdf } from "../dicom/encapsulated-pdf.ts";
import { frameCompression } from "../dicom/frame-compression.ts";
import { encodeRtstruct } from "../dicom/rtstruct.ts";
import { encodeSecondaryCapture } from "../dicom/secondary-capture.ts";
import { encodeSeg } from "../dicom/seg.ts";
import { encodeSegLabelmap } from "../dicom/seg-labelmap.ts";
import type { SourceSeries } from "../dicom/source.ts";
import type { ModelManifest } from "../domain/model.ts";
import type { ResultOutput } from "../domain/rule.ts";
import type { CtVolume, LabelMap } from "../volume/volume.ts";
import type { EncodeRequest, ReportContent } from "./child-requests.ts";
import { outputForms, segmentationAmong } from "./outputs.ts";
import { identityLines, missingChecks, provenanceLines, readFonts, reportStructures } from "./report-parts.ts";
import { encodeReport } from "./write-report.ts";

/** What a result's objects are made from. */
export type ResultParts = {
  readonly request: EncodeRequest;
  readonly source: SourceSeries;
  readonly labelMap: LabelMap;
  readonly manifest: ModelManifest;
  /** All objects that are written of the result: some refer to others. */
  readonly written: readonly ResultOutput[];
};

/** One of a result's objects as a Part 10 file in pieces. What draws and writes pages is loaded where it is asked for: it takes longer than all else. */
export async function encodeObject(output: ResultOutput, parts: ResultParts): Promise<Iterable<Uint8Array>> {
  const { request, source, labelMap, manifest } = parts;
  const { uids, device, createdAt, emptySeg, settings } = request;
  const { seriesNumber, title } = outputForms[output];
  const timezoneOffsetMinutes = -new Date(createdAt).getTimezoneOffset(); // the site's, where the source names none
  const head = {
    source,
    device,
    createdAt,
    timezoneOffsetMinutes,
    uids: uids[output],
    seriesNumber,
    seriesDescription: `Segbox ${manifest.name} ${title}`,
  };
  switch (output) {
    case "seg":
      return encodeSeg({ ...head, labelMap, manifest, emptyFrame: emptySeg });
    case "seg-labelmap":
      return encodeSegLabelmap({
        ...head,
        labelMap,
        manifest,
        emptyFrame: emptySeg,
        compression: await frameCompression(settings.segLabelmap.compression),
      });
    case "rtstruct":
      return encodeRtstruct({
        ...head,
        labelMap,
        manifest,
        ...settings.rtstruct,
        predecessor: request.predecessorStructureSet?.sopInstanceUid ?? null,
      });
    case "sr":
      return encodeReport(source, manifest, { ...request, uids: uids.sr, ...referencesOf(parts), review: null });
    case "secondary-capture": {
      const picture = (await import("../report/sheet.ts")).drawSheet({
        ...(await reportOf(parts)),
        title: manifest.title,
        model: `${manifest.name} ${manifest.version}`,
      });
      return encodeSecondaryCapture({ ...head, manifest, picture });
    }
    case "pdf": {
      const identity = identityLines(request);
      const checks = missingChecks(request.structures, manifest).map((value) => ({ name: "Check", value }));
      const provenance = [...provenanceLines(request, manifest), ...checks];
      const pdf = await (await import("../report/pdf.ts")).writeReportPdf({
        ...(await reportOf(parts)),
        title: manifest.title,
        identity,
        provenance,
        createdAt,
      });
      return encodeEncapsulatedPdf({ ...head, pdf, documentTitle: manifest.title, identifiesPatient: identity.length > 0 });
    }
    default:
      return output satisfies never;
  }
}

/** What picture and PDF have in common. */
async function reportOf({ request, labelMap, manifest }: ResultParts) {
  const hu = await readFile(join(request.outputFolder, "volume.i16"));
  const volume: CtVolume = { grid: labelMap.grid, hu: new Int16Array(hu.buffer, hu.byteOffset, hu.length / 2) };
  return {
    volume,
    labelMap,
    structures: reportStructures(request.structures, manifest),
    software: `${request.device.modelName} ${request.device.softwareVersions.join(", ")}`,
    fonts: await readFonts(),
  };
}

/** What a report written with the other objects points at: the binary segmentation, which more readers know, and the report before it. */
function referencesOf({ request: { uids, predecessorReport }, written }: ResultParts): Pick<ReportContent, "segmentation" | "predecessor"> {
  const output = segmentationAmong(written);
  return { segmentation: output && { output, uids: uids[output] }, predecessor: predecessorReport };
}
