import { RefusedError } from "../base/errors.ts";
import { parseUid, type Uid } from "../domain/ids.ts";
import type { Lps } from "../volume/grid.ts";
import { decodeText } from "./character-set.ts";
import { type DataSet, nextElement, readFirstItemOfNext, readItems } from "./data-set.ts";
import { openPart10, type Part10 } from "./part10.ts";
import { isMultiFrameCt } from "./sop-classes.ts";
import { bytesOf, lpsOf, numberOf, orNull, required, textOf, textsOf, unsignedOf, vectorOf } from "./values.ts";

/** Direction cosines of a row and of a column. PS3.3 C.7.6.2.1.1 */
export type Orientation = readonly [number, number, number, number, number, number];

/** What the appliance knows of one instance without its pixels. Texts are decoded by Specific Character Set, for display only; empty when missing. */
export type InstanceHeader = {
  readonly transferSyntaxUid: Uid;
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly studyInstanceUid: Uid;
  readonly seriesInstanceUid: Uid;
  readonly frameOfReferenceUid: Uid | null;
  readonly modality: string;
  readonly imageType: readonly string[];
  /** Null for an object without pixels. */
  readonly rows: number | null;
  readonly columns: number | null;
  readonly numberOfFrames: number;
  /** Of a multi-frame instance: what its frames share, or that of the first frame. */
  readonly imageOrientationPatient: Orientation | null;
  readonly imagePositionPatient: Lps | null;
  readonly gantryDetectorTilt: number | null;
  readonly sliceThickness: number | null;
  readonly instanceNumber: number | null;
  readonly seriesNumber: number | null;
  readonly acquisitionNumber: number | null;
  /** How many images its series and its acquisition have, as few senders say. */
  readonly numberOfSeriesRelatedInstances: number | null;
  readonly imagesInAcquisition: number | null;
  readonly patientName: string;
  readonly patientId: string;
  /** As DICOM writes dates, YYYYMMDD. */
  readonly patientBirthDate: string;
  readonly patientSex: string;
  readonly accessionNumber: string;
  readonly studyDate: string;
  readonly studyTime: string;
  readonly studyDescription: string;
  readonly seriesDescription: string;
  readonly bodyPartExamined: string;
  readonly protocolName: string;
  readonly convolutionKernel: string;
  readonly contrastBolusAgent: string;
  readonly manufacturer: string;
  readonly manufacturerModelName: string;
  readonly stationName: string;
};

/** Behind the last group that a single-frame header needs; what follows (overlays, private data) may be large and stays unread. */
const afterImageGroup = 0x00290000;
const sharedFunctionalGroups = 0x52009229;
const perFrameFunctionalGroups = 0x52009230;

/** Who reads headers is also who receives: a deflated one may not take more of its memory than a plain one. */
const maxHeadBytes = 2 << 20;

/**
 * The header of an instance. Nothing after group 0028 is read of a single-frame image; of a multi-frame one everything up to its first frame's
 * functional groups. Refused when the needed part is not in the bytes, when it is no DICOM, and when a UID or the modality is missing; a number
 * that is none reads as null here, so that the instance can be stored, and refused with its reason when it should become part of a volume.
 *
 * @param part10 a Part 10 file, or its first part
 * @param isFirstPart whether more follows: then a part that ends between two elements of the header is refused too, which else reads as a whole
 * file that lacks what stands behind
 */
export function readInstanceHeader(part10: Uint8Array, { isFirstPart = false } = {}): InstanceHeader {
  const open = (untilTag: number): Part10 => {
    const opened = openPart10(part10, { untilTag, maxHeadBytes });
    if (isFirstPart && nextElement(opened.dataSet) === null)
      throw new RefusedError("dicom-truncated", `the header goes on behind the first ${part10.length} bytes`);
    return opened;
  };
  const opened = open(afterImageGroup);
  if (!isMultiFrameCt(instanceOf(opened).sopClassUid)) return headerOf(opened);
  return headerOf(open(perFrameFunctionalGroups));
}

/** Which instance a file holds. Where the data set's own UIDs are emptied (some anonymisers do), the file meta information tells them. */
export function instanceOf({ meta, dataSet }: Part10): { readonly sopClassUid: Uid; readonly sopInstanceUid: Uid } {
  return {
    sopClassUid: parseUid(textOf(dataSet, 0x00080016) ?? meta.sopClassUid),
    sopInstanceUid: parseUid(textOf(dataSet, 0x00080018) ?? meta.sopInstanceUid),
  };
}

function headerOf(opened: Part10): InstanceHeader {
  const { dataSet, meta } = opened;
  const characterSets = textsOf(dataSet, 0x00080005);
  const text = (tag: number): string =>
    decodeText((bytesOf(dataSet, tag) ?? new Uint8Array()).subarray(0, 1024), characterSets).trimStart();
  const number = (tag: number): number | null => orNull(() => numberOf(dataSet, tag));
  const uid = (tag: number, keyword: string): Uid => parseUid(required(textOf(dataSet, tag), tag, keyword));
  const frameOfReferenceUid = textOf(dataSet, 0x00200052);
  const planes = [dataSet, ...firstFrameGroups(dataSet)];
  return {
    transferSyntaxUid: meta.transferSyntaxUid,
    ...instanceOf(opened),
    studyInstanceUid: uid(0x0020000d, "Study Instance UID"),
    seriesInstanceUid: uid(0x0020000e, "Series Instance UID"),
    frameOfReferenceUid: frameOfReferenceUid === null ? null : parseUid(frameOfReferenceUid),
    modality: required(textOf(dataSet, 0x00080060), 0x00080060, "Modality"),
    imageType: textsOf(dataSet, 0x00080008),
    rows: orNull(() => unsignedOf(dataSet, 0x00280010)),
    columns: orNull(() => unsignedOf(dataSet, 0x00280011)),
    numberOfFrames: number(0x00280008) ?? 1,
    imageOrientationPatient: firstOf(planes, orientationOf),
    imagePositionPatient: firstOf(planes, (plane) => lpsOf(plane, 0x00200032)),
    gantryDetectorTilt: number(0x00181120),
    sliceThickness: number(0x00180050),
    instanceNumber: number(0x00200013),
    seriesNumber: number(0x00200011),
    acquisitionNumber: number(0x00200012),
    numberOfSeriesRelatedInstances: number(0x00201209),
    imagesInAcquisition: number(0x00201002),
    patientName: text(0x00100010),
    patientId: text(0x00100020),
    patientBirthDate: text(0x00100030),
    patientSex: text(0x00100040),
    accessionNumber: text(0x00080050),
    studyDate: text(0x00080020),
    studyTime: text(0x00080030),
    studyDescription: text(0x00081030),
    seriesDescription: text(0x0008103e),
    bodyPartExamined: text(0x00180015),
    protocolName: text(0x00181030),
    convolutionKernel: text(0x00181210),
    contrastBolusAgent: text(0x00180010),
    manufacturer: text(0x00080070),
    manufacturerModelName: text(0x00081090),
    stationName: text(0x00081010),
  };
}

/** Image Orientation (Patient) of this level of a data set. */
export function orientationOf(dataSet: DataSet): Orientation | null {
  const [a, b, c, d, e, f] = vectorOf(dataSet, 0x00200037, 6) ?? [];
  if (a === undefined || b === undefined || c === undefined || d === undefined || e === undefined || f === undefined) return null;
  return [a, b, c, d, e, f];
}

/** The plane position and orientation macros that hold for the first frame. PS3.3 C.7.6.16 */
function firstFrameGroups(dataSet: DataSet): DataSet[] {
  const groups = [readItems(dataSet, sharedFunctionalGroups)[0], readFirstItemOfNext(dataSet, perFrameFunctionalGroups)];
  return groups.flatMap((group) => (group ? [...readItems(group, 0x00209113), ...readItems(group, 0x00209116)] : []));
}

function firstOf<T>(dataSets: readonly DataSet[], read: (dataSet: DataSet) => T | null): T | null {
  for (const dataSet of dataSets) {
    const value = orNull(() => read(dataSet));
    if (value !== null) return value;
  }
  return null;
}

export { readSourceAttributes } from "./source-attributes.ts";
