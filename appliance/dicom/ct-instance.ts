import { RefusedError } from "../base/errors.ts";
import { parseUid, type Uid } from "../domain/ids.ts";
import type { Lps } from "../volume/grid.ts";
import { type Acquisition, acquisitionMacros, readAcquisition } from "./acquisition.ts";
import { type DataSet, readItems } from "./data-set.ts";
import { instanceOf, type Orientation, orientationOf } from "./instance-header.ts";
import type { Part10 } from "./part10.ts";
import { isCt, isMultiFrameCt } from "./sop-classes.ts";
import { lpsOf, numberOf, orNull, required, textOf, textsOf, unsignedOf, vectorOf } from "./values.ts";

/** How stored values become HU. PS3.3 C.11.1 */
export type Rescale = { readonly slope: number; readonly intercept: number };

/** How the numbers of a frame are stored. PS3.3 C.7.6.3 */
export type PixelFormat = {
  readonly rows: number;
  readonly columns: number;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly signed: boolean;
  /** What marks pixels outside the reconstruction, as a stored value. PS3.3 C.7.5.1.1.2 */
  readonly paddingValue: number | null;
  /** An overlay lies in the bits that the pixels leave free, as was allowed until 2004. */
  readonly hasOverlayBits: boolean;
};

/** One CT image: a single-frame instance, or a frame of a multi-frame one. */
export type CtFrame = {
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  /** 1-based; null for a single-frame instance. */
  readonly frameNumber: number | null;
  readonly instanceNumber: number | null;
  readonly position: Lps;
  readonly orientation: Orientation;
  /** Between rows, then between columns, mm. PS3.3 10.7.1.3 */
  readonly pixelSpacingMm: readonly [number, number];
  /** As reconstructed; null where it is not said. */
  readonly sliceThicknessMm: number | null;
  readonly rescale: Rescale;
  /** What tells it from another image of the same place. */
  readonly acquisition: Acquisition;
};

/** A CT instance without its pixels. */
export type CtInstance = {
  readonly sopInstanceUid: Uid;
  readonly studyInstanceUid: Uid;
  readonly seriesInstanceUid: Uid;
  /** Undecoded, outer spaces removed; empty where none is given. Only compared with that of other instances, never shown. */
  readonly patientId: string;
  readonly frameOfReferenceUid: Uid | null;
  readonly format: PixelFormat;
  /** As many as Number of Frames. */
  readonly numberOfFrames: number;
  /** Those that are slices; localizer frames are left out. */
  readonly frames: readonly CtFrame[];
};

/** Why an instance of a CT series is no slice of its volume; null when it is one. */
export function notASlice(opened: Part10): { readonly code: string; readonly reason: string } | null {
  const { dataSet } = opened;
  const modality = required(textOf(dataSet, 0x00080060), 0x00080060, "Modality");
  if (modality !== "CT") return { code: "not-ct", reason: `its modality is ${modality.slice(0, 16)}` };
  const { sopClassUid } = instanceOf(opened);
  if (!isCt(sopClassUid)) return { code: "not-ct", reason: `its SOP class ${sopClassUid} is no CT image` };
  if (isLocalizer(textsOf(dataSet, 0x00080008))) return { code: "localizer", reason: "it is a localizer" };
  return null;
}

/** Image Type or Frame Type, value 3. PS3.3 C.8.2.1.1.1 and C.8.16.1.3 */
function isLocalizer(imageType: readonly string[]): boolean {
  return imageType.slice(2).includes("LOCALIZER");
}

/** All that is needed of a CT instance to place and read its frames; refused when something is missing or contradictory. */
export function readCtInstance(opened: Part10): CtInstance {
  const { dataSet } = opened;
  const { sopClassUid, sopInstanceUid } = instanceOf(opened);
  const frameOfReferenceUid = textOf(dataSet, 0x00200052);
  const instance = { sopClassUid, sopInstanceUid, instanceNumber: orNull(() => numberOf(dataSet, 0x00200013)) };
  const declared = numberOf(dataSet, 0x00280008);
  const frames = isMultiFrameCt(sopClassUid)
    ? functionalGroupFrames(dataSet, declared ?? 1, instance)
    : [{ ...instance, frameNumber: null, ...readFrame([dataSet]), acquisition: readAcquisition([dataSet]) }];
  if (!isMultiFrameCt(sopClassUid) && declared !== null && declared !== 1)
    throw new RefusedError("frames-unexpected", `expected one frame in a CT image, found ${declared}`);
  return {
    sopInstanceUid,
    studyInstanceUid: parseUid(required(textOf(dataSet, 0x0020000d), 0x0020000d, "Study Instance UID")),
    seriesInstanceUid: parseUid(required(textOf(dataSet, 0x0020000e), 0x0020000e, "Series Instance UID")),
    patientId: textOf(dataSet, 0x00100020)?.trim() ?? "",
    frameOfReferenceUid: frameOfReferenceUid === null ? null : parseUid(frameOfReferenceUid),
    format: readPixelFormat(dataSet),
    numberOfFrames: declared ?? 1,
    frames,
  };
}

type Instance = Pick<CtFrame, "sopClassUid" | "sopInstanceUid" | "instanceNumber">;

/** Frame Type value 4 of frames whose numbers are no HU, whatever their Rescale Type says: perfusion maps and arithmetic on images. */
const derivedContrasts: readonly string[] = [
  "MTT",
  "RCBF",
  "RCBV",
  "TMAX",
  "TTP",
  "DIVISION",
  "MULTIPLICATION",
  "STD_DEVIATION",
  "SUBTRACTION",
];

/** Frames by the shared and per-frame functional groups; what stands per frame wins. PS3.3 C.7.6.16 */
function functionalGroupFrames(dataSet: DataSet, declared: number, instance: Instance): CtFrame[] {
  const [shared] = readItems(dataSet, 0x52009229);
  const perFrame = readItems(dataSet, 0x52009230);
  if (perFrame.length !== declared)
    throw new RefusedError("frames-missing", `Number of Frames is ${declared}, functional groups describe ${perFrame.length} frames`);
  const sharedMacros = shared ? macrosOf(shared) : [];
  const sharedAcquisition = shared ? itemsOf(shared, acquisitionMacros) : [];
  return perFrame.flatMap((group, index) => {
    const macros = [...macrosOf(group), ...sharedMacros];
    const frameType = firstOf(macros, (macro) => notEmpty(textsOf(macro, 0x00089007))) ?? [];
    if (isLocalizer(frameType)) return [];
    if (derivedContrasts.includes(frameType[3] ?? ""))
      throw new RefusedError("not-hounsfield", `expected values in HU, found frames derived by ${frameType[3]}`);
    const instanceNumber = firstOf(macros, (macro) => orNull(() => numberOf(macro, 0x00200013))) ?? instance.instanceNumber;
    const acquisition = readAcquisition([...itemsOf(group, acquisitionMacros), ...sharedAcquisition, dataSet]);
    return [{ ...instance, instanceNumber, frameNumber: index + 1, ...readFrame(macros), acquisition }];
  });
}

/** The items of the macros we read: plane position, plane orientation, measures, value transformation, frame type, converted attributes. */
function macrosOf(group: DataSet): DataSet[] {
  return itemsOf(group, [0x00209113, 0x00209116, 0x00289110, 0x00289145, 0x00189329, 0x00209171]);
}

function itemsOf(group: DataSet, macros: readonly number[]): DataSet[] {
  return macros.flatMap((tag) => readItems(group, tag).slice(0, 1));
}

function notEmpty(texts: string[]): string[] | null {
  return texts.length > 0 ? texts : null;
}

function firstOf<T>(dataSets: readonly DataSet[], read: (dataSet: DataSet) => T | null): T | null {
  for (const dataSet of dataSets) {
    const value = read(dataSet);
    if (value !== null) return value;
  }
  return null;
}

/**
 * What a CT of a patient can have: scanners make 0.1 to 1.4 mm, planning systems and PET/CT archives resample up to 5 mm. A header that says
 * 50 mm would not only measure wrongly, it would keep the box busy for a day.
 */
const leastSpacingMm = 0.02;
const greatestSpacingMm = 10;

function readFrame(
  levels: readonly DataSet[],
): Pick<CtFrame, "position" | "orientation" | "pixelSpacingMm" | "sliceThicknessMm" | "rescale"> {
  const position = firstOf(levels, (level) => lpsOf(level, 0x00200032));
  if (position === null) throw new RefusedError("image-position-missing", "Image Position (Patient) (0020,0032) is missing or empty");
  const orientation = firstOf(levels, orientationOf);
  if (orientation === null)
    throw new RefusedError("image-orientation-missing", "Image Orientation (Patient) (0020,0037) is missing or empty");
  const [rowMm, columnMm] = firstOf(levels, (level) => vectorOf(level, 0x00280030, 2)) ?? [];
  if (rowMm === undefined || columnMm === undefined)
    throw new RefusedError("pixel-spacing-missing", "Pixel Spacing (0028,0030) is missing or empty");
  if (![rowMm, columnMm].every((mm) => mm >= leastSpacingMm && mm <= greatestSpacingMm))
    throw new RefusedError(
      "spacing-implausible",
      `expected a Pixel Spacing of ${leastSpacingMm} to ${greatestSpacingMm} mm, found ${rowMm}\\${columnMm} mm`,
    );
  const sliceThicknessMm = firstOf(levels, (level) => orNull(() => numberOf(level, 0x00180050)));
  return { position, orientation, pixelSpacingMm: [rowMm, columnMm], sliceThicknessMm, rescale: readRescale(levels) };
}

/** Of Rescale Type; what else stands there may be anything, and is not repeated. PS3.3 C.11.1.1.2 */
const definedTypes: readonly string[] = ["OD", "HU", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"];
/** HU, a modified HU of dual-energy scanners, and "unspecified", which converters write. PS3.3 C.11.1.1.2 */
const hounsfieldTypes: readonly string[] = ["HU", "HU_MOD", "US"];

function readRescale(levels: readonly DataSet[]): Rescale {
  const type = firstOf(levels, (level) => textOf(level, 0x00281054));
  if (type !== null && !hounsfieldTypes.includes(type))
    throw new RefusedError(
      "not-hounsfield",
      `expected values in HU, found Rescale Type ${definedTypes.includes(type) ? type : "of no known term"}`,
    );
  const slope = firstOf(levels, (level) => numberOf(level, 0x00281053));
  const intercept = firstOf(levels, (level) => numberOf(level, 0x00281052));
  if (slope === null || intercept === null)
    throw new RefusedError(
      "rescale-missing",
      "Rescale Slope (0028,1053) or Intercept (0028,1052) is missing: the values can't be turned into HU",
    );
  if (!(slope > 0)) throw new RefusedError("attribute-invalid", `expected a Rescale Slope above 0, found ${slope}`);
  return { slope, intercept };
}

/** How the grey values of an instance are stored; refused for colours and for what can't be read. */
export function readPixelFormat(dataSet: DataSet): PixelFormat {
  const number = (tag: number, keyword: string): number => required(unsignedOf(dataSet, tag), tag, keyword);
  const samplesPerPixel = number(0x00280002, "Samples per Pixel");
  const rows = number(0x00280010, "Rows");
  const columns = number(0x00280011, "Columns");
  const bitsAllocated = number(0x00280100, "Bits Allocated");
  const bitsStored = number(0x00280101, "Bits Stored");
  const highBit = unsignedOf(dataSet, 0x00280102) ?? bitsStored - 1;
  const representation = number(0x00280103, "Pixel Representation");
  const unsupported = (what: string): RefusedError => new RefusedError("pixel-format-unsupported", what);
  if (samplesPerPixel !== 1) throw unsupported(`expected grey values, found ${samplesPerPixel} samples per pixel`);
  if (rows === 0 || columns === 0) throw unsupported(`expected an image, found ${columns} columns and ${rows} rows`);
  if (bitsAllocated !== 8 && bitsAllocated !== 16) throw unsupported(`expected 8 or 16 bits allocated, found ${bitsAllocated}`);
  if (representation > 1) throw unsupported(`expected Pixel Representation 0 or 1, found ${representation}`);
  if (bitsStored < 1 || bitsStored > highBit + 1 || highBit >= bitsAllocated)
    throw unsupported(`${bitsStored} bits stored with high bit ${highBit} do not fit into ${bitsAllocated} bits allocated`);
  const signed = representation === 1;
  const padding = orNull(() => unsignedOf(dataSet, 0x00280120));
  return {
    rows,
    columns,
    bitsAllocated,
    bitsStored,
    highBit,
    signed,
    paddingValue: padding !== null && signed && padding >= 0x8000 ? padding - 0x10000 : padding,
    hasOverlayBits: hasOverlayBits(dataSet, bitsAllocated),
  };
}

/** An overlay plane whose bits are not its own: PS3.5 section 8.1.2, retired. */
function hasOverlayBits(dataSet: DataSet, bitsAllocated: number): boolean {
  for (let group = 0x6000; group <= 0x601e; group += 2)
    if (orNull(() => unsignedOf(dataSet, group * 0x10000 + 0x0100)) === bitsAllocated) return true;
  return false;
}
