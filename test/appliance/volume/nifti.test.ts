import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { type Grid, type Ijk, ijkToLps, spacingMm } from "../../../appliance/volume/grid.ts";
import { encodeNifti, type NamedLabel } from "../../../appliance/volume/nifti.ts";
import { phantom } from "../../make/phantom.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

type Read = {
  shape: number[];
  dtype: string;
  affine: number[][];
  zooms: number[];
  units: string;
  sform: number;
  voxels: number[];
  sum: number;
  /** Of all voxels that are not 0, RAS mm; empty where there is none. */
  middle: number[];
  /** Code and label table of each header extension. */
  extensions: [number, [number, string, number[]][]][];
};

const script = join(import.meta.dirname, "nifti.py");

/** Turned by 30 degrees about z, 0.7 x 0.8 mm, slices 2.5 mm apart towards the feet: nothing that a swapped axis or a lost sign would leave unchanged. */
const grid: Grid = {
  dims: [5, 4, 3],
  origin: [-120.5, 33.25, -700.125],
  steps: [
    [0.7 * Math.cos(Math.PI / 6), 0.7 * Math.sin(Math.PI / 6), 0],
    [-0.8 * Math.sin(Math.PI / 6), 0.8 * Math.cos(Math.PI / 6), 0],
    [0, 0, -2.5],
  ],
};

for (const compressed of [false, true])
  test(`nibabel reads ${compressed ? "a gzipped" : "an uncompressed"} label map: every voxel in its place in the patient`, async () => {
    await using folder = await temporaryFolder();
    const labels = Uint8Array.from({ length: 60 }, (_, at) => 195 + at); // all different, 254 the last
    const bytes = encodeNifti({ grid, labels });
    const file = join(folder.path, compressed ? "labels.nii.gz" : "labels.nii");
    await writeFile(file, compressed ? gzipSync(bytes) : bytes);
    const ijk: Ijk[] = [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [4, 3, 2],
    ];
    const read = (await python(script, { file, ijk })) as Read;
    assert.deepEqual(read.shape, [5, 4, 3]);
    assert.equal(read.dtype, "uint8");
    assert.equal(read.units, "mm");
    assert.equal(read.sform, 2);
    assert.deepEqual(read.extensions, []);
    assert.deepEqual(read.voxels, [195, 196, 200, 215, 254]);
    assert.equal(
      read.sum,
      labels.reduce((sum, label) => sum + label, 0),
    );
    for (const [axis, mm] of spacingMm(grid).entries()) assert.ok(Math.abs(read.zooms[axis]! - mm) < 1e-6);
    for (const index of ijk) {
      const [x, y, z] = ijkToLps(grid, index);
      for (const [row, expected] of [-x, -y, z].entries()) {
        // RAS
        const [a = 0, b = 0, c = 0, origin = 0] = read.affine[row]!;
        const found = a * index[0] + b * index[1] + c * index[2] + origin;
        assert.ok(Math.abs(found - expected) < 1e-4, `row ${row}: expected ${expected} mm, found ${found}`); // float32 of a position of 700 mm
      }
    }
  });

/** A cube of 20 mm and a ball, on slices that one affine can't say or readers don't take. */
const awkward: readonly (readonly [what: string, grid: Grid])[] = [
  ["tilted", { ...grid, dims: [40, 40, 16], steps: [grid.steps[0], grid.steps[1], [0, 0.84, -2.5]] }],
  [
    "uneven",
    {
      ...grid,
      dims: [40, 40, 12],
      sliceOrigins: [0, 2, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32].map((mm) => [grid.origin[0], grid.origin[1], grid.origin[2] - mm]),
    },
  ],
];

for (const [what, slices] of awkward)
  test(`a ball in ${what} slices lies at its place on a grid at right angles, as large as it was`, async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, "labels.nii");
    const centre = ijkToLps(slices, [20, 20, 5]);
    const { labelMap } = phantom(slices, [{ label: 1, centre, radiusMm: 8, hu: 0 }]);
    await writeFile(file, encodeNifti(labelMap));
    const read = (await python(script, { file, ijk: [] })) as Read;
    const columns = [0, 1, 2].map((axis) => read.affine.slice(0, 3).map((row) => row[axis]!));
    const product = (a: number[], b: number[]) => a.reduce((sum, part, at) => sum + part * b[at]!, 0);
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const)
      assert.ok(Math.abs(product(columns[a]!, columns[b]!)) < 1e-5);
    const off = Math.hypot(...read.middle.map((mm, axis) => mm - (axis < 2 ? -1 : 1) * centre[axis]!));
    // Planes half-way between two slices are the lower one's: half a slice of the regular grid at most.
    assert.ok(off < 1, `${off.toFixed(2)} mm off`);
    const ml = (read.sum * read.zooms.reduce((volume, mm) => volume * mm)) / 1000;
    assert.ok(Math.abs(ml / ((4 / 3) * Math.PI * 0.512) - 1) < 0.12, `${ml} ml`);
  });

test("nibabel reads the labels' names and colours from the header, as TotalSegmentator writes them, and every voxel behind it", async () => {
  const odd = "größer & <kleiner> ]]> Ende";
  const tables: (readonly NamedLabel[])[] = [
    [{ value: 1, name: "spleen", color: [255, 0, 51] }],
    [
      { value: 2, name: "kidney_right", color: [0, 0, 0] },
      { value: 255, name: odd, color: [128, 255, 1] },
    ],
    Array.from({ length: 117 }, (_, n) => ({ value: n + 1, name: `structure_${n + 1}`, color: [n, n, n] })),
  ];
  for (const labels of tables) {
    await using folder = await temporaryFolder();
    const voxels = Uint8Array.from({ length: 60 }, (_, at) => 195 + at);
    const file = join(folder.path, "labels.nii");
    const bytes = encodeNifti({ grid, labels: voxels }, labels);
    await writeFile(file, bytes);
    const read = (await python(script, {
      file,
      ijk: [
        [0, 0, 0],
        [4, 3, 2],
      ],
    })) as Read;
    assert.deepEqual([read.voxels, read.sum], [[195, 254], voxels.reduce((sum, label) => sum + label, 0)]);
    assert.equal((bytes.length - 60) % 16, 0); // as long as the standard wants it
    // nibabel cuts zero bytes off before its users see the text; other readers hand the XML parser all of it.
    assert.match(new TextDecoder().decode(bytes.subarray(360, bytes.length - 60)), /^<\?xml [^\0]*<\/CaretExtension>\s*$/);
    const [[code, table] = [], ...more] = read.extensions;
    assert.deepEqual([code, more], [0, []]);
    assert.deepEqual(
      table,
      labels.map(({ value, name, color }) => [value, name, color.map((part) => Number((part / 255).toFixed(4)))]),
    );
  }
});
