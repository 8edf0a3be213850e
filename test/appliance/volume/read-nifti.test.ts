import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Grid, ijkToLps } from "../../../appliance/volume/grid.ts";
import { encodeNifti } from "../../../appliance/volume/nifti.ts";
import { decodeNiftiCt, decodeNiftiLabels } from "../../../appliance/volume/read-nifti.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

/** Turned by 30 degrees about z, all three spacings different: RAS, as NIfTI has it. */
const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
const affine = [
  [-0.7 * c, 0.8 * s, 0, 20],
  [0.7 * s, 0.8 * c, 0, -30],
  [0, 0, 2.5, 40],
  [0, 0, 0, 1],
];

test("what nibabel writes is read as it means it, by sform and by qform, scaled and not", async () => {
  await using folder = await temporaryFolder("read-nifti");
  const shape = [3, 4, 5];
  const images = [
    { name: "sform.nii", type: "int16", form: "sform", offset: 30 },
    { name: "qform.nii", type: "int16", form: "qform", offset: 30 },
    { name: "scaled.nii", type: "uint16", form: "sform", slope: 2, inter: -1000 },
    { name: "float.nii", type: "float32", form: "sform", offset: 30 },
  ].map((image) => ({ ...image, shape, affine }));
  await python("test/appliance/volume/read-nifti.py", { out: folder.path, images });
  for (const { name, slope = 1, inter = 0, offset = 0 } of images) {
    const { grid, hu } = decodeNiftiCt(await readFile(join(folder.path, name)));
    assert.deepEqual(grid.dims, [3, 4, 5], name);
    assert.deepEqual(
      [...hu],
      Array.from({ length: 60 }, (_, n) => (n - offset) * slope + inter),
      name,
    );
    const [i, j, k] = [2, 3, 4];
    const ras = affine.slice(0, 3).map(([a, b, d, e]) => a! * i + b! * j + d! * k + e!);
    for (const [axis, found] of ijkToLps(grid, [i, j, k]).entries())
      assert.ok(Math.abs(found! - (axis < 2 ? -1 : 1) * ras[axis]!) < 1e-4, `${name}: ${found}`);
  }
});

test("a label map that we wrote comes back, with its place", () => {
  const grid: Grid = {
    dims: [2, 2, 2],
    origin: [1, 2, 3],
    steps: [
      [0, 1.5, 0],
      [-1, 0, 0],
      [0, 0, -3],
    ],
  };
  const labels = Uint8Array.of(0, 1, 2, 3, 0, 255, 1, 1);
  const found = decodeNiftiLabels(encodeNifti({ grid, labels }, [{ value: 1, name: "liver", color: [1, 2, 3] }]));
  assert.deepEqual(found.labels, labels);
  assert.deepEqual(found.grid, grid);
});

test("what is no NIfTI image, or not one volume, is refused in a line", () => {
  const good = encodeNifti({
    grid: {
      dims: [2, 2, 2],
      origin: [0, 0, 0],
      steps: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
    labels: new Uint8Array(8),
  });
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setInt16(at, value, true);
    return bytes;
  };
  const refusals: [Uint8Array, RegExp][] = [
    [good.subarray(0, 100), /100 bytes, expected at least the 352/],
    [changed(0, 540), /little-endian NIfTI-1 header/],
    [changed(40, 2), /expected three axes, found 2/],
    [changed(42, 3), /expected 12 voxels of 1 bytes from byte 352/],
    [changed(70, 128), /data type 128/],
    [changed(254, 0), /neither sform nor qform/],
  ];
  for (const [bytes, message] of refusals) assert.throws(() => decodeNiftiCt(bytes), { code: "nifti-unreadable", message });
});

test("labels that are no whole numbers up to 255 are refused", () => {
  const bytes = encodeNifti({
    grid: {
      dims: [1, 1, 1],
      origin: [0, 0, 0],
      steps: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    },
    labels: Uint8Array.of(3),
  });
  new DataView(bytes.buffer).setFloat32(112, 0.5, true);
  assert.throws(() => decodeNiftiLabels(bytes), { code: "nifti-unreadable", message: /label 1\.5/ });
});
