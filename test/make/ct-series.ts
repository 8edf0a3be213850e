import { createHash } from "node:crypto";
import type { SeriesFile } from "../../appliance/dicom/series-to-volume.ts";
import { type MadeDataSet, makePart10, syntaxes } from "./part10.ts";

export type Vector = readonly [number, number, number];

/** How a synthetic series differs from a plain axial CT of 8 x 6 x 5 voxels of 0.8 x 0.7 x 2.5 mm at 0 HU. */
export type CtSeriesOptions = {
  /** Sets the UIDs: two series of one name are the same series. */
  readonly name?: string;
  /** Columns, rows, slices. */
  readonly dims?: Vector;
  readonly hu?: (i: number, j: number, k: number) => number;
  /** Centre of voxel (0,0,0), LPS mm. */
  readonly origin?: Vector;
  /** Direction of a row and of a column. */
  readonly orientation?: readonly [number, number, number, number, number, number];
  /** Between columns, rows and slices, mm. */
  readonly spacingMm?: Vector;
  /** From one slice to the next, LPS mm; along the normal unless given (gantry tilt). */
  readonly stepMm?: Vector;
  readonly transferSyntaxUid?: string;
  /** Turns a slice's native little endian pixels into a code stream; for compressed transfer syntaxes. */
  readonly compress?: (pixels: Uint8Array, k: number) => Uint8Array;
  readonly signed?: boolean;
  readonly bitsStored?: number;
  readonly slope?: (k: number) => number;
  readonly intercept?: (k: number) => number;
  readonly modality?: string;
  readonly characterSet?: string;
  /** Bytes in that character set, as latin1. */
  readonly patientName?: string;
  /** Slices that never came. */
  readonly missing?: readonly number[];
  /** Slices that came a second time as another instance. */
  readonly twice?: readonly number[];
  /** What those show the second time; the same unless given. */
  readonly twiceHu?: (i: number, j: number, k: number) => number;
  /** Changes any attribute of a slice before it is written. */
  readonly edit?: (dataSet: MadeDataSet, k: number) => void;
  /** Cuts the written file of a slice to so many bytes; a negative number counts from its end. */
  readonly cutTo?: (k: number) => number | null;
};

export type MadeInstance = { readonly sopInstanceUid: string; readonly bytes: Uint8Array };

/** The files of a synthetic CT series, in the order of its slices; the same options give the same bytes. */
export function makeCtSeries(options: CtSeriesOptions = {}): MadeInstance[] {
  const { dims = [8, 6, 5], missing = [], twice = [], hu = () => 0, twiceHu = hu } = options;
  const slices = Array.from({ length: dims[2] }, (_, k) => k).filter((k) => !missing.includes(k));
  const again = { ...options, hu: twiceHu };
  return [...slices.map((k) => makeSlice(options, k, "")), ...twice.map((k) => makeSlice(again, k, "-again"))];
}

/** Instances as the readers take them. */
export function seriesFiles(instances: readonly MadeInstance[]): SeriesFile[] {
  return instances.map(({ sopInstanceUid, bytes }) => ({ sopInstanceUid, load: async () => bytes }));
}

/** A UID that belongs to a name for good. */
export function uidOf(name: string): string {
  return `2.25.${BigInt(`0x${createHash("sha256").update(name).digest("hex").slice(0, 32)}`)}`;
}

function makeSlice(options: CtSeriesOptions, k: number, suffix: string): MadeInstance {
  const { name = "ct", transferSyntaxUid = syntaxes.explicitLittle, compress, edit, cutTo } = options;
  const sopInstanceUid = uidOf(`${name}/${k}${suffix}`);
  const dataSet = describeSlice(options, k, sopInstanceUid);
  const pixels = storePixels(options, k);
  if (!compress) dataSet.set(0x7fe00010, ["OW", pixels]);
  edit?.(dataSet, k);
  const bytes = makePart10(dataSet, transferSyntaxUid, compress && { fragments: [compress(pixels, k)] });
  return { sopInstanceUid, bytes: bytes.subarray(0, cutTo?.(k) ?? bytes.length) };
}

function describeSlice(options: CtSeriesOptions, k: number, sopInstanceUid: string): MadeDataSet {
  const {
    name = "ct",
    dims = [8, 6, 5],
    origin = [-10, -20, -30],
    spacingMm = [0.8, 0.7, 2.5],
    orientation = [1, 0, 0, 0, 1, 0],
  } = options;
  const { signed = true, bitsStored = 16, slope = () => 1, intercept = () => -1024, modality = "CT" } = options;
  const [a, b, c, d, e, f] = orientation;
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d] as const;
  const step = options.stepMm ?? [normal[0] * spacingMm[2], normal[1] * spacingMm[2], normal[2] * spacingMm[2]];
  const position = origin.map((at, axis) => decimal(at + k * step[axis]!));
  return new Map<number, readonly [string, string | number[]]>([
    [0x00080005, ["CS", options.characterSet ?? "ISO_IR 100"]],
    [0x00080008, ["CS", "ORIGINAL\\PRIMARY\\AXIAL"]],
    [0x00080016, ["UI", modality === "MR" ? "1.2.840.10008.5.1.4.1.1.4" : "1.2.840.10008.5.1.4.1.1.2"]],
    [0x00080018, ["UI", sopInstanceUid]],
    [0x00080020, ["DA", "20260102"]],
    [0x00080030, ["TM", "101500"]],
    [0x00080050, ["SH", "A1"]],
    [0x00080060, ["CS", modality]],
    [0x00080070, ["LO", "Phantom Works"]],
    [0x00080090, ["PN", ""]],
    [0x00081030, ["LO", "Study"]],
    [0x0008103e, ["LO", "Series"]],
    [0x00100010, ["PN", options.patientName ?? "Phantom^Synthetic"]],
    [0x00100020, ["LO", "PHANTOM-1"]],
    [0x00100030, ["DA", "19700101"]],
    [0x00100040, ["CS", "O"]],
    [0x00180050, ["DS", decimal(spacingMm[2])]],
    [0x00180060, ["DS", "120"]],
    [0x00185100, ["CS", "HFS"]],
    [0x0020000d, ["UI", uidOf(`${name}/study`)]],
    [0x0020000e, ["UI", uidOf(`${name}/series`)]],
    [0x00200010, ["SH", "1"]],
    [0x00200011, ["IS", "2"]],
    [0x00200012, ["IS", "1"]],
    [0x00200013, ["IS", `${k + 1}`]],
    [0x00200032, ["DS", position.join("\\")]],
    [0x00200037, ["DS", orientation.map(decimal).join("\\")]],
    [0x00200052, ["UI", uidOf(`${name}/frame-of-reference`)]],
    [0x00201040, ["LO", ""]],
    [0x00280002, ["US", [1]]],
    [0x00280004, ["CS", "MONOCHROME2"]],
    [0x00280010, ["US", [dims[1]]]],
    [0x00280011, ["US", [dims[0]]]],
    [0x00280030, ["DS", `${decimal(spacingMm[1])}\\${decimal(spacingMm[0])}`]],
    [0x00280100, ["US", [16]]],
    [0x00280101, ["US", [bitsStored]]],
    [0x00280102, ["US", [bitsStored - 1]]],
    [0x00280103, ["US", [signed ? 1 : 0]]],
    [0x00281052, ["DS", decimal(intercept(k))]],
    [0x00281053, ["DS", decimal(slope(k))]],
  ]);
}

function storePixels(
  { dims: [ni, nj] = [8, 6, 5], hu = () => 0, slope = () => 1, intercept = () => -1024 }: CtSeriesOptions,
  k: number,
): Uint8Array {
  const bytes = Buffer.alloc(ni * nj * 2);
  for (let j = 0; j < nj; j++)
    for (let i = 0; i < ni; i++) bytes.writeUInt16LE(Math.round((hu(i, j, k) - intercept(k)) / slope(k)) & 0xffff, 2 * (i + ni * j));
  return bytes;
}

/** At most 16 characters, as VR DS allows. */
export function decimal(number: number): string {
  return `${Number(number.toFixed(8))}`.slice(0, 16);
}
