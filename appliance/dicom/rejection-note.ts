import { RefusedError } from "../base/errors.ts";
import type { CodedConcept } from "../domain/code.ts";
import type { Uid } from "../domain/ids.ts";
import { creation, type DocumentHead, patientAndStudyElements, seriesAndEquipmentElements, studyInstanceUid } from "./header.ts";
import { isImage, sopClass } from "./sop-classes.ts";
import {
  codeContent,
  compositeContent,
  containerContent,
  dcm,
  deviceObserver,
  hierarchicalReference,
  type InstanceReference,
  imageContent,
  languageOfContent,
  related,
  textContent,
} from "./sr-content.ts";
import { type Item, sequence, text, writePart10 } from "./write.ts";

/**
 * Why instances are to be used no more, in the words of IHE's Imaging Object Change Management. Rejected for quality: an archive may go on
 * showing them to those who ask. Rejected for patient safety: it shall not hand them out any more, which is what a result needs that is wrong
 * or that another one has taken the place of.
 */
export type RejectionReason = "quality" | "patient-safety";

export type RejectionNoteRequest = DocumentHead & {
  /** Instances in the study of the source. */
  readonly rejected: readonly (InstanceReference & { readonly seriesInstanceUid: Uid })[];
  readonly reason: RejectionReason;
  /** For a person, in a sentence; empty for none. */
  readonly description: string;
};

/** PS3.16 CID 7010. */
const titles: Readonly<Record<RejectionReason, CodedConcept>> = {
  quality: dcm("113001", "Rejected for Quality Reasons"),
  "patient-safety": dcm("113037", "Rejected for Patient Safety Reasons"),
};

/**
 * A rejection note: a Key Object Selection Document (PS3.3 A.35.4, PS3.16 TID 2010) in the study of what it rejects, in a series of its own.
 * Refused: one that rejects nothing (`rejection-empty`), a source without study UID.
 */
export function encodeRejectionNote(request: RejectionNoteRequest): Iterable<Uint8Array> {
  const { source, uids, rejected, reason, description } = request;
  if (rejected.length === 0) throw new RefusedError("rejection-empty", "expected at least one instance to reject, found none");
  const { date, time } = creation(request);
  const contents = [
    ...(reason === "quality"
      ? // Row 3 of TID 2010 makes a reason of PS3.16 CID 7011 mandatory with this title.
        related("HAS CONCEPT MOD", codeContent(dcm("113011", "Document Title Modifier"), dcm("111219", "Inappropriate image processing")))
      : []),
    ...languageOfContent(),
    ...deviceObserver(request),
    ...(description === "" ? [] : related("CONTAINS", textContent(dcm("113012", "Key Object Description"), description))),
    ...related(
      "CONTAINS",
      ...rejected.map((instance) => (isImage(instance.sopClassUid) ? imageContent(null, instance) : compositeContent(null, instance))),
    ),
  ];
  const elements: Item = [
    ...patientAndStudyElements(source),
    ...seriesAndEquipmentElements(request, "KO", sopClass.keyObjectSelectionDocumentStorage),
    sequence(0x00081111), // Referenced Performed Procedure Step
    // Key Object Document, PS3.3 C.17.6.2
    text(0x00080023, "DA", date),
    text(0x00080033, "TM", time),
    hierarchicalReference(0x0040a375, studyInstanceUid(source), rejected),
    ...containerContent(titles[reason], "2010", contents),
  ];
  return writePart10({
    sopClassUid: sopClass.keyObjectSelectionDocumentStorage,
    sopInstanceUid: uids.sopInstanceUid,
    encoding: "explicit",
    elements,
  });
}
