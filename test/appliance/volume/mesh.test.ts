import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Grid, type Ijk, ijkToLps, type Lps, scale } from "../../../appliance/volume/grid.ts";
import type { TriangleMesh } from "../../../appliance/volume/marching-cubes.ts";
import { type LabelSurface, labelSurfaces } from "../../../appliance/volume/mesh.ts";
import type { LabelMap } from "../../../appliance/volume/volume.ts";
import { phantom } from "../../make/phantom.ts";

/** 0.7 x 0.8 x 2.5 mm voxels along LPS, far from the origin as real series are. */
const steps: Grid["steps"] = [
  [0.7, 0, 0],
  [0, 0.8, 0],
  [0, 0, 2.5],
];

function labelMap(dims: Ijk, isInside: (ijk: Ijk) => boolean, grid: Partial<Grid> = {}): LabelMap {
  const labels = new Uint8Array(dims[0] * dims[1] * dims[2]);
  for (let k = 0, at = 0; k < dims[2]; k++)
    for (let j = 0; j < dims[1]; j++) for (let i = 0; i < dims[0]; i++, at++) labels[at] = isInside([i, j, k]) ? 7 : 0;
  return { grid: { dims, origin: [-170, 120, -640], steps, ...grid }, labels };
}

/** Sides that do not belong to exactly two triangles, walked once each way. */
function openSides({ positions, triangles }: TriangleMesh): number {
  const points = positions.length / 3;
  const walked = new Map<number, number>();
  for (let n = 0; n < triangles.length; n += 3)
    for (let side = 0; side < 3; side++) {
      const key = triangles[n + side]! * points + triangles[n + ((side + 1) % 3)]!;
      walked.set(key, (walked.get(key) ?? 0) + 1);
    }
  return [...walked].filter(([key, times]) => times !== 1 || walked.get((key % points) * points + Math.floor(key / points)) !== 1).length;
}

/** Volume in ml and centre of mass, from the triangles in LPS. */
function solid({ positions, triangles }: TriangleMesh): { ml: number; centre: number[] } {
  let six = 0;
  const moments = [0, 0, 0];
  for (let n = 0; n < triangles.length; n += 3) {
    const [a, b, c] = [0, 1, 2].map((corner) => positions.subarray(3 * triangles[n + corner]!, 3 * triangles[n + corner]! + 3)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const part =
      a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) + a[1]! * (b[2]! * c[0]! - b[0]! * c[2]!) + a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!);
    six += part;
    for (let axis = 0; axis < 3; axis++) moments[axis]! += (part * (a[axis]! + b[axis]! + c[axis]!)) / 4;
  }
  return { ml: six / 6000, centre: moments.map((moment) => moment / six) };
}

function only(map: LabelMap, options?: Parameters<typeof labelSurfaces>[1]): LabelSurface {
  const [surface, ...more] = labelSurfaces(map, options);
  assert.ok(surface);
  assert.equal(more.length, 0);
  return surface;
}

const ball = ([i, j, k]: Ijk): boolean => Math.hypot((i - 20) * 0.7, (j - 20) * 0.8, (k - 7) * 2.5) <= 12;
const sphereMl = ((4 / 3) * Math.PI * 12 ** 3) / 1000;

for (const smoothingPasses of [0, 10, 40])
  test(`a ball keeps its volume and its place after ${smoothingPasses} rounds of smoothing, and is closed`, () => {
    const map = labelMap([41, 41, 15], ball);
    const surface = only(map, { smoothingPasses });
    assert.equal(surface.value, 7);
    assert.equal(openSides(surface), 0);
    const { ml, centre } = solid(surface);
    assert.ok(Math.abs(ml / sphereMl - 1) < 0.02, `${ml} ml of ${sphereMl}`); // voxels against the true ball: 0.5 %
    assert.ok(Math.abs(ml / surface.voxelsMl - 1) < 0.001, `${ml} ml of ${surface.voxelsMl} in voxels`);
    assert.ok(Math.abs(surface.volumeMl - ml) < 1e-6);
    for (const [axis, mm] of ijkToLps(map.grid, [20, 20, 7]).entries()) assert.ok(Math.abs(centre[axis]! - mm) < 0.05);
  });

test("smoothing brings the points of a ball nearly twice as close to it", () => {
  const cubic = labelMap([31, 31, 31], (ijk) => Math.hypot(...ijk.map((n) => n - 15)) <= 12, {
    origin: [-15, -15, -15],
    steps: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  });
  const roughness = (smoothingPasses: number): number => {
    const { positions } = only(cubic, { smoothingPasses });
    const radii: number[] = [];
    for (let at = 0; at < positions.length; at += 3) radii.push(Math.hypot(positions[at]!, positions[at + 1]!, positions[at + 2]!));
    const mean = radii.reduce((sum, radius) => sum + radius, 0) / radii.length;
    return Math.sqrt(radii.reduce((sum, radius) => sum + (radius - mean) ** 2, 0) / radii.length);
  };
  assert.ok(roughness(10) < 0.6 * roughness(0), `${roughness(10)} mm of ${roughness(0)}`);
});

test("a box that fills the images is closed at their border, half a voxel beyond the last centres", () => {
  const map = labelMap([6, 5, 4], () => true);
  const surface = only(map, { smoothingPasses: 0 });
  assert.equal(openSides(surface), 0);
  assert.ok(Math.abs(surface.volumeMl / surface.voxelsMl - 1) < 0.001);
  const x = surface.positions.filter((_, at) => at % 3 === 0);
  // Raised by what the cut corners lack; never by more than half a voxel.
  assert.ok(Math.min(...x) <= -170 - 0.35 + 1e-9 && Math.min(...x) >= -170 - 0.7);
  assert.ok(Math.max(...x) >= -170 + 5.5 * 0.7 - 1e-9 && Math.max(...x) <= -170 + 6 * 0.7);
});

test("a single voxel becomes a small closed body of its volume", () => {
  const surface = only(labelMap([3, 3, 3], ([i, j, k]) => i === 1 && j === 1 && k === 1));
  assert.equal(openSides(surface), 0);
  assert.ok(Math.abs(surface.volumeMl / surface.voxelsMl - 1) < 0.01);
});

test("whatever the voxels, each side belongs to two triangles, the volume is that of the voxels, and no point strays", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), fc.nat(12), (voxels, smoothingPasses) => {
      fc.pre(voxels.some(Boolean));
      const map = labelMap([5, 4, 3], ([i, j, k]) => voxels[i + 5 * (j + 4 * k)]!);
      const surface = only(map, { smoothingPasses });
      assert.equal(openSides(surface), 0);
      assert.ok(Math.abs(surface.volumeMl / surface.voxelsMl - 1) < 0.01, `${surface.volumeMl} of ${surface.voxelsMl} ml`);
      for (let at = 0; at < surface.positions.length; at += 3) {
        assert.ok(surface.positions[at]! >= -170 - 0.7 && surface.positions[at]! <= -170 + 0.7 * 5);
        assert.ok(surface.positions[at + 2]! >= -640 - 2.5 && surface.positions[at + 2]! <= -640 + 2.5 * 3);
      }
    }),
    { numRuns: 60 },
  );
});

const axes: readonly Lps[] = [
  [0.9, 0, 0],
  [0, 1.1, 0],
  [0, 0, 2],
];
const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

test("an asymmetric body is at the same place in the patient however the grid is turned, mirrored grids included, and faces outwards", () => {
  for (const order of orders)
    for (let flips = 0; flips < 8; flips++) {
      const turned = order.map((axis, n) => scale(axes[axis]!, flips & (1 << n) ? -1 : 1)) as unknown as Grid["steps"];
      const grid: Grid = { dims: [12, 12, 12], origin: [30, -40, 55], steps: turned };
      // A bar along each axis, of a length of its own, out of one corner.
      const isInside = ([i, j, k]: Ijk) => (j < 3 && k < 3 && i < 9) || (i < 3 && k < 3 && j < 7) || (i < 3 && j < 3 && k < 5);
      const map = labelMap(grid.dims, isInside, grid);
      let count = 0;
      const sum = [0, 0, 0];
      for (let at = 0; at < map.labels.length; at++) {
        if (map.labels[at] === 0) continue;
        count++;
        for (const [axis, mm] of ijkToLps(grid, [at % 12, Math.floor(at / 12) % 12, Math.floor(at / 144)]).entries()) sum[axis]! += mm;
      }
      const { ml, centre } = solid(only(map));
      assert.ok(Math.abs(ml / ((count * 0.9 * 1.1 * 2) / 1000) - 1) < 0.01, `${order} ${flips}: ${ml} ml`); // positive: faces outwards
      for (let axis = 0; axis < 3; axis++)
        assert.ok(Math.abs(centre[axis]! - sum[axis]! / count) < 0.15, `${order} ${flips}: ${centre} for ${sum.map((mm) => mm / count)}`);
    }
});

test("what needs too many triangles is sampled coarser, stays closed and keeps volume and place", () => {
  const map = labelMap([41, 41, 15], ball);
  const fine = only(map);
  const coarse = only(map, { maxTriangles: 600 });
  assert.deepEqual(fine.sampling, [1, 1, 1]);
  assert.ok(coarse.sampling[0] > 2 && coarse.sampling[2] === 1, String(coarse.sampling)); // slices are far apart already
  assert.ok(coarse.triangles.length / 3 <= 600 && fine.triangles.length / 3 > 600);
  assert.equal(openSides(coarse), 0);
  assert.ok(Math.abs(coarse.volumeMl / fine.voxelsMl - 1) < 0.01);
  const centre = ijkToLps(map.grid, [20, 20, 7]);
  for (let axis = 0; axis < 3; axis++) assert.ok(Math.abs(solid(coarse).centre[axis]! - centre[axis]!) < 0.3);
});

test("voxels strewn too wide for the triangles allowed are refused", () => {
  const map = labelMap([24, 24, 24], ([i, j, k]) => i % 3 === 1 && j % 3 === 1 && k % 3 === 1);
  assert.throws(() => [...labelSurfaces(map, { maxTriangles: 100 })], { code: "mesh-too-scattered", message: /label 7 .* 100 triangles/ });
});

test("labels come by rising value, and without labels there is no surface", () => {
  const map = labelMap([4, 4, 4], ([i]) => i === 1);
  for (let at = 2; at < map.labels.length; at += 4) map.labels[at] = 3;
  assert.deepEqual(
    [...labelSurfaces(map)].map(({ value }) => value),
    [3, 7],
  );
  assert.deepEqual([...labelSurfaces(labelMap([4, 4, 4], () => false))], []);
});

test("a ball across slices of 2.5 and 5 mm of a tilted gantry holds as much as its voxels' slabs, and lies at its place", () => {
  const heights = Array.from({ length: 30 }, (_, k) => (k <= 14 ? 2.5 * k : 35 + 5 * (k - 14)));
  const sliceOrigins = heights.map((z): Lps => [0, 0.3 * z, z]);
  const mean = heights.at(-1)! / 29;
  const grid: Grid = {
    dims: [60, 60, 30],
    origin: [0, 0, 0],
    steps: [
      [2, 0, 0],
      [0, 2, 0],
      [0, 0.3 * mean, mean],
    ],
    sliceOrigins,
  };
  for (const z of [20, 36, 70]) {
    const { labelMap: ball } = phantom(grid, [{ label: 1, centre: [60, 60 + 0.3 * z, z], radiusMm: 16, hu: 1 }]);
    const [surface] = labelSurfaces(ball);
    assert.ok(Math.abs(surface!.volumeMl / surface!.voxelsMl - 1) < 0.01, `${surface!.volumeMl} ml of ${surface!.voxelsMl} ml`);
    assert.ok(Math.abs(surface!.volumeMl / ((4 / 3) * Math.PI * 1.6 ** 3) - 1) < 0.01, `${surface!.volumeMl} ml`);
    const along = surface!.positions.filter((_, at) => at % 3 === 2);
    assert.ok(Math.abs((Math.min(...along) + Math.max(...along)) / 2 - z) < 2.5);
  }
});
