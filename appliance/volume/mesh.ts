import { RefusedError } from "../base/errors.ts";
import type { Box } from "./crop.ts";
import { cross, dot, type Grid, type Ijk, ijkToLps, spacingMm } from "./grid.ts";
import { findLabelSlices, type LabelSlices, labelMl } from "./label-slices.ts";
import { type LayeredField, type TriangleMesh, traceSurface } from "./marching-cubes.ts";
import { limitMoves, meshVolume, setVolume, smoothMesh } from "./smooth-mesh.ts";
import type { LabelMap } from "./volume.ts";

/** The surface of a label in patient space, LPS mm. */
export type LabelSurface = TriangleMesh & {
  readonly value: number;
  /** What the surface holds, and what the label's voxels hold. */
  readonly volumeMl: number;
  readonly voxelsMl: number;
  /** How many voxels one sample of the surface stands for, along i, j and k. */
  readonly sampling: Ijk;
};

export type SurfaceOptions = {
  /** Rounds of smoothing; 0 for the bare surface at the half level. */
  readonly smoothingPasses?: number;
  /** A surface with more is sampled coarser until it has no more. */
  readonly maxTriangles?: number;
};

/**
 * The surface of every label that occurs, by rising value, one at a time: what is in memory at once is one surface and two layers.
 *
 * - Closed, also where the label meets the border of the images (half a voxel beyond the last centres); triangles face outwards.
 * - No point is further than half a sample, along each axis of the grid, from the half level between voxels in and out of the label;
 *   smoothing keeps to that. Points of parts one voxel thin may come to lie on top of each other; a test for triangles that pass through
 *   each other is not made.
 * - The surface holds as much as the voxels, within 1 %, unless the bound above is in the way; `volumeMl` and `voxelsMl` say both.
 * - Where more triangles would be needed than allowed, samples stand for several voxels. What is thinner than a sample may vanish then.
 */
export function* labelSurfaces(labelMap: LabelMap, options: SurfaceOptions = {}): Generator<LabelSurface> {
  for (const found of findLabelSlices(labelMap)) yield surfaceOf(labelMap, found, options);
}

function surfaceOf(labelMap: LabelMap, found: LabelSlices, { smoothingPasses = 10, maxTriangles = 200_000 }: SurfaceOptions): LabelSurface {
  const { grid } = labelMap;
  const box = boxOf(found);
  const sides = countSides(labelMap, found.label, box);
  for (const sampling of samplings(grid, box.dims)) {
    const [si, sj, sk] = sampling;
    // A surface on a grid has about two triangles for each side of a voxel in it.
    if (2 * (sides[0] / (sj * sk) + sides[1] / (si * sk) + sides[2] / (si * sj)) > 1.5 * maxTriangles) continue;
    const mesh = traceSurface(fieldOf(labelMap, found.label, box, sampling), maxTriangles);
    if (mesh === null) continue;
    if (mesh.triangles.length === 0) break;
    const voxels = found.voxels / (si * sj * sk); // in samples, as the mesh is
    const began = mesh.positions.slice();
    smoothMesh(mesh, smoothingPasses);
    limitMoves(mesh, began);
    setVolume(mesh, voxels, began);
    const surface = toPatient(mesh, grid, box, sampling);
    return { ...surface, value: found.label, volumeMl: meshVolume(surface) / 1000, voxelsMl: labelMl(found, grid), sampling };
  }
  throw new RefusedError(
    "mesh-too-scattered",
    `label ${found.label} is too scattered for a surface of ${maxTriangles} triangles (${found.voxels} voxels)`,
  );
}

function boxOf({ slices }: LabelSlices): Box {
  let [iMin, iMax, jMin, jMax] = [Infinity, -1, Infinity, -1];
  for (const { box } of slices) {
    iMin = Math.min(iMin, box.iMin);
    iMax = Math.max(iMax, box.iMax);
    jMin = Math.min(jMin, box.jMin);
    jMax = Math.max(jMax, box.jMax);
  }
  const kMin = slices[0]!.k;
  return { start: [iMin, jMin, kMin], dims: [iMax - iMin + 1, jMax - jMin + 1, slices.at(-1)!.k - kMin + 1] };
}

/** How many sides of voxels part the label from the rest, by the axis they look along. */
function countSides({ grid, labels }: LabelMap, label: number, { start, dims }: Box): [number, number, number] {
  const [ni, nj] = grid.dims;
  let [alongI, alongJ, alongK] = [0, 0, 0];
  for (let k = 0; k < dims[2]; k++)
    for (let j = 0; j < dims[1]; j++) {
      let at = start[0] + ni * (start[1] + j + nj * (start[2] + k));
      for (let i = 0; i < dims[0]; i++, at++) {
        if (labels[at] !== label) continue;
        // Sides towards lower indices; there are as many towards higher ones.
        if (i === 0 || labels[at - 1] !== label) alongI += 2;
        if (j === 0 || labels[at - ni] !== label) alongJ += 2;
        if (k === 0 || labels[at - ni * nj] !== label) alongK += 2;
      }
    }
  return [alongI, alongJ, alongK];
}

/** Every voxel first, then coarser and coarser, nearly as far apart along each axis as along the others. */
function* samplings(grid: Grid, dims: Ijk): Generator<Ijk> {
  const spacing = spacingMm(grid);
  let before = "";
  for (let distanceMm = Math.min(...spacing); ; distanceMm *= 1.25) {
    const along = (axis: 0 | 1 | 2) => Math.max(1, Math.floor(distanceMm / spacing[axis] + 1e-9));
    const sampling: Ijk = [along(0), along(1), along(2)];
    if (String(sampling) !== before) yield sampling;
    before = String(sampling);
    if (sampling.every((step, axis) => step > dims[axis]!)) return;
  }
}

/** Which share of each sample the label fills. */
function fieldOf({ grid, labels }: LabelMap, label: number, { start, dims }: Box, [si, sj, sk]: Ijk): LayeredField {
  const [ni, nj] = grid.dims;
  const share = 1 / (si * sj * sk);
  return {
    dims: [Math.ceil(dims[0] / si), Math.ceil(dims[1] / sj), Math.ceil(dims[2] / sk)],
    readLayer(layer, into, offset, rowLength) {
      for (let k = layer * sk; k < Math.min(dims[2], (layer + 1) * sk); k++)
        for (let j = 0; j < dims[1]; j++) {
          let at = start[0] + ni * (start[1] + j + nj * (start[2] + k));
          let to = offset + Math.floor(j / sj) * rowLength;
          for (let i = 0, inSample = 0; i < dims[0]; i++, at++) {
            if (labels[at] === label) into[to]! += share;
            if (++inSample === si) {
              inSample = 0;
              to++;
            }
          }
        }
    },
  };
}

/** Sample coordinates to LPS mm. Triangles are turned over on a left-handed grid, so that they face outwards there too. */
function toPatient({ positions, triangles }: TriangleMesh, grid: Grid, { start }: Box, sampling: Ijk): TriangleMesh {
  const lps = new Float64Array(positions.length);
  for (let at = 0; at < positions.length; at += 3) {
    // The centre of sample 0 is that of its voxels.
    const along = (axis: 0 | 1 | 2) => start[axis] + positions[at + axis]! * sampling[axis] + (sampling[axis] - 1) / 2;
    lps.set(ijkToLps(grid, [along(0), along(1), along(2)]), at);
  }
  const [a, b, c] = grid.steps;
  if (dot(a, cross(b, c)) < 0)
    for (let n = 0; n < triangles.length; n += 3) [triangles[n + 1], triangles[n + 2]] = [triangles[n + 2]!, triangles[n + 1]!];
  return { positions: lps, triangles };
}
