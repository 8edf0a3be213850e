import { explicitVrLittleEndian, implicitVrLittleEndian } from "../dicom/transfer-syntaxes.ts";

/** Query/Retrieve, Study Root information model, PS3.4 table C.6.2-1. */
export const studyRoot = {
  find: "1.2.840.10008.5.1.4.1.2.2.1",
  move: "1.2.840.10008.5.1.4.1.2.2.2",
  get: "1.2.840.10008.5.1.4.1.2.2.3",
} as const;

/** Storage Commitment Push Model, PS3.4 annex J: its class, and the one instance of it that everybody speaks of. */
export const commitmentSopClass = "1.2.840.10008.1.20.1";
export const commitmentSopInstance = "1.2.840.10008.1.20.1.1";

/** For what has no pixels. */
export const plainSyntaxes: readonly string[] = [implicitVrLittleEndian, explicitVrLittleEndian];
