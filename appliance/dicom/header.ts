import { RefusedError } from "../base/errors.ts";
import type { CodedConcept } from "../domain/code.ts";
import { parseUid, type Uid } from "../domain/ids.ts";
import type { SourceSeries } from "./source.ts";
import { dicomDate, dicomTime, parseTimezoneOffset } from "./time.ts";
import { derivedUid } from "./uids.ts";
import { type Element, type Item, plainText, raw, sequence, text, type Vr } from "./write.ts";

/** The box as DICOM's equipment modules name it; the scanner appears by reference only. */
export type Device = {
  readonly manufacturer: string;
  readonly modelName: string;
  readonly deviceSerialNumber: string;
  readonly softwareVersions: readonly string[];
  /** At most 16 characters. */
  readonly stationName: string;
};

/** What a result object is named by, the same for each kind of object. */
export type ResultHead = {
  readonly source: SourceSeries;
  readonly device: Device;
  /** Minted once per stored result: the same request gives the same bytes. */
  readonly uids: { readonly seriesInstanceUid: Uid; readonly sopInstanceUid: Uid };
  readonly seriesNumber: number;
  readonly seriesDescription: string;
  /** UTC ms. */
  readonly createdAt: number;
  /** Minutes east of UTC of the site, for dates and times; the source's own Timezone Offset From UTC goes before it. 0 when not given. */
  readonly timezoneOffsetMinutes?: number;
};

/** The same for a document that speaks of instances and not of a grid. */
export type DocumentHead = Omit<ResultHead, "source"> & { readonly source: PatientAndStudy };

/** What patient and study are copied from. */
export type PatientAndStudy = Pick<SourceSeries, "attributes">;

/** Type 2 goes in empty when the source has nothing, type 3 stays out. */
type Copied = readonly [tag: number, vr: Vr, type: 2 | 3];

/** PS3.3 C.7.1.1, C.7.2.1 and C.7.2.2, and the body part of C.7.3.1; sequences are not carried over. */
const copied: readonly Copied[] = [
  [0x00080005, "CS", 3], // Specific Character Set: the bytes below are in it
  [0x00080020, "DA", 2], // Study Date
  [0x00080030, "TM", 2], // Study Time
  [0x00080050, "SH", 2], // Accession Number
  [0x00080090, "PN", 2], // Referring Physician's Name
  [0x00081030, "LO", 3], // Study Description
  [0x00081048, "PN", 3], // Physician(s) of Record
  [0x00081060, "PN", 3], // Name of Physician(s) Reading Study
  [0x00081080, "LO", 3], // Admitting Diagnoses Description
  [0x00080201, "SH", 3], // Timezone Offset From UTC
  [0x00100010, "PN", 2], // Patient's Name
  [0x00100020, "LO", 2], // Patient ID
  [0x00100021, "LO", 3], // Issuer of Patient ID
  [0x00100022, "CS", 3], // Type of Patient ID
  [0x00100030, "DA", 2], // Patient's Birth Date
  [0x00100032, "TM", 3], // Patient's Birth Time
  [0x00100040, "CS", 2], // Patient's Sex
  [0x00100200, "CS", 3], // Quality Control Subject
  [0x00101001, "PN", 3], // Other Patient Names
  [0x00101010, "AS", 3], // Patient's Age
  [0x00101020, "DS", 3], // Patient's Size
  [0x00101030, "DS", 3], // Patient's Weight
  [0x00102160, "SH", 3], // Ethnic Group
  [0x00104000, "LT", 3], // Patient Comments
  [0x00180015, "CS", 3], // Body Part Examined
  [0x00200010, "SH", 2], // Study ID
  [0x00200060, "CS", 3], // Laterality
];
/** PS3.3 C.7.1.3, carried over when the source names sponsor, protocol and subject. */
const clinicalTrial: readonly Copied[] = [
  [0x00120010, "LO", 3], // Clinical Trial Sponsor Name
  [0x00120020, "LO", 3], // Clinical Trial Protocol ID
  [0x00120021, "LO", 2], // Clinical Trial Protocol Name
  [0x00120030, "LO", 2], // Clinical Trial Site ID
  [0x00120031, "LO", 2], // Clinical Trial Site Name
  [0x00120040, "LO", 3], // Clinical Trial Subject ID
  [0x00120042, "LO", 3], // Clinical Trial Subject Reading ID
  [0x00120050, "LO", 3], // Clinical Trial Time Point ID
];
/** Patient Identity Removed needs its method beside it. */
const deidentification: readonly Copied[] = [
  [0x00120062, "CS", 3],
  [0x00120063, "LO", 3],
  [0x00280303, "CS", 3],
];

/** Patient and study as the source has them, byte by byte; nothing that it lacks is made up. */
export function patientAndStudyElements(source: PatientAndStudy): Item {
  const has = (tag: number) => (source.attributes.get(tag)?.bytes.length ?? 0) > 0;
  const rows = [...copied];
  if (has(0x00120010) && has(0x00120020) && (has(0x00120040) || has(0x00120042))) rows.push(...clinicalTrial);
  if (has(0x00120062) && has(0x00120063)) rows.push(...deidentification);
  return [
    text(0x0020000d, "UI", studyInstanceUid(source)),
    ...rows.flatMap(([tag, vr, type]) =>
      type === 2 || has(tag) ? [raw(tag, vr, source.attributes.get(tag)?.bytes ?? new Uint8Array())] : [],
    ),
  ];
}

/** Series, equipment and SOP common: all Segbox's own. PS3.3 C.7.3.1, C.7.5.1, C.7.5.2, C.12.1. */
export function seriesAndEquipmentElements(head: DocumentHead, modality: string, sopClassUid: Uid): Item {
  const { device, uids } = head;
  const { date, time } = creation(head);
  return [
    text(0x00080012, "DA", date), // Instance Creation Date
    text(0x00080013, "TM", time),
    text(0x00080016, "UI", sopClassUid),
    text(0x00080018, "UI", uids.sopInstanceUid),
    text(0x00080021, "DA", date), // Series Date
    text(0x00080031, "TM", time),
    text(0x00080060, "CS", modality),
    text(0x00080070, "LO", plainText(device.manufacturer, 64)),
    text(0x00081010, "SH", plainText(device.stationName, 16)),
    text(0x0008103e, "LO", plainText(head.seriesDescription, 64)),
    text(0x00081090, "LO", plainText(device.modelName, 64)),
    text(0x00181000, "LO", plainText(device.deviceSerialNumber, 64)),
    text(0x00181020, "LO", ...device.softwareVersions.map((version) => plainText(version, 64))),
    text(0x0020000e, "UI", uids.seriesInstanceUid),
    text(0x00200011, "IS", String(head.seriesNumber)),
    text(0x00200013, "IS", "1"), // Instance Number
  ];
}

/** PS3.3 C.7.4.1. */
export function frameOfReferenceElements(source: SourceSeries): Item {
  return [
    text(0x00200052, "UI", frameOfReferenceUid(source)),
    raw(0x00201040, "LO", source.attributes.get(0x00201040)?.bytes ?? new Uint8Array()), // Position Reference Indicator
  ];
}

/**
 * When the object is made, as its dates and times say it: in the time zone that the source declares, else in the site's. Timezone Offset
 * From UTC speaks for every date in an object, the copied study date too, so it is written only when the source has it.
 */
export function creation({ source, createdAt, timezoneOffsetMinutes = 0 }: DocumentHead): { readonly date: string; readonly time: string } {
  const offset = parseTimezoneOffset(sourceText(source, 0x00080201)) ?? timezoneOffsetMinutes;
  return { date: dicomDate(createdAt, offset), time: dicomTime(createdAt, offset) };
}

export function studyInstanceUid(source: PatientAndStudy): Uid {
  return requiredUid(source, 0x0020000d, "Study Instance UID", "study-uid-missing");
}

export function sourceSeriesUid(source: SourceSeries): Uid {
  return requiredUid(source, 0x0020000e, "Series Instance UID", "series-uid-missing");
}

/** The source's frame of reference. Where it has none, one derived from its series, so that all results of a series share it. */
export function frameOfReferenceUid(source: SourceSeries): Uid {
  const uid = sourceText(source, 0x00200052);
  return uid === "" ? derivedUid(sourceSeriesUid(source), "frame-of-reference") : parseUid(uid);
}

/** A coded concept as an item of a code sequence, PS3.3 table 8.8-1. A value over 16 characters is a Long Code Value. */
export function codeItem({ value, scheme, meaning }: CodedConcept): Item {
  return [
    value.length > 16 ? text(0x00080119, "UC", value) : text(0x00080100, "SH", value),
    text(0x00080102, "SH", plainText(scheme, 16)),
    text(0x00080104, "LO", plainText(meaning, 64)),
  ];
}

export function codeSequence(tag: number, ...concepts: readonly CodedConcept[]): Element {
  return sequence(tag, ...concepts.map(codeItem));
}

/** The distinct source instances in the order of their slices, each with the frames that lie in the grid; none for a single-frame instance. */
export function sourceInstances({
  slices,
}: SourceSeries): { readonly sopClassUid: Uid; readonly sopInstanceUid: Uid; readonly frameNumbers: number[] }[] {
  const instances = new Map<Uid, { sopClassUid: Uid; sopInstanceUid: Uid; frameNumbers: number[] }>();
  for (const { sopClassUid, sopInstanceUid, frameNumber } of slices) {
    const instance = instances.get(sopInstanceUid) ?? { sopClassUid, sopInstanceUid, frameNumbers: [] };
    instances.set(sopInstanceUid, instance);
    if (frameNumber !== null) instance.frameNumbers.push(frameNumber);
  }
  return [...instances.values()];
}

/** Referenced SOP Class and Instance UID, and frames if any: PS3.3 tables 10-3 and 10-11. */
export function imageReference(sopClassUid: Uid, sopInstanceUid: Uid, frameNumbers: readonly number[]): Item {
  const frames = frameNumbers.length > 0 ? [text(0x00081160, "IS", ...frameNumbers.map(String))] : [];
  return [text(0x00081150, "UI", sopClassUid), text(0x00081155, "UI", sopInstanceUid), ...frames];
}

function requiredUid(source: PatientAndStudy, tag: number, name: string, code: string): Uid {
  const uid = sourceText(source, tag);
  if (uid === "") throw new RefusedError(code, `expected a ${name} in the source images, found none`);
  return parseUid(uid);
}

function sourceText(source: PatientAndStudy, tag: number): string {
  const bytes = source.attributes.get(tag)?.bytes;
  return bytes
    ? Buffer.from(bytes)
        .toString("latin1")
        .replace(/[\0 ]+$/, "")
    : "";
}
