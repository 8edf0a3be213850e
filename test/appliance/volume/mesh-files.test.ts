import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { labelSurfaces } from "../../../appliance/volume/mesh.ts";
import { encodeMtl, encodeObj, encodeStl } from "../../../appliance/volume/mesh-files.ts";
import { temporaryFolder } from "../../peers/folder.ts";
import { python } from "../../peers/python.ts";

type Read = {
  header: string;
  count: number;
  records: number;
  points: number;
  openSides: number;
  sidesTaken: number;
  volume: number;
  centre: number[];
  low: number[];
  high: number[];
  normalsAgree: boolean;
};

const liver = { value: 5, name: "liver", color: [255, 0, 51] } as const;
const spleen = { value: 1, name: "spleen, größer", color: [0, 128, 0] } as const;

/** A ball of radius 9 mm about (60, -35, 1210) on a 1 x 1 x 2 mm grid. */
const dims = [24, 24, 12] as const;
const grid = {
  dims,
  origin: [48, -47, 1198],
  steps: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 2],
  ],
} as const;
const labels = Uint8Array.from({ length: 24 * 24 * 12 }, (_, at) => {
  const [x, y, z] = [48 + (at % 24), -47 + (Math.floor(at / 24) % 24), 1198 + 2 * Math.floor(at / 576)];
  return Math.hypot(x - 60, y + 35, z - 1210) <= 9 ? 5 : 0;
});

function ball() {
  const [mesh] = labelSurfaces({ grid, labels });
  assert.ok(mesh);
  return mesh;
}

test("numpy reads an STL file: closed, outwards, in its place in LPS mm, and its header says LPS", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "liver.stl");
  const mesh = ball();
  await writeFile(file, Buffer.concat([...encodeStl({ label: liver, mesh })]));
  const read = (await python(join(import.meta.dirname, "mesh.py"), { file })) as Read;
  assert.equal(read.header, "Segbox SPACE=LPS mm liver");
  assert.deepEqual([read.count, read.records], [mesh.triangles.length / 3, mesh.triangles.length / 3]);
  assert.deepEqual([read.openSides, read.sidesTaken, read.normalsAgree], [0, 1, true]);
  assert.equal(read.points, mesh.positions.length / 3); // no two fall together in float32
  const voxels = labels.filter(Boolean).length;
  assert.ok(Math.abs(read.volume / (2 * voxels) - 1) < 0.001, `${read.volume} mm3 of ${2 * voxels}`);
  for (const [axis, mm] of [60, -35, 1210].entries()) {
    assert.ok(Math.abs(read.centre[axis]! - mm) < 0.1, `${read.centre}`);
    assert.ok(Math.abs(read.low[axis]! - (mm - 9)) < 1.1 && Math.abs(read.high[axis]! - (mm + 9)) < 1.1, `${read.low} ${read.high}`);
  }
});

test("an STL file of many triangles, cut into pieces, is as long as its count says, and never begins like a text file", () => {
  const mesh = ball();
  const many = { positions: mesh.positions, triangles: Uint32Array.from({ length: 3 * 45_000 }, (_, n) => mesh.triangles[n % 300]!) };
  const pieces = [...encodeStl({ label: { ...liver, name: "solid".repeat(30) }, mesh: many })];
  assert.ok(pieces.length > 3);
  const file = Buffer.concat(pieces);
  assert.equal(file.length, 84 + 50 * 45_000);
  assert.equal(file.readUInt32LE(80), 45_000);
  assert.doesNotMatch(file.toString("latin1", 0, 80), /^solid/);
});

test("an OBJ file names and colours each structure, counts points through the whole file, and says LPS", () => {
  const mesh = ball();
  const small = {
    positions: Float64Array.of(0, 0, 0, 1, 0, 0, 0, 1.0004, 0, 0, 0, -1),
    triangles: Uint32Array.of(0, 1, 2, 0, 3, 1, 0, 2, 3, 1, 3, 2),
  };
  const meshes = [
    { label: liver, mesh },
    { label: spleen, mesh: small },
  ];
  const lines = Buffer.concat([...encodeObj(meshes, "labels.mtl")])
    .toString("ascii")
    .trimEnd()
    .split("\n");
  assert.equal(lines[0], "# SPACE=LPS");
  assert.deepEqual(
    lines.filter((line) => /^(mtllib|o|usemtl) /.test(line)),
    ["mtllib labels.mtl", "o liver", "usemtl liver", "o spleen,_gr__er", "usemtl spleen,_gr__er"],
  );
  const points = lines.filter((line) => line.startsWith("v "));
  const faces = lines.filter((line) => line.startsWith("f "));
  const before = mesh.positions.length / 3;
  assert.deepEqual([points.length, faces.length], [before + 4, mesh.triangles.length / 3 + 4]);
  assert.deepEqual(points.slice(-4), ["v 0 0 0", "v 1 0 0", "v 0 1 0", "v 0 0 -1"]);
  assert.deepEqual(faces.slice(-4)[0], `f ${before + 1} ${before + 2} ${before + 3}`);
  assert.equal(Math.max(...faces.flatMap((face) => face.split(" ").slice(1).map(Number))), points.length);
});

test("the material file has each colour under the name that the OBJ file uses", () => {
  const text = new TextDecoder().decode(encodeMtl([liver, spleen]));
  assert.match(text, /newmtl liver\nKd 1\.0000 0\.0000 0\.2000\n/);
  assert.match(text, /newmtl spleen,_gr__er\nKd 0\.0000 0\.5020 0\.0000\n/);
});
