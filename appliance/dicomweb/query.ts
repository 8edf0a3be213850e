import { RefusedError } from "../base/errors.ts";
import { parseUid } from "../domain/ids.ts";
import { tagKey } from "./dicom-json.ts";

export const queryLevels = ["study", "series", "instance"] as const;
export type QueryLevel = (typeof queryLevels)[number];

/** How an attribute is matched. PS3.4 C.2.2.2 */
type Matching = "uid" | "text" | "date" | "time" | "number";
type Attribute = {
  readonly tag: number;
  readonly keyword: string;
  readonly level: QueryLevel;
  readonly matching: Matching;
  readonly vr: string;
};

const attribute = (tag: number, keyword: string, level: QueryLevel, matching: Matching, vr: string): Attribute => ({
  tag,
  keyword,
  level,
  matching,
  vr,
});

/** What can be asked for, and what every answer holds of its level. PS3.18 tables 10.6.3-3 to 10.6.3-5, and a few that people search by. */
export const queryAttributes: readonly Attribute[] = [
  attribute(0x00080020, "StudyDate", "study", "date", "DA"),
  attribute(0x00080030, "StudyTime", "study", "time", "TM"),
  attribute(0x00080050, "AccessionNumber", "study", "text", "SH"),
  attribute(0x00080061, "ModalitiesInStudy", "study", "text", "CS"),
  attribute(0x00080090, "ReferringPhysicianName", "study", "text", "PN"),
  attribute(0x00081030, "StudyDescription", "study", "text", "LO"),
  attribute(0x00100010, "PatientName", "study", "text", "PN"),
  attribute(0x00100020, "PatientID", "study", "text", "LO"),
  attribute(0x00100030, "PatientBirthDate", "study", "date", "DA"),
  attribute(0x00100040, "PatientSex", "study", "text", "CS"),
  attribute(0x0020000d, "StudyInstanceUID", "study", "uid", "UI"),
  attribute(0x00200010, "StudyID", "study", "text", "SH"),
  attribute(0x00080060, "Modality", "series", "text", "CS"),
  attribute(0x0008103e, "SeriesDescription", "series", "text", "LO"),
  attribute(0x00180015, "BodyPartExamined", "series", "text", "CS"),
  attribute(0x0020000e, "SeriesInstanceUID", "series", "uid", "UI"),
  attribute(0x00200011, "SeriesNumber", "series", "number", "IS"),
  attribute(0x00080016, "SOPClassUID", "instance", "uid", "UI"),
  attribute(0x00080018, "SOPInstanceUID", "instance", "uid", "UI"),
  attribute(0x00200013, "InstanceNumber", "instance", "number", "IS"),
  attribute(0x00280008, "NumberOfFrames", "instance", "number", "IS"),
  attribute(0x00280010, "Rows", "instance", "number", "US"),
  attribute(0x00280011, "Columns", "instance", "number", "US"),
  attribute(0x00280100, "BitsAllocated", "instance", "number", "US"),
];

export type Condition = Attribute & { readonly value: string };

export type Query = {
  readonly conditions: readonly Condition[];
  /** Tags beside those that every answer holds; `all`: whatever the object's header has. */
  readonly include: ReadonlySet<number> | "all";
  readonly limit: number;
  readonly offset: number;
  /** What stands in a Warning header: parts of the query that have no effect. */
  readonly warnings: readonly string[];
};

/** Answers to one request at most; who wants more asks on with `offset`. */
export const mostAnswers = 1000;

/**
 * The query of a search. What is well-formed but not supported has no effect, and is named in the answer's Warning; what is malformed is refused.
 * PS3.18 8.3.4 and 10.6
 */
export function parseQuery(parameters: Iterable<readonly [name: string, value: string]>, level: QueryLevel): Query {
  const conditions: Condition[] = [];
  const warnings: string[] = [];
  const include = new Set<number>();
  let all = false;
  let [limit, offset] = [mostAnswers, 0];
  for (const [name, value] of parameters) {
    if (value.length > 8192) throw invalid(name, "a shorter value");
    if (name === "accept") continue; // a media type, PS3.18 8.3.3.1
    if (name === "limit") limit = Math.min(mostAnswers, wholeNumber(name, value));
    else if (name === "offset") offset = wholeNumber(name, value);
    else if (name === "fuzzymatching") {
      if (value !== "true" && value !== "false") throw invalid(name, "true or false");
      if (value === "true") warnings.push("The fuzzymatching parameter is not supported. Only literal matching has been performed.");
    } else if (name === "includefield") {
      for (const field of value.split(",")) {
        if (field === "all") all = true;
        else if (field.trim() !== "") include.add(tagOf(field.trim()) ?? unknownTag(field));
      }
    } else {
      const tag = tagOf(name);
      const known = queryAttributes.find((each) => each.tag === tag);
      if (known && queryLevels.indexOf(known.level) <= queryLevels.indexOf(level)) {
        if (value !== "" && value !== "*") conditions.push({ ...known, value: checked(known, value) });
      } else if (tag !== null || /^[A-Za-z]\w{0,63}(\.\w{1,64})*$/.test(name))
        warnings.push(`The following parameters are not supported: ${name}`);
      else throw new RefusedError("parameter-invalid", "a parameter that is neither a keyword nor a tag of eight hexadecimal digits");
    }
  }
  return { conditions, include: all ? "all" : include, limit, offset, warnings };
}

/** A tag by its keyword or its eight hexadecimal digits; null where it is neither. */
function tagOf(name: string): number | null {
  if (/^[0-9A-Fa-f]{8}$/.test(name)) return Number.parseInt(name, 16);
  return queryAttributes.find(({ keyword }) => keyword === name)?.tag ?? null;
}

/** A field that is wanted beside the others and that we have no name for: it is as if the object lacked it. */
function unknownTag(field: string): number {
  if (!/^[A-Za-z]\w{0,63}(\.\w{1,64})*$/.test(field) && !/^[0-9A-Fa-f]{8}(\.[0-9A-Fa-f]{8})*$/.test(field))
    throw invalid("includefield", "keywords, or tags of eight hexadecimal digits");
  return 0;
}

function wholeNumber(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw invalid(name, "a whole number");
  return Number(value);
}

function checked({ keyword, matching }: Attribute, value: string): string {
  if (matching === "uid") for (const uid of listOf(value)) parseUid(uid);
  const isRange = /^([\d.:]*)(-[\d.:]*)?$/.test(value) && value !== "-";
  if ((matching === "date" || matching === "time") && !isRange) throw invalid(keyword, "a date or time, or two with - between them");
  if (matching === "number" && !/^-?\d{1,9}$/.test(value)) throw invalid(keyword, "a whole number");
  return value;
}

function invalid(name: string, expected: string): RefusedError {
  return new RefusedError("parameter-invalid", `${/^\w{1,64}$/.test(name) ? name : "a parameter"}: expected ${expected}`);
}

/** A list of UIDs or codes, with commas or backslashes between them. PS3.18 8.3.4.1 */
export function listOf(value: string): string[] {
  return value.split(/[,\\]/).filter((uid) => uid !== "");
}

/** Whether an attribute as the object has it is what a condition asks for. PS3.4 C.2.2.2 */
export function isMatch({ matching, value, vr }: Condition, found: string): boolean {
  switch (matching) {
    case "uid":
      return listOf(value).includes(found);
    case "number":
      return Number(found) === Number(value) && found !== "";
    case "date":
    case "time":
      return inRange(value, found);
    case "text":
      // A CS has no commas: several are a list of which one has to fit, as OHIF asks for modalities
      if (vr === "CS") return listOf(value).some((each) => isLike(each, found));
      return vr === "PN" ? isLike(value.toLowerCase(), found.toLowerCase()) : isLike(value, found);
    default:
      return matching satisfies never;
  }
}

/** Both ends count. A time that is given to the minute or hour stands for all of it. */
function inRange(value: string, found: string): boolean {
  const plain = (text: string): string => text.replace(/[:.]/g, "");
  const [from, to, at] = [...splitRange(value).map(plain), plain(found)] as [string, string, string];
  if (at === "") return false;
  return (from === "" || at.padEnd(14, "0") >= from.padEnd(14, "0")) && (to === "" || at.padEnd(14, "0") <= to.padEnd(14, "9"));
}

/** The ends of a range, each empty where it is open; a single date is a range of one. */
export function splitRange(value: string): [from: string, to: string] {
  const [from = "", to = from] = value.split("-");
  return [from, to];
}

/** `*` any characters, `?` one; no regular expression, whose time somebody else would choose. */
export function isLike(pattern: string, text: string): boolean {
  let [at, read, starAt, starRead] = [0, 0, -1, 0];
  while (read < text.length) {
    if (pattern[at] === "*") [starAt, starRead] = [at++, read];
    else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === text[read])) [at, read] = [at + 1, read + 1];
    else if (starAt >= 0) [at, read] = [starAt + 1, ++starRead];
    else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

/** Tags that answers of a level hold: of this level and, in a search over all studies, of those above. */
export function tagsOf(levels: readonly QueryLevel[]): number[] {
  return queryAttributes.filter(({ level }) => levels.includes(level)).map(({ tag }) => tag);
}

export const keyOf = (keyword: string): string => tagKey(queryAttributes.find((each) => each.keyword === keyword)!.tag);
