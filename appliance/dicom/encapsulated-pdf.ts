import {
  codeSequence,
  creation,
  imageReference,
  patientAndStudyElements,
  type ResultHead,
  seriesAndEquipmentElements,
  sourceInstances,
} from "./header.ts";
import { sopClass } from "./sop-classes.ts";
import { type Item, plainText, raw, sequence, text, unsignedLong, writePart10 } from "./write.ts";

export type EncapsulatedPdfRequest = ResultHead & {
  readonly pdf: Uint8Array;
  readonly documentTitle: string;
  /** Whether the pages themselves say whose they are, by name or number and date. */
  readonly identifiesPatient: boolean;
};

/** A PDF report of a result as Encapsulated PDF (PS3.3 A.45.1), a Part 10 file in pieces. */
export function encodeEncapsulatedPdf(request: EncapsulatedPdfRequest): Iterable<Uint8Array> {
  const { source, uids, pdf, documentTitle, identifiesPatient } = request;
  if (Buffer.from(pdf.subarray(0, 5)).toString("latin1") !== "%PDF-") throw new Error("what was to be encapsulated is no PDF");
  const { date, time } = creation(request);
  const elements: Item = [
    ...patientAndStudyElements(source),
    ...seriesAndEquipmentElements(request, "DOC", sopClass.encapsulatedPdfStorage),
    text(0x00080064, "CS", "WSD"), // Conversion Type, PS3.3 C.8.6.1: made by a workstation
    // Encapsulated Document, PS3.3 C.24.2
    text(0x00080023, "DA", date), // Content Date
    text(0x00080033, "TM", time),
    raw(0x0008002a, "DT", new Uint8Array()), // Acquisition DateTime: the document was generated, not acquired
    text(0x00280301, "CS", identifiesPatient ? "YES" : "NO"), // Burned In Annotation
    sequence(
      0x00420013, // Source Instance Sequence
      ...sourceInstances(source).map(({ sopClassUid, sopInstanceUid, frameNumbers }) => [
        ...imageReference(sopClassUid, sopInstanceUid, frameNumbers),
        codeSequence(0x0040a170, { value: "121322", scheme: "DCM", meaning: "Source image for image processing operation" }),
      ]),
    ),
    text(0x00420010, "ST", plainText(`${documentTitle} (AI-generated, not for diagnosis)`, 1024)),
    codeSequence(0x0040a043, { value: "126000", scheme: "DCM", meaning: "Imaging Measurement Report" }), // PS3.16 CID 7021
    text(0x0040a493, "CS", "UNVERIFIED"),
    text(0x00420012, "LO", "application/pdf"),
    { tag: 0x00420011, vr: "OB", value: pdf },
    unsignedLong(0x00420015, pdf.length), // Encapsulated Document Length: without the byte that pads it
  ];
  return writePart10({ sopClassUid: sopClass.encapsulatedPdfStorage, sopInstanceUid: uids.sopInstanceUid, encoding: "explicit", elements });
}
