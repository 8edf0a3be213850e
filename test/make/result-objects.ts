import { encodeEncapsulatedPdf } from "../../appliance/dicom/encapsulated-pdf.ts";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSecondaryCapture } from "../../appliance/dicom/secondary-capture.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { sopClass } from "../../appliance/dicom/sop-classes.ts";
import type { SourceSeries } from "../../appliance/dicom/source.ts";
import { encodeSr } from "../../appliance/dicom/sr.ts";
import { writeReportPdf } from "../../appliance/report/pdf.ts";
import { drawSheet } from "../../appliance/report/sheet.ts";
import type { ReportStructure } from "../../appliance/report/structure.ts";
import { measureLabels } from "../../appliance/volume/measure.ts";
import type { CtVolume, LabelMap } from "../../appliance/volume/volume.ts";
import { uidOf } from "./ct-series.ts";
import { reportFonts } from "./report-fonts.ts";
import { request } from "./result-request.ts";

export type ResultObjects = {
  readonly seg: Iterable<Uint8Array>;
  readonly "seg-labelmap": Iterable<Uint8Array>;
  readonly rtstruct: Iterable<Uint8Array>;
  readonly sr: Iterable<Uint8Array>;
  readonly "secondary-capture": Iterable<Uint8Array>;
  readonly pdf: Iterable<Uint8Array>;
};

/** Bone, and soft tissue of the left and of the right of the picture: what a threshold finds, ragged as noise makes it. */
export function labelsByHu({ grid, hu }: CtVolume): LabelMap {
  const labels = new Uint8Array(hu.length);
  const middle = grid.dims[0] / 2;
  for (let at = 0; at < hu.length; at++) {
    const value = hu[at]!;
    labels[at] = value >= 180 ? 1 : value < 20 ? 0 : at % grid.dims[0] < middle ? 2 : 3;
  }
  return { grid, labels };
}

/** Every DICOM object that a result is written as. */
export async function resultObjects(
  source: SourceSeries,
  volume: CtVolume,
  labelMap: LabelMap,
  labelCount: number,
): Promise<ResultObjects> {
  const { uids: _, ...common } = request(source, labelMap.labels, labelCount);
  const { sopInstanceUid: firstSlice } = source.slices[0]!;
  const head = (kind: string) => ({
    ...common,
    uids: { seriesInstanceUid: uidOf(`${firstSlice}/${kind}/series`), sopInstanceUid: uidOf(`${firstSlice}/${kind}`) },
  });
  const measures = measureLabels(volume, labelMap);
  const structures = measures.map(({ value, volumeMl, meanHu, touchesBorder }): ReportStructure => {
    const { title, color } = common.manifest.labels[value - 1]!;
    return { value, title, color, volumeMl, meanHu, isTruncated: touchesBorder, flags: [] };
  });
  const drawn = { volume, labelMap, structures, title: "Segmentation report", software: "Segbox 0.1.0", fonts: reportFonts };
  const seg = head("seg");
  return {
    seg: encodeSeg(seg),
    "seg-labelmap": encodeSegLabelmap(head("seg-labelmap")),
    rtstruct: encodeRtstruct(head("rtstruct")),
    sr: encodeSr({
      ...head("sr"),
      structures: measures.map((measure) => ({ ...measure, flags: [] })),
      segmentation: { sopClassUid: sopClass.segmentationStorage, ...seg.uids },
      checks: [],
      provenance: ["engine onnxruntime 1.30.0, fp32"],
      record: {},
      predecessor: null,
      review: null,
    }),
    "secondary-capture": encodeSecondaryCapture({ ...head("sc"), picture: drawSheet({ ...drawn, model: "test-model 1.2.3" }) }),
    pdf: encodeEncapsulatedPdf({
      ...head("pdf"),
      pdf: await writeReportPdf({ ...drawn, identity: [], provenance: [], createdAt: common.createdAt }),
      documentTitle: drawn.title,
      identifiesPatient: false,
    }),
  };
}
