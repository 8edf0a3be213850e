import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readInstanceHeader } from "../../appliance/dicom/instance-header.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import type { SourceAttributes } from "../../appliance/dicom/source.ts";
import { decimal, type MadeInstance, uidOf, type Vector } from "./ct-series.ts";
import { type MadeDataSet, type MadeValue, makePart10 } from "./part10.ts";

/** The example series' patient, pixels and headers, in another geometry and under UIDs of its own. */
export type Variant = { readonly name: string; readonly instances: readonly MadeInstance[] };

type Geometry = {
  readonly dims: Vector;
  /** Direction of a row and of a column. */
  readonly row: Vector;
  readonly column: Vector;
  /** Between columns and between rows, mm. */
  readonly pixelMm: readonly [number, number];
  /** From a slice to the next, mm. */
  readonly step: Vector;
  /** Where each slice lies, in steps from the first; 0, 1, 2 ... unless given. */
  readonly places?: readonly number[];
  /** Slice Thickness, mm, where it is not the example's. */
  readonly thicknessMm?: number;
  /** Gantry/Detector Tilt, degrees. */
  readonly tiltDegrees?: number;
};

const folder = join(import.meta.dirname, "../data/example-ct");
/** First voxel of what is cut out: the spine and what lies around it, in all of its ten slices. */
const start = [190, 180, 5] as const;
const origin: Vector = [-63.96484375, -261.73046875, -756.5];
const axial: Geometry = { dims: [128, 128, 10], row: [1, 0, 0], column: [0, 1, 0], pixelMm: [0.9765625, 0.9765625], step: [0, 0, 2] };
const [cosA, sinA, cosB, sinB] = [Math.cos(0.3), Math.sin(0.3), Math.cos(-0.5), Math.sin(-0.5)];

/** Every kind of series that a scanner sends: as it was, oblique, gantries tilted a little and far, pixels not square, two spacings, and all slices in one instance. */
export async function exampleVariants(): Promise<Variant[]> {
  const oblique: Geometry = {
    ...axial,
    row: [cosA, sinA, 0],
    column: [-sinA * cosB, cosA * cosB, sinB],
    step: [2 * sinA * sinB, -2 * cosA * sinB, 2 * cosB],
  };
  const notSquare: Geometry = { ...axial, dims: [128, 96, 10], pixelMm: [0.7, 1.1], step: [0, 0, 3] };
  const example = await readExample();
  return [
    { name: "the example series", instances: singleFrames("axial", axial, example) },
    { name: "oblique", instances: singleFrames("oblique", oblique, example) },
    { name: "tilted by 0.9 degrees", instances: singleFrames("tilted", tilted(0.9), example) },
    { name: "pixels and field of view not square", instances: singleFrames("not-square", notSquare, example) },
    { name: "tilted by -18.5 degrees", instances: singleFrames("tilted-far", tilted(-18.5), example) },
    { name: "two spacings", instances: singleFrames("two-spacings", twoSpacings, example) },
    {
      name: "two spacings, tilted by 18.5 degrees",
      instances: singleFrames("two-spacings-tilted", { ...tilted(18.5), ...spaced }, example),
    },
    { name: "enhanced multi-frame", instances: [multiFrame("multi-frame", oblique, example)] },
  ];
}

/** 2 mm for six slices, then 4 mm, as protocols change from the skull base to what is above. */
const spaced = { places: [0, 1, 2, 3, 4, 5, 7, 9, 11, 13], thicknessMm: 4 } as const;
const twoSpacings: Geometry = { ...axial, ...spaced };

/** As a gantry tilted by so much has it: rows lean, the table moves along z. */
function tilted(degrees: number): Geometry {
  const radians = (degrees * Math.PI) / 180;
  return { ...axial, column: [0, Math.cos(radians), Math.sin(radians)], step: [0, 0, 2 / Math.cos(radians)], tiltDegrees: degrees };
}

type Example = { readonly attributes: SourceAttributes; readonly hu: Int16Array; readonly dims: Vector };

async function readExample(): Promise<Example> {
  const files = readdirSync(folder).map((name) => {
    const path = join(folder, name);
    return { sopInstanceUid: readInstanceHeader(readFileSync(path)).sopInstanceUid, load: () => readFile(path) };
  });
  const { volume, source } = await seriesToVolume(files);
  return { attributes: source.attributes, hu: volume.hu, dims: volume.grid.dims };
}

/** One series of two phases at the same positions, the later one first. */
export async function twoPhases(): Promise<Variant> {
  const example = await readExample();
  return { name: "two phases", instances: [2, 1].flatMap((phase) => singleFrames("two-phases", axial, example, phase)) };
}

function singleFrames(name: string, geometry: Geometry, example: Example, phase = 1): MadeInstance[] {
  return Array.from({ length: geometry.dims[2] }, (_, k) => {
    const sopInstanceUid = uidOf(phase === 1 ? `variants/${name}/${k}` : `variants/${name}/${k}/${phase}`);
    const dataSet = commonDataSet(name, sopInstanceUid, geometry, example);
    const own: [number, string, MadeValue][] = [
      [0x00200012, "IS", `${phase}`],
      [0x00200013, "IS", `${k + 1}`],
      [0x00200032, "DS", positionOf(geometry, k)],
      [0x00200037, "DS", orientationOf(geometry)],
      [0x00280030, "DS", spacingOf(geometry)],
      ...optional(0x00180050, geometry.thicknessMm),
      ...optional(0x00181120, geometry.tiltDegrees),
      [0x7fe00010, "OW", storedPixels(geometry, example, k)],
    ];
    for (const [tag, vr, value] of own) dataSet.set(tag, [vr, value]);
    return { sopInstanceUid, bytes: makePart10(dataSet) };
  });
}

function optional(tag: number, number: number | undefined): [number, string, MadeValue][] {
  return number === undefined ? [] : [[tag, "DS", decimal(number)]];
}

/** All slices as the frames of an Enhanced CT, placed by functional groups (PS3.3 C.7.6.16.2), the last slice first. */
function multiFrame(name: string, geometry: Geometry, example: Example): MadeInstance {
  const sopInstanceUid = uidOf(`variants/${name}`);
  const dataSet = commonDataSet(name, sopInstanceUid, geometry, example);
  const inGroups = [0x00280030, 0x00281052, 0x00281053, 0x00281054];
  for (const tag of inGroups) dataSet.delete(tag);
  const macro = (...rows: [number, string, string][]): MadeDataSet[] => [new Map(rows.map(([tag, vr, value]) => [tag, [vr, value]]))];
  const order = Array.from({ length: geometry.dims[2] }, (_, k) => geometry.dims[2] - 1 - k);
  const shared: MadeDataSet = new Map([
    [0x00189329, ["SQ", macro([0x00089007, "CS", "ORIGINAL\\PRIMARY\\VOLUME\\NONE"])]],
    [0x00209116, ["SQ", macro([0x00200037, "DS", orientationOf(geometry)])]],
    [0x00289110, ["SQ", macro([0x00180050, "DS", "3.0"], [0x00280030, "DS", spacingOf(geometry)])]],
    [0x00289145, ["SQ", macro([0x00281052, "DS", "-1024"], [0x00281053, "DS", "1"], [0x00281054, "LO", "HU"])]],
  ]);
  const perFrame = order.map((k): MadeDataSet => new Map([[0x00209113, ["SQ", macro([0x00200032, "DS", positionOf(geometry, k)])]]]));
  dataSet.set(0x00080016, ["UI", "1.2.840.10008.5.1.4.1.1.2.1"]);
  dataSet.set(0x00280008, ["IS", `${order.length}`]);
  dataSet.set(0x52009229, ["SQ", [shared]]);
  dataSet.set(0x52009230, ["SQ", perFrame]);
  dataSet.set(0x7fe00010, ["OW", Buffer.concat(order.map((k) => storedPixels(geometry, example, k)))]);
  return { sopInstanceUid, bytes: makePart10(dataSet) };
}

/** Patient, study, equipment and pixel format as the scanner wrote them; what places an image is left to the caller. */
function commonDataSet(name: string, sopInstanceUid: string, { dims }: Geometry, { attributes }: Example): MadeDataSet {
  const dataSet: MadeDataSet = new Map([...attributes].map(([tag, { vr, bytes }]) => [tag, [vr, bytes]]));
  for (const tag of [0x00200032, 0x00200037, 0x00201041]) dataSet.delete(tag);
  dataSet.set(0x00080016, ["UI", "1.2.840.10008.5.1.4.1.1.2"]);
  dataSet.set(0x00080018, ["UI", sopInstanceUid]);
  for (const tag of [0x0020000d, 0x0020000e, 0x00200052]) dataSet.set(tag, ["UI", uidOf(`variants/${name}/${tag}`)]);
  dataSet.set(0x00280010, ["US", [dims[1]]]);
  dataSet.set(0x00280011, ["US", [dims[0]]]);
  return dataSet;
}

function positionOf({ step, places }: Geometry, k: number): string {
  return origin.map((mm, axis) => decimal(mm + (places?.[k] ?? k) * step[axis]!)).join("\\");
}

function orientationOf({ row, column }: Geometry): string {
  return [...row, ...column].map(decimal).join("\\");
}

function spacingOf({ pixelMm: [betweenColumns, betweenRows] }: Geometry): string {
  return `${decimal(betweenRows)}\\${decimal(betweenColumns)}`;
}

/** The stored values of a slice: HU with the example's intercept of -1024. */
function storedPixels({ dims: [ni, nj] }: Geometry, { hu, dims }: Example, k: number): Uint8Array {
  const bytes = Buffer.alloc(2 * ni * nj);
  for (let j = 0, to = 0; j < nj; j++) {
    const from = start[0] + dims[0] * (start[1] + j + dims[1] * (start[2] + k));
    for (let i = 0; i < ni; i++, to += 2) bytes.writeUInt16LE(hu[from + i]! + 1024, to);
  }
  return bytes;
}
