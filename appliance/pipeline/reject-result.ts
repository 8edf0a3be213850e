import { join } from "node:path";
import { encodeRejectionNote } from "../dicom/rejection-note.ts";
import { sopClass } from "../dicom/sop-classes.ts";
import { readSourceAttributes } from "../dicom/source-attributes.ts";
import type { Uid } from "../domain/ids.ts";
import type { ResultOutput } from "../domain/rule.ts";
import { writeDurably } from "../store/objects.ts";
import type { RejectReply, RejectRequest } from "./child-requests.ts";
import { lazily } from "./infer-series.ts";
import { outputForms } from "./outputs.ts";

/** SOP class of each kind of object that a note can reject. */
const classes: Readonly<Record<ResultOutput, Uid>> = {
  seg: sopClass.segmentationStorage,
  "seg-labelmap": sopClass.labelMapSegmentationStorage,
  rtstruct: sopClass.rtStructureSetStorage,
  sr: sopClass.comprehensive3dSrStorage,
  "secondary-capture": sopClass.secondaryCaptureImageStorage,
  pdf: sopClass.encapsulatedPdfStorage,
};

/** Leaves rejection-note.dcm in the result's folder. A result that is wrong is not to be handed out any more: rejected for patient safety. */
export async function rejectResult({
  file,
  outputFolder,
  uids,
  rejected,
  description,
  device,
  modelName,
  createdAt,
}: RejectRequest): Promise<RejectReply> {
  const { seriesNumber, title, file: name } = outputForms["rejection-note"];
  const note = encodeRejectionNote({
    source: { attributes: readSourceAttributes(await lazily(file).load()) },
    device,
    createdAt,
    uids: uids["rejection-note"],
    seriesNumber,
    seriesDescription: `Segbox ${modelName} ${title}`,
    rejected: rejected.map((output) => ({ ...uids[output], sopClassUid: classes[output] })),
    reason: "patient-safety",
    description,
  });
  await writeDurably(join(outputFolder, name), note);
  return {};
}
