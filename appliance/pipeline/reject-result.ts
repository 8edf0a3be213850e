import { encodeRejectionNote } from "../dicom/rejection-note.ts";
import { readSourceAttributes } from "../dicom/source-attributes.ts";
import { writeDurably } from "../store/objects.ts";
import { lazily } from "./child-inputs.ts";
import type { RejectReply, RejectRequest } from "./child-requests.ts";
import { outputForms } from "./outputs.ts";

/** Leaves a rejection note. A result that is wrong is not to be handed out any more: rejected for patient safety. */
export async function rejectResult({ image, path, modelName, ...request }: RejectRequest): Promise<RejectReply> {
  const { seriesNumber, title } = outputForms["rejection-note"];
  const note = encodeRejectionNote({
    ...request,
    source: { attributes: readSourceAttributes(await lazily(image).load()) },
    seriesNumber,
    seriesDescription: `Segbox ${modelName} ${title}`,
    reason: "patient-safety",
  });
  await writeDurably(path, note);
  return {};
}
