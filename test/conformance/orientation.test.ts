import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSecondaryCapture } from "../../appliance/dicom/secondary-capture.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import type { SourceSeries } from "../../appliance/dicom/source.ts";
import { drawSheet } from "../../appliance/report/sheet.ts";
import type { ReportStructure } from "../../appliance/report/structure.ts";
import { cross, dot, type Grid, ijkToLps, type Lps, length, scale, spacingMm } from "../../appliance/volume/grid.ts";
import { measureLabels } from "../../appliance/volume/measure.ts";
import { labelSurfaces } from "../../appliance/volume/mesh.ts";
import { encodeObj, encodeStl } from "../../appliance/volume/mesh-files.ts";
import { encodeNifti } from "../../appliance/volume/nifti.ts";
import type { CtVolume, LabelMap } from "../../appliance/volume/volume.ts";
import { makeCtSeries, seriesFiles } from "../make/ct-series.ts";
import { allFlips, allOrders, type Ball, phantom, storedOtherwise } from "../make/phantom.ts";
import { reportFonts } from "../make/report-fonts.ts";
import { request, sourceSeries } from "../make/result-request.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { python } from "../peers/python.ts";

/** No two axes alike: 120 x 117 x 140 mm about (20, -150, -700), as axial slices from the feet up have it. */
const asAxial: Grid = {
  dims: [30, 26, 28],
  origin: [-38, -206.25, -767.5],
  steps: [
    [4, 0, 0],
    [0, 4.5, 0],
    [0, 0, 5],
  ],
};
/** One far to the patient's left, one to the back, one to the head, none on an axis, no two alike. */
const markers: readonly Ball[] = [
  { label: 1, centre: [50, -148, -703], radiusMm: 15, hu: 40 },
  { label: 2, centre: [16, -122, -696], radiusMm: 13, hu: 60 },
  { label: 3, centre: [25, -156, -658], radiusMm: 14, hu: 80 },
];
const colors = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
] as const;

type Case = {
  readonly name: string;
  readonly source: SourceSeries;
  readonly volume: CtVolume;
  readonly labelMap: LabelMap;
  readonly isDrawn: boolean;
};

/** The phantom in each of the 48 orders in which a grid can be stored, as it comes out of the files of a series stored so, labelled by HU. */
async function asRead(): Promise<Case[]> {
  const cases: Case[] = [];
  for (const { name, grid } of storages()) {
    const { volume: stored } = phantom(grid, markers);
    const [ni, nj] = grid.dims;
    const [row, column] = grid.steps.map((step) => scale(step, 1 / length(step))) as [Lps, Lps, Lps];
    const instances = makeCtSeries({
      name,
      dims: grid.dims,
      origin: grid.origin,
      spacingMm: spacingMm(grid),
      orientation: [row[0], row[1], row[2], column[0], column[1], column[2]],
      stepMm: grid.steps[2],
      hu: (i, j, k) => stored.hu[i + ni * (j + nj * k)]!,
    });
    const { volume, source } = await seriesToVolume(seriesFiles(instances));
    const labels = Uint8Array.from(volume.hu, (hu) => markers.find((marker) => marker.hu === hu)?.label ?? 0);
    cases.push({ name: `${name}, read from a series`, source, volume, labelMap: { grid: volume.grid, labels }, isDrawn: true });
  }
  return cases;
}

/** The same grids as they are: the reader makes right-handed ones of all, the encoders must not rely on it. */
function asStored(): Case[] {
  return storages().map(({ name, grid }) => ({
    name: `${name}, as stored`,
    source: sourceSeries(grid),
    ...phantom(grid, markers),
    isDrawn: false,
  }));
}

function storages(): { readonly name: string; readonly grid: Grid }[] {
  return allOrders.flatMap((order) =>
    allFlips.map((flips) => ({
      name: `axes ${order.join("")}, flips ${flips.map(Number).join("")}`,
      grid: storedOtherwise(asAxial, order, flips),
    })),
  );
}

/** Writes a result in every format, and says which file is which. The picture is drawn of what was read only: it takes its time. */
function writeAll(folder: string, index: number, { source, volume, labelMap, isDrawn }: Case) {
  const write = (name: string, pieces: Iterable<Uint8Array>): string => {
    const path = join(folder, `${index}-${name}`);
    writeFileSync(path, Buffer.concat([...pieces]));
    return path;
  };
  const head = request(source, labelMap.labels, 3);
  const { labels } = head.manifest;
  const meshes = [...labelSurfaces(labelMap)].map((mesh) => ({ label: labels[mesh.value - 1]!, mesh }));
  const structures = measureLabels(volume, labelMap).map(
    ({ value, volumeMl, meanHu }): ReportStructure => ({
      ...{ value, volumeMl, meanHu, title: labels[value - 1]!.title, color: colors[value - 1]! },
      ...{ isTruncated: false, flags: [] },
    }),
  );
  const overlay = { opacity: 1, edgeOpacity: 1 }; // labels in their own colours, so that their pixels can be told
  const sheet = { volume, labelMap, structures, overlay, title: "Markers", model: "markers 1", software: "Segbox", fonts: reportFonts };
  return {
    colors,
    seg: write("seg.dcm", encodeSeg(head)),
    labelmap: write("labelmap.dcm", encodeSegLabelmap(head)),
    rtstruct: write("rtstruct.dcm", encodeRtstruct(head)),
    nifti: write("labels.nii", [encodeNifti(labelMap)]),
    stl: meshes.map((mesh) => write(`${mesh.label.value}.stl`, encodeStl(mesh))),
    obj: write("labels.obj", encodeObj(meshes, "labels.mtl")),
    picture: isDrawn ? write("picture.dcm", encodeSecondaryCapture({ ...head, picture: drawSheet(sheet) })) : null,
  };
}

type Middles = Readonly<Record<string, readonly number[]>>;
type Read = Readonly<Record<"seg" | "labelmap" | "rtstruct" | "nifti" | "stl" | "obj", Middles>> & {
  readonly picture: Readonly<Record<string, Middles>> | null;
};

/** Where the voxels of each marker lie, from their definition. */
function expectedMiddles(): Middles {
  const { labelMap } = phantom(asAxial, markers);
  const [ni, nj] = asAxial.dims;
  const middle = (label: number) => {
    const points: Lps[] = [];
    for (const [at, value] of labelMap.labels.entries())
      if (value === label) points.push(ijkToLps(asAxial, [at % ni, Math.floor(at / ni) % nj, Math.floor(at / (ni * nj))]));
    return [0, 1, 2].map((axis) => points.reduce((sum, point) => sum + point[axis]!, 0) / points.length);
  };
  return Object.fromEntries(markers.map(({ label }) => [label, middle(label)]));
}

/**
 * How far off the middle of a marker may be, mm. SEG and NIfTI name voxels, exactly but for the roundings of DS and float32. Outlines and
 * surfaces cut corners, which lie a little differently with each direction of the slices; half a voxel is 2 mm, a flip is 25 mm and more.
 */
const toleranceMm = { seg: 1e-3, labelmap: 1e-3, nifti: 1e-3, rtstruct: 0.25, stl: 0.25, obj: 0.25 } as const;

function expectInPlace({ name, isDrawn }: Case, read: Read, expected: Middles): void {
  for (const [format, mm] of Object.entries(toleranceMm)) {
    const found = read[format as keyof typeof toleranceMm];
    assert.deepEqual(Object.keys(found).sort(), Object.keys(expected), `${format}, ${name}`);
    for (const [label, middle] of Object.entries(expected)) {
      const off = Math.hypot(...middle.map((at, axis) => at - found[label]![axis]!));
      assert.ok(off <= mm, `marker ${label} in ${format}, ${name}: ${off.toFixed(4)} mm off, at ${found[label]} and not at ${middle}`);
    }
  }
  assert.equal(read.picture !== null, isDrawn);
  if (read.picture) expectInPicture(name, read.picture, expected);
}

/** Two markers of each plane's pictures, and the patient axes that lie to the right and down in it. */
const inPicture = [
  { plane: "axial", markers: ["1", "2"], axes: [0, 1], signs: [1, 1] },
  { plane: "coronal", markers: ["1", "3"], axes: [0, 2], signs: [1, -1] },
  { plane: "sagittal", markers: ["2", "3"], axes: [1, 2], signs: [1, -1] },
] as const;

/** From one marker to the other the picture goes the way that the patient does: left to the right, back down, feet down, at one scale. */
function expectInPicture(name: string, panels: NonNullable<Read["picture"]>, expected: Middles): void {
  for (const { plane, markers: pair, axes, signs } of inPicture) {
    const [, panel] = Object.entries(panels).find(([key, found]) => key.startsWith(plane) && pair.every((label) => label in found)) ?? [];
    assert.ok(panel, `no ${plane} picture with markers ${pair.join(" and ")}, ${name}: ${JSON.stringify(panels)}`);
    const [from, to] = pair;
    const mm = axes.map((axis, at) => signs[at]! * (expected[to]![axis]! - expected[from]![axis]!)) as [number, number];
    const pixels = [0, 1].map((at) => panel[to]![at]! - panel[from]![at]!) as [number, number];
    const pixelMm = Math.hypot(...mm) / Math.hypot(...pixels);
    const offMm = Math.hypot(pixels[0] * pixelMm - mm[0], pixels[1] * pixelMm - mm[1]);
    // Middles of pixels, and of a slice instead of the whole marker; a voxel is 4 mm.
    assert.ok(offMm <= 0.5, `${plane}, ${name}: ${offMm.toFixed(1)} mm off, ${pixels} pixels for ${mm} mm`);
  }
}

test("the 48 ways to store a grid are all different, half of them left-handed, and the markers tell every one from the others", () => {
  const grids = storages().map(({ grid }) => grid);
  assert.equal(new Set(grids.map(({ steps }) => steps.join())).size, 48);
  assert.equal(grids.filter(({ steps: [a, b, c] }) => dot(a, cross(b, c)) < 0).length, 24);
  // Were axes swapped or run backwards about the middle, some marker would be this far off at least.
  const middle = ijkToLps(asAxial, [14.5, 12.5, 13.5]);
  const away = markers.map(({ centre }) => centre.map((mm, axis) => mm - middle[axis]!));
  for (const order of allOrders)
    for (const flips of allFlips) {
      const isSame = order.join() === "0,1,2" && !flips.includes(true);
      const off = Math.max(...away.map((at) => Math.hypot(...at.map((mm, axis) => mm - (flips[axis] ? -1 : 1) * at[order[axis]!]!))));
      assert.ok(isSame ? off === 0 : off > 20, `${order} ${flips}: ${off} mm`);
    }
});

for (const [how, make] of [
  ["STL, OBJ and picture of a series stored in each of 48 orders", asRead],
  ["STL and OBJ on a grid in each of 48 orders, left-handed ones too,", asStored],
] as const)
  test(`SEG, label map, RTSTRUCT, NIfTI, ${how} put the markers at the same place in the patient`, async () => {
    await using folder = await temporaryFolder("orientation");
    const cases = await make();
    assert.equal(cases.length, 48);
    const files = cases.map((each, index) => writeAll(folder.path, index, each));
    const read = (await python(join(import.meta.dirname, "orientation.py"), files)) as Read[];
    const expected = expectedMiddles();
    for (const [index, each] of cases.entries()) expectInPlace(each, read[index]!, expected);
  });
