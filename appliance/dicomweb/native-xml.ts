import { keywordOfTag } from "../dicom/dictionary.ts";
import { type JsonAttribute, type JsonDataSet, sortedAttributes, tagKey } from "./dicom-json.ts";

const nameParts = ["FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix"] as const;
const nameGroups = ["Alphabetic", "Ideographic", "Phonetic"] as const;

/**
 * A data set of the DICOM JSON model as a document of the Native DICOM Model, in UTF-8. Private elements are named by their creator and the last two
 * digits of their tag, as they would be in whichever block. Characters that XML has no place for become U+FFFD. PS3.19 annex A.1
 */
export function toNativeXml(json: JsonDataSet): string {
  const content = attributesOf(json);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">\n${content}</NativeDicomModel>\n`;
}

function attributesOf(json: JsonDataSet): string {
  return sortedAttributes(json)
    .map(([key, attribute]) => `<DicomAttribute ${nameOf(key, attribute, json)}>\n${contentOf(attribute)}</DicomAttribute>\n`)
    .join("");
}

function nameOf(key: string, { vr }: JsonAttribute, level: JsonDataSet): string {
  const tag = Number.parseInt(key, 16);
  const block = (tag >>> 8) & 0xff;
  const isPrivate = (tag >>> 16) % 2 === 1;
  const creator = isPrivate && block >= 0x10 ? level[tagKey((tag & 0xffff0000) + block)]?.Value?.[0] : undefined;
  if (typeof creator === "string") return `tag="${tagKey(tag - (block << 8))}" vr="${vr}" privateCreator="${escaped(creator)}"`;
  const keyword = isPrivate ? undefined : keywordOfTag(tag);
  return `tag="${key}" vr="${vr}"${keyword === undefined ? "" : ` keyword="${keyword}"`}`;
}

function contentOf({ vr, Value = [], InlineBinary, BulkDataURI }: JsonAttribute): string {
  if (BulkDataURI !== undefined) return `<BulkData uri="${escaped(BulkDataURI)}"/>\n`;
  if (InlineBinary !== undefined) return `<InlineBinary>${InlineBinary}</InlineBinary>\n`;
  const one: (value: unknown, number: string) => string = vr === "SQ" ? itemOf : vr === "PN" ? personOf : plainValueOf;
  return Value.map((value, index) => one(value, `number="${index + 1}"`)).join("");
}

function itemOf(item: unknown, number: string): string {
  return `<Item ${number}>\n${attributesOf(item as JsonDataSet)}</Item>\n`;
}

function plainValueOf(value: unknown, number: string): string {
  return `<Value ${number}>${value === null ? "" : escaped(String(value))}</Value>\n`;
}

function personOf(value: unknown, number: string): string {
  const groups = (value ?? {}) as Readonly<Record<string, string>>;
  const lines = nameGroups.flatMap((group) => {
    const components = groups[group]?.split("^") ?? [];
    const parts = nameParts.flatMap((part, index) => (components[index] ? [`<${part}>${escaped(components[index])}</${part}>\n`] : []));
    return parts.length > 0 ? [`<${group}>\n${parts.join("")}</${group}>\n`] : [];
  });
  return `<PersonName ${number}>\n${lines.join("")}</PersonName>\n`;
}

/** XML 1.0, 2.2 and 2.11: what it can't hold, and what its readers would take for something else. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replace(/[&<>"\r]/g, (character) => entities[character]!);
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;" };
