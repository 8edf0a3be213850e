import type { CodedConcept } from "../domain/code.ts";
import type { Uid } from "../domain/ids.ts";
import { codeItem, codeSequence, type DocumentHead, imageReference } from "./header.ts";
import { derivedUid, implementationClassUid } from "./uids.ts";
import { decimal, type Element, type Item, plainText, sequence, text, unsignedShort } from "./write.ts";

/** How a content item belongs to the one above it. PS3.3 table C.17.3-8, those that we use. */
export type Relationship = "CONTAINS" | "HAS OBS CONTEXT" | "HAS CONCEPT MOD" | "HAS ACQ CONTEXT";

/** A content item (PS3.3 C.17.3) as its elements; {@link related} says how it belongs to the one above. */
type Content = Item;

export const dcm = (value: string, meaning: string): CodedConcept => ({ value, scheme: "DCM", meaning });
export const sct = (value: string, meaning: string): CodedConcept => ({ value, scheme: "SCT", meaning });
/** What no public scheme has a word for. Told apart by {@link codingSchemes}. */
export const segbox = (value: string, meaning: string): CodedConcept => ({ value, scheme: "99SEGBOX", meaning });

/** Coding Scheme Identification Sequence, PS3.3 table C.12-1: whose words the private ones are. */
export function codingSchemes(): Element {
  return sequence(0x00080110, [
    text(0x00080102, "SH", "99SEGBOX"),
    text(0x0008010c, "UI", derivedUid(implementationClassUid, "coding-scheme")),
    text(0x00080115, "ST", "Segbox"),
  ]);
}

export function related(relationship: Relationship, ...contents: readonly Content[]): Item[] {
  return contents.map((content) => [text(0x0040a010, "CS", relationship), ...content]);
}

export function codeContent(name: CodedConcept, value: CodedConcept, ...children: readonly Item[]): Content {
  return content("CODE", name, [codeSequence(0x0040a168, value)], children);
}

/** Our own words, in ASCII, of any length. */
export function textContent(name: CodedConcept, value: string): Content {
  return content("TEXT", name, [text(0x0040a160, "UT", plainText(value, 1 << 20))]);
}

/** A record for machines, as JSON. UT may hold backslashes, and JSON can be written in ASCII. */
export function recordContent(name: CodedConcept, record: object): Content {
  const json = JSON.stringify(record).replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return content("TEXT", name, [text(0x0040a160, "UT", json)]);
}

export function uidContent(name: CodedConcept, uid: Uid): Content {
  return content("UIDREF", name, [text(0x0040a124, "UI", uid)]);
}

export function numberContent(name: CodedConcept, value: number, unit: CodedConcept, ...children: readonly Item[]): Content {
  const measured = sequence(0x0040a300, [decimal(0x0040a30a, value), codeSequence(0x004008ea, unit)]);
  return content("NUM", name, [measured], children);
}

export type InstanceReference = { readonly sopClassUid: Uid; readonly sopInstanceUid: Uid };

/** An object with pixels; with a segment of it where that is meant. PS3.3 tables C.18.3-1 and C.18.4-1. */
export function imageContent(name: CodedConcept | null, { sopClassUid, sopInstanceUid }: InstanceReference, segment?: number): Content {
  const segments = segment === undefined ? [] : [unsignedShort(0x0062000b, segment)];
  return content("IMAGE", name, [sequence(0x00081199, [...imageReference(sopClassUid, sopInstanceUid, []), ...segments])]);
}

/** An object without pixels. */
export function compositeContent(name: CodedConcept | null, { sopClassUid, sopInstanceUid }: InstanceReference): Content {
  return content("COMPOSITE", name, [sequence(0x00081199, imageReference(sopClassUid, sopInstanceUid, []))]);
}

/** A heading, with the template of PS3.16 that what stands below it follows. */
export function containerContent(name: CodedConcept, template: string | null, children: readonly Item[]): Content {
  const templates =
    template === null
      ? []
      : [
          sequence(0x0040a504, [
            text(0x00080105, "CS", "DCMR"),
            text(0x00080118, "UI", "1.2.840.10008.8.1.1"), // DICOM Content Mapping Resource, PS3.6 table A-1
            text(0x0040db00, "CS", template),
          ]),
        ];
  return content("CONTAINER", name, [text(0x0040a050, "CS", "SEPARATE"), ...templates], children);
}

function content(valueType: string, name: CodedConcept | null, value: Item, children: readonly Item[] = []): Content {
  return [
    text(0x0040a040, "CS", valueType),
    ...(name ? [sequence(0x0040a043, codeItem(name))] : []),
    ...value,
    ...(children.length > 0 ? [sequence(0x0040a730, ...children)] : []),
  ];
}

/** PS3.16 TID 1204. */
export function languageOfContent(): Item[] {
  return related(
    "HAS CONCEPT MOD",
    codeContent(dcm("121049", "Language of Content Item and Descendants"), { value: "en", scheme: "RFC5646", meaning: "English" }),
  );
}

/** The box as the one who observed, PS3.16 TID 1002 and 1004. Its UID is made of its serial number, so that it is the same in every document. */
export function deviceObserver({ device }: DocumentHead): Item[] {
  const { manufacturer, modelName, deviceSerialNumber, stationName } = device;
  return related(
    "HAS OBS CONTEXT",
    codeContent(dcm("121005", "Observer Type"), dcm("121007", "Device")),
    uidContent(
      dcm("121012", "Device Observer UID"),
      derivedUid(implementationClassUid, `device/${manufacturer}/${modelName}/${deviceSerialNumber}`),
    ),
    ...[
      ...(stationName ? [textContent(dcm("121013", "Device Observer Name"), stationName)] : []), // TID 1004: optional, but not empty
      textContent(dcm("121014", "Device Observer Manufacturer"), manufacturer),
      textContent(dcm("121015", "Device Observer Model Name"), modelName),
      textContent(dcm("121016", "Device Observer Serial Number"), deviceSerialNumber),
    ],
  );
}

/** Instances of a study by their series, PS3.3 table C.17-3 (Hierarchical SOP Instance Reference Macro). */
export function hierarchicalReference(
  tag: number,
  studyInstanceUid: Uid,
  instances: readonly (InstanceReference & { readonly seriesInstanceUid: Uid })[],
): Element {
  const series = new Map<Uid, Item[]>();
  for (const { seriesInstanceUid, sopClassUid, sopInstanceUid } of instances) {
    const items = series.get(seriesInstanceUid) ?? [];
    series.set(seriesInstanceUid, items);
    items.push(imageReference(sopClassUid, sopInstanceUid, []));
  }
  const items = Array.from(series, ([uid, sops]): Item => [sequence(0x00081199, ...sops), text(0x0020000e, "UI", uid)]);
  return sequence(tag, [sequence(0x00081115, ...items), text(0x0020000d, "UI", studyInstanceUid)]);
}
