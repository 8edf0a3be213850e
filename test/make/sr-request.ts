import type { MeasuredStructure } from "../../appliance/dicom/measurement-group.ts";
import type { RejectionNoteRequest } from "../../appliance/dicom/rejection-note.ts";
import { sopClass } from "../../appliance/dicom/sop-classes.ts";
import type { ReportRequest } from "../../appliance/dicom/sr.ts";
import { axialGrid, request, sourceSeries, type Texts } from "./result-request.ts";

/** Labels 2 and 1 of a model, the second truncated and with something wrong, and measured by an older release that knew no median. */
export const measured: readonly [MeasuredStructure, MeasuredStructure] = [
  {
    value: 2,
    voxels: 123456,
    volumeMl: 188.37890625,
    meanHu: 31.4159265,
    sdHu: 12.005,
    minHu: -1024,
    maxHu: 3071,
    medianHu: 30.5,
    touchesBorder: false,
    flags: [],
  },
  {
    value: 1,
    voxels: 1,
    volumeMl: 0.00152587890625,
    meanHu: -0.125,
    sdHu: 0,
    minHu: -0.125,
    maxHu: -0.125,
    touchesBorder: true,
    flags: [
      { code: "volume-low", meaning: "Volume below 50 ml, which is rare" },
      { code: "left-right-order-swapped", meaning: "Left lies to the right of right" },
    ],
  },
];

export const segmentation = {
  sopClassUid: sopClass.segmentationStorage,
  seriesInstanceUid: "2.25.333",
  sopInstanceUid: "2.25.444",
};

/** A report of a series of three slices, or as told. */
export function report(
  more: Partial<ReportRequest> = {},
  { texts, isMultiFrame = false }: { readonly texts?: Texts; readonly isMultiFrame?: boolean } = {},
): ReportRequest {
  const source = sourceSeries(axialGrid(4, 4, 3), { ...(texts ? { texts } : {}), isMultiFrame });
  const { labelMap: _, ...head } = request(source, new Uint8Array(48), 3);
  return {
    ...head,
    seriesDescription: "Segbox: measurements",
    structures: measured,
    segmentation,
    checks: [],
    provenance: ["engine onnxruntime 1.30.0, fp32", "input sha256:0123"],
    record: { inputs: [{ sopInstanceUid: "1.2.3", sha256: "0123" }], rule: { name: "Schädel \\d+" } },
    predecessor: null,
    review: null,
    ...more,
  };
}

/** A SEG, an RTSTRUCT and a report of two series, rejected. */
export function rejection(more: Partial<RejectionNoteRequest> = {}, texts?: Texts): RejectionNoteRequest {
  const { source, device, seriesNumber, createdAt } = report({}, texts ? { texts } : {});
  return {
    source: { attributes: source.attributes },
    device,
    uids: { seriesInstanceUid: "2.25.555", sopInstanceUid: "2.25.666" },
    seriesNumber,
    seriesDescription: "Segbox: rejected",
    createdAt,
    rejected: [
      segmentation,
      { sopClassUid: sopClass.rtStructureSetStorage, seriesInstanceUid: "2.25.777", sopInstanceUid: "2.25.888" },
      { sopClassUid: sopClass.comprehensive3dSrStorage, seriesInstanceUid: "2.25.777", sopInstanceUid: "2.25.999" },
    ],
    reason: "patient-safety",
    description: "Left and right are swapped",
    ...more,
  };
}
