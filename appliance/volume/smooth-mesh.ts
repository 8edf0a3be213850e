import type { TriangleMesh } from "./marching-cubes.ts";

/** Volume inside a closed surface, positive when its triangles face outwards: the sum of the tetrahedra from the origin. */
export function meshVolume({ positions, triangles }: TriangleMesh): number {
  let six = 0;
  for (let n = 0; n < triangles.length; n += 3) {
    const a = 3 * triangles[n]!;
    const b = 3 * triangles[n + 1]!;
    const c = 3 * triangles[n + 2]!;
    const [ax, ay, az] = [positions[a]!, positions[a + 1]!, positions[a + 2]!];
    const [bx, by, bz] = [positions[b]!, positions[b + 1]!, positions[b + 2]!];
    const [cx, cy, cz] = [positions[c]!, positions[c + 1]!, positions[c + 2]!];
    six += ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx);
  }
  return six / 6;
}

/** Weights of Taubin's two steps; 1/lambda + 1/mu = 0.11 is the frequency up to which shapes are kept. */
const lambda = 0.5;
const mu = -0.53;

/**
 * Takes the steps of the grid off a surface in place, without shrinking it: each pass draws the points towards the mean of their neighbours
 * and then pushes them away a little more.
 *
 * @source Taubin, A signal processing approach to fair surface design, SIGGRAPH 1995
 */
export function smoothMesh({ positions, triangles }: TriangleMesh, passes: number): void {
  const sums = new Float64Array(positions.length);
  const neighbours = new Uint16Array(positions.length / 3);
  for (let n = 0; n < triangles.length; n++) neighbours[triangles[n]!]!++; // as many as triangles meet there
  for (let step = 0; step < 2 * passes; step++) {
    sums.fill(0);
    for (let n = 0; n < triangles.length; n += 3) {
      // Every side is walked once each way, so each neighbour is added once.
      for (let side = 0; side < 3; side++) {
        const to = 3 * triangles[n + side]!;
        const from = 3 * triangles[n + ((side + 1) % 3)]!;
        sums[to]! += positions[from]!;
        sums[to + 1]! += positions[from + 1]!;
        sums[to + 2]! += positions[from + 2]!;
      }
    }
    const weight = step % 2 === 0 ? lambda : mu;
    for (let point = 0, at = 0; point < neighbours.length; point++)
      for (let axis = 0; axis < 3; axis++, at++) positions[at]! += weight * (sums[at]! / neighbours[point]! - positions[at]!);
  }
}

/** Draws points back into the cube of half a step around where they began. */
export function limitMoves({ positions }: TriangleMesh, began: Float64Array): void {
  for (let at = 0; at < positions.length; at++) positions[at] = Math.min(began[at]! + 0.5, Math.max(began[at]! - 0.5, positions[at]!));
}

/**
 * Moves all points along their normals, in place, until the surface holds `volume`, or as near to it as half a step from where the points
 * began allows.
 */
export function setVolume(mesh: TriangleMesh, volume: number, began: Float64Array): void {
  const { positions, triangles } = mesh;
  const normals = new Float64Array(positions.length);
  for (let round = 0; round < 8; round++) {
    const missing = volume - meshVolume(mesh);
    if (Math.abs(missing) <= 1e-4 * volume) return;
    normals.fill(0);
    let area = 0;
    for (let n = 0; n < triangles.length; n += 3) {
      const a = 3 * triangles[n]!;
      const b = 3 * triangles[n + 1]!;
      const c = 3 * triangles[n + 2]!;
      const [ux, uy, uz] = [positions[b]! - positions[a]!, positions[b + 1]! - positions[a + 1]!, positions[b + 2]! - positions[a + 2]!];
      const [vx, vy, vz] = [positions[c]! - positions[a]!, positions[c + 1]! - positions[a + 1]!, positions[c + 2]! - positions[a + 2]!];
      const normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
      area += Math.hypot(normal[0]!, normal[1]!, normal[2]!) / 2;
      for (const point of [a, b, c]) for (let axis = 0; axis < 3; axis++) normals[point + axis]! += normal[axis]!;
    }
    if (area === 0) return;
    const distance = missing / area;
    for (let at = 0; at < positions.length; at += 3) {
      const length = Math.hypot(normals[at]!, normals[at + 1]!, normals[at + 2]!);
      if (length === 0) continue;
      for (let axis = 0; axis < 3; axis++) positions[at + axis]! += (distance * normals[at + axis]!) / length;
    }
    limitMoves(mesh, began);
  }
}
