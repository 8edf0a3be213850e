import type { CodedConcept } from "../../appliance/domain/code.ts";

const sct = (value: string, meaning: string): CodedConcept => ({ value, scheme: "SCT", meaning });
const anatomical = sct("91723000", "Anatomical Structure");

/** What upstream's table of codes says otherwise than DICOM does today, or than it means itself. */
export const corrections = {
  /** PS3.16 CID 7150: 123037004 is SNOMED's "body structure" and was replaced; 49755003 changed its meaning's wording. */
  category({ value, scheme, meaning }: CodedConcept): CodedConcept {
    if (value === "123037004") return anatomical;
    if (value === "49755003") return sct(value, "Morphologically Abnormal Structure");
    return { value, scheme, meaning };
  },
  type(name: string, code: CodedConcept): CodedConcept {
    // A spelling mistake, and in one row the code of the middle muscle.
    if (name.startsWith("gluteus_minimus")) return sct("75297007", "Gluteus minimus muscle");
    return code;
  },
  /** Phalanges of hand and foot share their type. */
  region(name: string, code: CodedConcept | null): CodedConcept | null {
    if (name === "phalanges_hand") return sct("85562004", "Hand");
    if (name === "phalanges_feet") return sct("56459004", "Foot");
    return code;
  },
};
