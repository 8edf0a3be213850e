import { decodeText } from "../dicom/character-set.ts";
import { type DataElement, type DataSet, nextElement, readItems } from "../dicom/data-set.ts";
import { vrOfElement, wordBytesOf } from "../dicom/element-vr.ts";
import { textsOf } from "../dicom/values.ts";

/** An attribute of the DICOM JSON model. PS3.18 F.2.2 */
export type JsonAttribute = {
  readonly vr: string;
  readonly Value?: readonly unknown[];
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
};
/** A data set of the DICOM JSON model: attributes by tag, eight capital hexadecimal digits. */
export type JsonDataSet = Record<string, JsonAttribute>;

export type JsonOptions = {
  /** The address of a value that is not given here, by where it stands: `7FE00010`, `00082112/0/00281201`. Absent: such values are left out. */
  readonly bulkDataUri?: (path: string) => string;
  /** Only these tags. */
  readonly only?: ReadonlySet<number>;
};

/** Binary values beyond this are given by their address. */
const inlineLimitBytes = 1024;
/** Sequences inside sequences; deeper ones are left out. The reader of data sets has a limit of its own for those of undefined length. */
const maxNesting = 64;
const largeTexts = new Set(["LT", "ST", "UT", "UR"]);
const decoded = new Set(["LO", "LT", "PN", "SH", "ST", "UC", "UT"]);
const texts = new Set(["AE", "AS", "CS", "DA", "DT", "LO", "SH", "TM", "UC", "UI"]);

export function tagKey(tag: number): string {
  return tag.toString(16).toUpperCase().padStart(8, "0");
}

/**
 * A data set in the DICOM JSON model, texts in UTF-8 whatever Specific Character Set they came in. Group lengths and the file meta information
 * have no place in it; pixels, which the data set stops before, are given by their address. PS3.18 annex F
 */
export function toDicomJson(dataSet: DataSet, options: JsonOptions = {}): JsonDataSet {
  const json = levelOf(dataSet, textsOf(dataSet, 0x00080005), "", 0, options);
  const pixels = nextElement(dataSet);
  if (pixels && pixels.tag >= 0x7fe00008 && pixels.tag <= 0x7fe00010 && options.bulkDataUri && !options.only) {
    const key = tagKey(pixels.tag);
    json[key] = { vr: pixels.vr || "OW", BulkDataURI: options.bulkDataUri(key) };
  }
  return json;
}

/** In the order of their tags: an object has names that look like numbers (`30060020`) before all others. */
export function sortedAttributes(json: JsonDataSet): [tag: string, JsonAttribute][] {
  return Object.entries(json).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A data set as text, its attributes and those of its items in the order of their tags. PS3.18 F.2.2 */
export function dicomJsonText(json: JsonDataSet): string {
  const attributes = sortedAttributes(json).map(([tag, attribute]) => {
    const { vr, Value } = attribute;
    const text =
      vr === "SQ" && Value
        ? `{"vr":"SQ","Value":[${Value.map((item) => dicomJsonText(item as JsonDataSet)).join(",")}]}`
        : JSON.stringify(attribute);
    return `"${tag}":${text}`;
  });
  return `{${attributes.join(",")}}`;
}

function levelOf(dataSet: DataSet, outerSets: readonly string[], path: string, depth: number, options: JsonOptions): JsonDataSet {
  const own = textsOf(dataSet, 0x00080005);
  const characterSets = own.length > 0 ? own : outerSets;
  const json: JsonDataSet = {};
  for (const element of dataSet.elements.values()) {
    const { tag } = element;
    if ((tag & 0xffff) === 0 || tag >>> 16 <= 2) continue;
    if (options.only && depth === 0 && !options.only.has(tag)) continue;
    const key = tagKey(tag);
    const attribute = attributeOf(dataSet, element, characterSets, `${path}${key}`, depth, options);
    if (attribute) json[key] = attribute;
  }
  return json;
}

function attributeOf(
  dataSet: DataSet,
  element: DataElement,
  characterSets: readonly string[],
  path: string,
  depth: number,
  options: JsonOptions,
): JsonAttribute | null {
  const vr = vrOfElement(element);
  if (vr === "SQ") {
    if (depth >= maxNesting) return null;
    const items = readItems(dataSet, element.tag).map((item, index) =>
      levelOf(item, characterSets, `${path}/${index}/`, depth + 1, options),
    );
    return items.length > 0 ? { vr, Value: items } : { vr };
  }
  if (element.length === 0) return { vr };
  const bytes = dataSet.bytes.subarray(element.offset, element.offset + element.length);
  if (element.tag === 0x00080005) return { vr, Value: ["ISO_IR 192"] };
  if (/^(O[BDFLVW]|UN)$/.test(vr)) {
    if (bytes.length > inlineLimitBytes) return options.bulkDataUri ? { vr, BulkDataURI: options.bulkDataUri(path) } : null;
    return { vr, InlineBinary: littleEndian(bytes, dataSet, vr).toString("base64") };
  }
  const values = valuesOf(vr, bytes, dataSet, characterSets);
  return values.some((value) => value !== null) ? { vr, Value: values } : { vr };
}

/** Bytes of numbers in the order that JSON and bulk data have them. */
export function littleEndian(bytes: Uint8Array, { encoding }: DataSet, vr: string): Buffer {
  const size = wordBytesOf(vr);
  const copy = Buffer.from(bytes);
  if (encoding.littleEndian || size === 1) return copy;
  for (let at = 0; at + size <= copy.length; at += size) copy.subarray(at, at + size).reverse();
  return copy;
}

function valuesOf(vr: string, bytes: Uint8Array, dataSet: DataSet, characterSets: readonly string[]): unknown[] {
  if (wordBytesOf(vr) > 1) return numbersOf(vr, littleEndian(bytes, dataSet, vr));
  const text = decoded.has(vr)
    ? decodeText(bytes, characterSets)
    : Buffer.from(bytes)
        .toString("latin1")
        .replace(/[\0 ]+$/, "");
  if (largeTexts.has(vr)) return [text];
  const values = text.split("\\").map((value) => value.trim());
  if (vr === "PN") return values.map(personName);
  if (vr === "DS" || vr === "IS") return values.map((value) => (value === "" ? null : decimal(value)));
  return texts.has(vr) ? values.map((value) => value || null) : [text];
}

/** A decimal string as a number; as text where it is none, or a number would not say the same. */
function decimal(text: string): number | string {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : text;
}

function personName(text: string): Record<string, string> | null {
  const [Alphabetic = "", Ideographic = "", Phonetic = ""] = text.split("=");
  const groups = Object.entries({ Alphabetic, Ideographic, Phonetic }).filter(([, group]) => group !== "");
  return groups.length > 0 ? Object.fromEntries(groups) : null;
}

function numbersOf(vr: string, bytes: Buffer): unknown[] {
  const size = vr === "AT" ? 4 : wordBytesOf(vr);
  const values: unknown[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) values.push(numberAt(vr, bytes, at));
  return values;
}

function numberAt(vr: string, bytes: Buffer, at: number): number | string {
  switch (vr) {
    case "AT":
      return tagKey(bytes.readUInt16LE(at) * 0x10000 + bytes.readUInt16LE(at + 2));
    case "FL":
      return finite(bytes.readFloatLE(at));
    case "FD":
      return finite(bytes.readDoubleLE(at));
    case "SS":
      return bytes.readInt16LE(at);
    case "SL":
      return bytes.readInt32LE(at);
    case "UL":
      return bytes.readUInt32LE(at);
    case "SV":
      return whole(bytes.readBigInt64LE(at));
    case "UV":
      return whole(bytes.readBigUInt64LE(at));
    default:
      return bytes.readUInt16LE(at);
  }
}

/** JSON has no other numbers. */
const finite = (value: number): number | string => (Number.isFinite(value) ? value : String(value));
const whole = (value: bigint): number | string => (BigInt.asIntN(53, value) === value ? Number(value) : String(value));
