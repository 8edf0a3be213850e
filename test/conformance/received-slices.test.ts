import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeRtstruct } from "../../appliance/dicom/rtstruct.ts";
import { encodeSeg } from "../../appliance/dicom/seg.ts";
import { encodeSegLabelmap } from "../../appliance/dicom/seg-labelmap.ts";
import { seriesToVolume } from "../../appliance/dicom/series-to-volume.ts";
import { type Grid, ijkToLps, type Lps, lpsToIjk, sliceOrigin } from "../../appliance/volume/grid.ts";
import { measureLabels } from "../../appliance/volume/measure.ts";
import { labelSurfaces } from "../../appliance/volume/mesh.ts";
import { encodeObj, encodeStl } from "../../appliance/volume/mesh-files.ts";
import { encodeNifti } from "../../appliance/volume/nifti.ts";
import { straighten } from "../../appliance/volume/restack.ts";
import type { CtVolume, LabelMap } from "../../appliance/volume/volume.ts";
import { decimal, makeCtSeries, seriesFiles } from "../make/ct-series.ts";
import { type Ball, phantom } from "../make/phantom.ts";
import { request } from "../make/result-request.ts";
import { exampleVariants } from "../make/variants.ts";
import { temporaryFolder } from "../peers/folder.ts";
import { run } from "../peers/process.ts";
import { python } from "../peers/python.ts";

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
const heights = (steps: readonly number[]): number[] => {
  const places = [-800];
  for (const step of steps) places.push(Math.round((places.at(-1)! + step) * 1000) / 1000);
  return places;
};
const times = (count: number, step: number): number[] => Array.from({ length: count }, () => step);

/** 64 x 60 pixels of 2 x 2.2 mm, as a gantry tilted by so many degrees takes them while the table moves along z. */
function slices(degrees: number, along: readonly number[]): Grid {
  const [cos, sin] = [Math.cos(radians(degrees)), Math.sin(radians(degrees))];
  const sliceOrigins = along.map((z): Lps => [-44, -216, z]);
  const mean = (along.at(-1)! - along[0]!) / (along.length - 1);
  return {
    dims: [64, 60, along.length],
    origin: sliceOrigins[0]!,
    steps: [
      [2, 0, 0],
      [0, 2.2 * cos, 2.2 * sin],
      [0, 0, mean],
    ],
    sliceOrigins,
  };
}

const twoSpacings = heights([...times(34, 2.5), ...times(22, 5)]);
const rounded = Array.from({ length: 80 }, (_, k) => -800 + Math.round(k * 23.3) / 10);
const series: readonly { readonly name: string; readonly grid: Grid; readonly gapMm: number; readonly says: RegExp }[] = [
  { name: "tilted by 18.5 degrees", grid: slices(18.5, heights(times(74, 2.5))), gapMm: 2.5, says: /sheared by 18\.5 degrees/ },
  { name: "tilted by -18.5 degrees", grid: slices(-18.5, heights(times(74, 2.5))), gapMm: 2.5, says: /sheared by 18\.5 degrees/ },
  { name: "of two spacings", grid: slices(0, twoSpacings), gapMm: 5, says: /2\.50 to 5\.00 mm apart/ },
  { name: "of two spacings, tilted by -22 degrees", grid: slices(-22, twoSpacings), gapMm: 5, says: /sheared .* 2\.32 to 4\.64 mm apart/ },
  { name: "whose positions are rounded to 0.1 mm", grid: slices(0, rounded), gapMm: 2.33, says: /^$/ },
];

/** One far to the patient's left, one to the back, one to the head, no two alike: an axis the wrong way round is 20 mm off and more. */
const markers: readonly Ball[] = [
  { label: 1, centre: [50, -148, -715], radiusMm: 15, hu: 40 },
  { label: 2, centre: [16, -122, -696], radiusMm: 13, hu: 60 },
  { label: 3, centre: [25, -156, -662], radiusMm: 14, hu: 80 },
];

/** What a perfect network would find on the grid that it is given. */
function findMarkers({ grid, hu }: CtVolume): LabelMap {
  const [ni, nj] = grid.dims;
  const labels = new Uint8Array(hu.length);
  for (let at = 0; at < hu.length; at++) {
    if (hu[at]! < -480) continue; // half-way from air
    const point = ijkToLps(grid, [at % ni, Math.floor(at / ni) % nj, Math.floor(at / (ni * nj))]);
    const offMm = markers.map(({ centre }) => Math.hypot(...centre.map((mm, axis) => mm - point[axis]!)));
    labels[at] = offMm.indexOf(Math.min(...offMm)) + 1;
  }
  return { grid, labels };
}

/** The phantom's series as files, read, segmented on the network's grid and brought back. */
async function segmented({ name, grid }: { readonly name: string; readonly grid: Grid }) {
  const { volume: stored } = phantom(grid, markers);
  const [ni, nj] = grid.dims;
  const [, column] = grid.steps;
  const instances = makeCtSeries({
    name,
    dims: grid.dims,
    spacingMm: [2, 2.2, 5],
    orientation: [1, 0, 0, 0, column[1] / 2.2, column[2] / 2.2],
    hu: (i, j, k) => stored.hu[i + ni * (j + nj * k)]!,
    edit: (dataSet, k) => dataSet.set(0x00200032, ["DS", sliceOrigin(grid, k).map(decimal).join("\\")]),
  });
  const { volume, source, notes } = await seriesToVolume(seriesFiles(instances.toReversed()));
  const straight = straighten(volume);
  return { volume, source, notes, labelMap: straight.toSlices(findMarkers(straight.volume)) };
}

type Middles = Readonly<Record<string, readonly number[]>>;
const formats = ["seg", "labelmap", "rtstruct", "nifti", "stl", "obj"] as const;

const offMm = (a: readonly number[], b: readonly number[]): number => Math.hypot(...a.map((mm, axis) => mm - b[axis]!));

for (const { name, grid, gapMm, says } of series)
  test(`a series ${name}: every format has the markers at their place in the patient, within half a voxel`, async () => {
    await using folder = await temporaryFolder("received-slices");
    const { volume, source, notes, labelMap } = await segmented({ name, grid });
    assert.match(notes.join(), says);
    for (let k = 0; k < grid.dims[2]; k++) assert.ok(offMm(sliceOrigin(source.grid, k), sliceOrigin(grid, k)) < 1e-6);
    const write = (file: string, pieces: Iterable<Uint8Array>): string => {
      const path = join(folder.path, file);
      writeFileSync(path, Buffer.concat([...pieces]));
      return path;
    };
    const head = request(source, labelMap.labels, 3);
    const meshes = [...labelSurfaces(labelMap)].map((mesh) => ({ label: head.manifest.labels[mesh.value - 1]!, mesh }));
    const files = {
      seg: write("seg.dcm", encodeSeg(head)),
      labelmap: write("labelmap.dcm", encodeSegLabelmap(head)),
      rtstruct: write("rtstruct.dcm", encodeRtstruct(head)),
      nifti: write("labels.nii", [encodeNifti(labelMap)]),
      stl: meshes.map((mesh) => write(`${mesh.label.value}.stl`, encodeStl(mesh))),
      obj: write("labels.obj", encodeObj(meshes, "labels.mtl")),
      picture: null,
      colors: [],
    };
    const [read] = (await python(join(import.meta.dirname, "orientation.py"), [files])) as [Record<(typeof formats)[number], Middles>];
    for (const format of formats)
      for (const { label, centre } of markers) {
        const off = offMm(read[format][label]!, centre);
        assert.ok(off <= gapMm / 2, `marker ${label} in ${format}: ${off.toFixed(2)} mm off`);
      }
    for (const { value, centre, volumeMl } of measureLabels(volume, labelMap)) {
      const marker = markers[value - 1]!;
      assert.ok(offMm(centre, marker.centre) < 0.5, `marker ${value} was measured ${offMm(centre, marker.centre).toFixed(2)} mm off`);
      assert.ok(Math.abs(volumeMl / ((4 / 3) * Math.PI * (marker.radiusMm / 10) ** 3) - 1) < 0.05, `marker ${value}: ${volumeMl} ml`);
    }
  });

test("the example series, tilted by -18.5 degrees, is straightened to the voxels that dcm2niix makes of it", async () => {
  await using folder = await temporaryFolder("dcm2niix");
  const { instances } = (await exampleVariants()).find(({ name }) => name === "tilted by -18.5 degrees")!;
  const images = join(folder.path, "images");
  mkdirSync(images);
  for (const [at, { bytes }] of instances.entries()) writeFileSync(join(images, `${at}.dcm`), bytes);
  const { code, stdout, stderr } = await run("dcm2niix", ["-z", "n", "-b", "n", "-f", "straight", "-o", folder.path, images]);
  assert.equal(code, 0, stdout + stderr);
  const theirs = readFileSync(join(folder.path, "straight_Tilt_1.nii"));
  const { volume: received } = await seriesToVolume(seriesFiles(instances));
  const { grid, hu } = straighten(received).volume;
  const [ni, nj, nk] = grid.dims;
  assert.deepEqual(
    [1, 2, 3].map((axis) => theirs.readInt16LE(40 + 2 * axis)),
    grid.dims,
  );
  // Their rows run the other way, and their world is RAS.
  const affine = [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => theirs.readFloatLE(280 + 16 * row + 4 * column)));
  const theirLps = (i: number, j: number, k: number): number[] =>
    affine.map(([a = 0, b = 0, c = 0, d = 0], axis) => (axis < 2 ? -1 : 1) * (a * i + b * j + c * k + d));
  for (const [i, j, k] of [
    [0, 0, 0],
    [ni - 1, 0, 0],
    [0, nj - 1, 0],
    [0, 0, nk - 1],
  ] as const)
    assert.ok(offMm(theirLps(i, nj - 1 - j, k), ijkToLps(grid, [i, j, k])) < 1e-3);
  const [voxelsAt = 0, slope = 1, intercept = 0] = [108, 112, 116].map((at) => theirs.readFloatLE(at));
  let [compared, different] = [0, 0];
  for (let k = 0, at = 0; k < nk; k++)
    for (let j = 0; j < nj; j++)
      for (let i = 0; i < ni; i++, at++) {
        const found = slope * theirs.readInt16LE(voxelsAt + 2 * (i + ni * (nj - 1 - j + nj * k))) + intercept;
        const [, row] = lpsToIjk(received.grid, ijkToLps(grid, [i, j, k]));
        if (row < 1 || row > received.grid.dims[1] - 2) continue; // at the border they stop a row earlier
        compared++;
        if (Math.abs(hu[at]! - found) > 1) different++; // rounded otherwise
      }
  assert.ok(compared > 0.9 * 128 * 128 * 10, `${compared} voxels`);
  assert.equal(different, 0);
});

test("what Gantry/Detector Tilt says does not count: positions do", async () => {
  const tilt = (degrees: string | null) => (dataSet: Parameters<NonNullable<Parameters<typeof makeCtSeries>[0]>["edit"] & {}>[0]) =>
    degrees === null ? dataSet.delete(0x00181120) : dataSet.set(0x00181120, ["DS", degrees]);
  const lying = await seriesToVolume(seriesFiles(makeCtSeries({ edit: tilt("-18.5") })));
  assert.equal(straighten(lying.volume).volume, lying.volume);
  assert.deepEqual(lying.notes, []);
  const silent = await seriesToVolume(seriesFiles(makeCtSeries({ stepMm: [0, 0.8, 2.5], edit: tilt(null) })));
  assert.match(silent.notes.join(), /sheared by 17\.7 degrees/);
  const { volume } = straighten(silent.volume);
  assert.deepEqual(volume.grid.dims, [8, 11, 5]);
  assert.ok(lpsToIjk(volume.grid, [-10, -20, -30]).every((index) => Math.abs(index) < 1e-9));
});
