import { RefusedError } from "../base/errors.ts";
import { canonicalSet, decodeText } from "./character-set.ts";
import { readDataSet } from "./data-set.ts";
import { characterSetFor, encodeText } from "./encode-text.ts";
import { dataSetEncodingOf } from "./transfer-syntaxes.ts";
import { bytesOf, textsOf } from "./values.ts";
import { type Element, encodeElements, raw, type Vr } from "./write.ts";

/** Query/Retrieve Level of the Study Root model, PS3.4 C.6.2.1. */
export type QueryLevel = "study" | "series" | "image";

/** What can be asked of each level, PS3.4 tables C.6-5 and following; keywords in camel case. */
const attributes = {
  specificCharacterSet: [0x00080005, "CS"],
  sopClassUid: [0x00080016, "UI"],
  sopInstanceUid: [0x00080018, "UI"],
  studyDate: [0x00080020, "DA"],
  studyTime: [0x00080030, "TM"],
  accessionNumber: [0x00080050, "SH"],
  modality: [0x00080060, "CS"],
  modalitiesInStudy: [0x00080061, "CS"],
  studyDescription: [0x00081030, "LO"],
  seriesDescription: [0x0008103e, "LO"],
  patientName: [0x00100010, "PN"],
  patientId: [0x00100020, "LO"],
  patientBirthDate: [0x00100030, "DA"],
  patientSex: [0x00100040, "CS"],
  bodyPartExamined: [0x00180015, "CS"],
  studyInstanceUid: [0x0020000d, "UI"],
  seriesInstanceUid: [0x0020000e, "UI"],
  seriesNumber: [0x00200011, "IS"],
  instanceNumber: [0x00200013, "IS"],
  numberOfStudyRelatedSeries: [0x00201206, "IS"],
  numberOfStudyRelatedInstances: [0x00201208, "IS"],
  numberOfSeriesRelatedInstances: [0x00201209, "IS"],
} as const satisfies Readonly<Record<string, readonly [tag: number, vr: Vr]>>;

export type QueryAttribute = keyof typeof attributes;
/** Values to match, wildcards and ranges as PS3.4 C.2.2.2 has them; an empty one asks for the attribute. */
export type QueryKeys = { readonly [name in QueryAttribute]?: string };
/** A match: what the peer said, decoded, several values joined by a backslash; an attribute that it did not return is absent. */
export type QueryMatch = { readonly [name in QueryAttribute]?: string };

/** What is asked for at a level when nothing else is said. */
export const usualKeys = {
  study: [
    "studyDate",
    "studyTime",
    "accessionNumber",
    "modalitiesInStudy",
    "studyDescription",
    "patientName",
    "patientId",
    "patientBirthDate",
    "patientSex",
    "studyInstanceUid",
    "numberOfStudyRelatedSeries",
    "numberOfStudyRelatedInstances",
  ],
  series: [
    "modality",
    "seriesDescription",
    "bodyPartExamined",
    "studyInstanceUid",
    "seriesInstanceUid",
    "seriesNumber",
    "numberOfSeriesRelatedInstances",
  ],
  image: ["sopClassUid", "sopInstanceUid", "studyInstanceUid", "seriesInstanceUid", "instanceNumber"],
} as const satisfies Readonly<Record<QueryLevel, readonly QueryAttribute[]>>;

const queryRetrieveLevel = 0x00080052;

/**
 * The identifier of a C-FIND, C-MOVE or C-GET request. Text is written in the given character sets, else in the least that says it; refused where
 * the given ones can't. Given ones are named whatever the text: many archives answer in the set of the question.
 */
export function encodeQuery(
  level: QueryLevel,
  keys: QueryKeys,
  { transferSyntax, characterSets }: { readonly transferSyntax: string; readonly characterSets?: readonly string[] | undefined },
): Uint8Array {
  const given = Object.entries(keys) as [QueryAttribute, string][];
  const sets = characterSets ?? characterSetFor(given.map(([, value]) => value));
  const elements: Element[] = given
    .filter(([name]) => name !== "specificCharacterSet")
    .map(([name, value]) => {
      const [tag, vr] = attributes[name];
      const bytes = encodeText(value, sets);
      if (!bytes) throw new RefusedError("text-not-encodable", `${name}: some of its characters are not in ${sets.join("\\") || "ASCII"}`);
      return raw(tag, vr, bytes);
    });
  elements.push(raw(queryRetrieveLevel, "CS", Buffer.from(level.toUpperCase(), "latin1")));
  if (sets.length > 0) elements.push(raw(attributes.specificCharacterSet[0], "CS", Buffer.from(sets.join("\\"), "latin1")));
  return encodeElements(elements, dataSetEncodingOf(transferSyntax).explicitVr ? "explicit" : "implicit");
}

/** A match as a peer returned it, its text read by its own Specific Character Set. */
export function readMatch(bytes: Uint8Array, transferSyntax: string): QueryMatch {
  const dataSet = readDataSet(bytes, 0, dataSetEncodingOf(transferSyntax));
  const sets = textsOf(dataSet, attributes.specificCharacterSet[0]).map(canonicalSet);
  const match: { [name in QueryAttribute]?: string } = {};
  for (const [name, [tag]] of Object.entries(attributes)) {
    if (!dataSet.elements.has(tag)) continue;
    const value = bytesOf(dataSet, tag);
    match[name as QueryAttribute] = value ? decodeText(value.subarray(0, 4096), sets).trimStart() : "";
  }
  return match;
}
