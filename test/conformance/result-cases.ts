import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import dicomParser from "dicom-parser";
import type { SourceSeries } from "../../appliance/dicom/source.ts";
import type { Grid } from "../../appliance/volume/grid.ts";
import { axialGrid, noiseLabels, obliqueGrid, request, sourceSeries, tiltedGrid } from "../make/result-request.ts";

export type Case = { readonly name: string; readonly request: ReturnType<typeof request> };

/** Label maps of every kind of series: noise, so that each border, corner, hole and lone voxel occurs, and a rod with a shaft through it. */
export function resultCases(): Case[] {
  const make = (name: string, grid: Grid, labels: Uint8Array, labelCount: number, isMultiFrame = false): Case => ({
    name,
    request: request(sourceSeries(grid, { isMultiFrame }), labels, labelCount),
  });
  const noise = (name: string, grid: Grid, labelCount: number, backgroundShare: number, isMultiFrame = false) =>
    make(name, grid, noiseLabels(grid, labelCount, backgroundShare, name.length), labelCount, isMultiFrame);
  return [
    noise("axial", axialGrid(23, 38, 5), 4, 0.5),
    noise("axial, whole bytes", axialGrid(24, 32, 3), 3, 0.3),
    noise("one structure full of holes", axialGrid(37, 41, 2), 1, 0.2),
    noise("one structure of islands", axialGrid(37, 41, 2), 1, 0.9),
    noise("every voxel taken", axialGrid(7, 5, 3), 2, 0),
    noise("one row", axialGrid(9, 1, 3), 2, 0.4),
    noise("oblique, pixels not square", obliqueGrid(23, 38, 5), 3, 0.5),
    noise("tilted gantry", tiltedGrid(20, 19, 6), 3, 0.5),
    noise("multi-frame", axialGrid(23, 38, 5), 3, 0.5, true),
    noise("a sieve", axialGrid(130, 90, 1), 1, 0.1),
    exampleCase(),
    make("nested rings", axialGrid(33, 33, 2), rings(33, 2), 2),
  ];
}

/** The example series as a scanner sent it, with two bodies that have a hole in common. */
function exampleCase(): Case {
  const source = exampleSeries();
  const [ni, nj, nk] = source.grid.dims;
  const labels = new Uint8Array(ni * nj * nk);
  for (let k = 2; k < nk; k++)
    for (let j = 100; j < 300; j++)
      for (let i = 150; i < 380; i++) {
        const isHole = Math.hypot(i - 265, j - 190) < 25;
        if (!isHole && Math.hypot((i - 265) / 110, (j - 200) / 90, (k - 10) / 9) < 1) labels[i + ni * (j + nj * k)] = i < 265 ? 1 : 2;
      }
  return { name: "the example series", request: request(source, labels, 2) };
}

/** Read without our own reader: it lies straight along the axes, its slices evenly apart. */
function exampleSeries(): SourceSeries {
  const folder = join(import.meta.dirname, "../data/example-ct");
  const images = readdirSync(folder).map((name) => dicomParser.parseDicom(readFileSync(join(folder, name)), { untilTag: "x7fe00010" }));
  const numbers = (image: dicomParser.DataSet, tag: string) => image.string(tag)!.split("\\").map(Number);
  const zOf = (image: dicomParser.DataSet) => numbers(image, "x00200032")[2]!;
  images.sort((a, b) => zOf(a) - zOf(b));
  const [first, second] = [images[0]!, images[1]!];
  const [x, y, z] = numbers(first, "x00200032") as [number, number, number];
  const [rowMm, columnMm] = numbers(first, "x00280030") as [number, number];
  const attributes = Object.entries(first.elements).flatMap(([tag, { length, dataOffset, vr = "UN", items }]) =>
    items ? [] : [[Number.parseInt(tag.slice(1), 16), { vr, bytes: first.byteArray.slice(dataOffset, dataOffset + length) }] as const],
  );
  return {
    grid: {
      dims: [first.uint16("x00280011")!, first.uint16("x00280010")!, images.length],
      origin: [x, y, z],
      steps: [
        [columnMm, 0, 0],
        [0, rowMm, 0],
        [0, 0, zOf(second) - z],
      ],
    },
    slices: images.map((image) => ({
      sopClassUid: image.string("x00080016")!,
      sopInstanceUid: image.string("x00080018")!,
      frameNumber: null,
    })),
    attributes: new Map(attributes),
  };
}

/** Squares within squares: structure, hole, island in the hole, hole in the island, and another structure that shares a border. */
function rings(size: number, slices: number): Uint8Array {
  const labels = new Uint8Array(size * size * slices);
  for (let at = 0; at < labels.length; at++) {
    const i = at % size;
    const j = Math.floor(at / size) % size;
    const depth = Math.min(i, j, size - 1 - i, size - 1 - j);
    labels[at] = [0, 1, 1, 0, 1, 2, 0, 1, 1, 0, 0, 1][Math.min(depth, 11)]!;
  }
  return labels;
}

/** Runs `script` over files written of the cases and gives the label map that it made of each, numbered as in the object: 1 for the first label found. */
export async function readBack(
  folder: string,
  cases: readonly Case[],
  key: "seg" | "rtstruct",
  encode: (request: Case["request"]) => Iterable<Uint8Array>,
  script: (casesFile: string) => Promise<void>,
): Promise<{ name: string; expected: Uint8Array; found: Uint8Array }[]> {
  const jobs = cases.map(({ request }, index) => {
    const file = join(folder, `${index}.dcm`);
    writeFileSync(file, Buffer.concat([...encode(request)]));
    const slices = request.source.slices.map(({ sopInstanceUid, frameNumber }) => [sopInstanceUid, frameNumber]);
    return { [key]: file, grid: request.source.grid, slices, out: join(folder, `${index}.raw`) };
  });
  const casesFile = join(folder, "cases.json");
  writeFileSync(casesFile, JSON.stringify(jobs));
  await script(casesFile);
  return cases.map(({ name, request }, index) => {
    const present = [...new Set(request.labelMap.labels)].filter((label) => label !== 0).sort((a, b) => a - b);
    const expected = request.labelMap.labels.map((label) => present.indexOf(label) + 1);
    return { name, expected, found: new Uint8Array(readFileSync(join(folder, `${index}.raw`))) };
  });
}
