import type { Ijk } from "./grid.ts";

/** A closed surface of triangles. Each side of a triangle belongs to exactly one other triangle, which runs along it the other way. */
export type TriangleMesh = {
  /** x, y and z of each point in turn. */
  readonly positions: Float64Array;
  /** Three points of each triangle in turn, counter-clockwise as seen from outside (in a right-handed space). */
  readonly triangles: Uint32Array;
};

/** A scalar field on a grid, read layer by layer along its last axis. */
export type LayeredField = {
  readonly dims: Ijk;
  /** Writes layer k into the upper left part of `into`, a row every `rowLength` values from `offset` on. */
  readonly readLayer: (k: number, into: Float32Array, offset: number, rowLength: number) => void;
};

/**
 * The surface around everything at 0.5 or more, in index coordinates; the field is 0 outside its grid, so the surface is closed at the border
 * too, half a sample beyond the outermost centres. Two layers of the field are in memory at a time.
 *
 * Samples that touch only along an edge or at a corner are apart, as in contours. Which of the two ways across an ambiguous face is taken
 * depends on that face alone, so neighbouring cubes agree on it and there are no holes; no triangle has a side that crosses a face where
 * the neighbour could have the same one, so no side belongs to more than two triangles.
 *
 * @param maxTriangles null is given back when there would be more
 * @source Lorensen and Cline, Marching Cubes, SIGGRAPH 1987; the table is made here, from these two rules
 */
export function traceSurface({ dims, readLayer }: LayeredField, maxTriangles: number): TriangleMesh | null {
  const [ni, nj, nk] = dims;
  const width = ni + 2; // with a border of zeros all around
  const size = width * (nj + 2);
  let lower = new Float32Array(size);
  let upper = new Float32Array(size);
  // The point on the edge that starts at a sample, along i and j in both layers, along k between them.
  let [lowerI, upperI, lowerJ, upperJ] = [new Int32Array(size), new Int32Array(size), new Int32Array(size), new Int32Array(size)];
  const betweenK = new Int32Array(size);
  const points = new Growing(Float64Array, 4096);
  const corners = new Growing(Uint32Array, 8192);

  for (let k = -1; k < nk; k++) {
    [lower, upper] = [upper, lower];
    [lowerI, upperI, lowerJ, upperJ] = [upperI, lowerI, upperJ, lowerJ];
    upper.fill(0);
    if (k + 1 < nk) readLayer(k + 1, upper, width + 1, width);
    // 1. Points on the new edges.
    for (let at = 0, j = -1; j <= nj; j++) {
      for (let i = -1; i <= ni; i++, at++) {
        const value = upper[at]!;
        if (i < ni) {
          const next = upper[at + 1]!;
          if (value >= 0.5 !== next >= 0.5) upperI[at] = points.addThree(i + crossing(value, next), j, k + 1);
        }
        if (j < nj) {
          const next = upper[at + width]!;
          if (value >= 0.5 !== next >= 0.5) upperJ[at] = points.addThree(i, j + crossing(value, next), k + 1);
        }
        const below = lower[at]!;
        if (below >= 0.5 !== value >= 0.5) betweenK[at] = points.addThree(i, j, k + crossing(below, value));
      }
    }
    // 2. Triangles of the cubes between the two layers.
    const pointOn = (edge: number, at: number): number => {
      const { axis, di, dj, dk } = edges[edge]!;
      const start = at + di + dj * width;
      if (axis === 2) return betweenK[start]!;
      if (axis === 0) return dk === 0 ? lowerI[start]! : upperI[start]!;
      return dk === 0 ? lowerJ[start]! : upperJ[start]!;
    };
    for (let j = 0; j <= nj; j++) {
      let at = j * width;
      let cube = columnOf(lower, upper, at, width);
      for (let i = 0; i <= ni; i++, at++) {
        // Corners with odd numbers lie at i + 1: they are the even ones of the next cube.
        cube = (cube & 0b01010101) | (columnOf(lower, upper, at + 1, width) << 1);
        if (cube !== 0 && cube !== 255) {
          const list = triangleTable[cube]!;
          for (let n = 0; n < list.length; n += 3)
            corners.addThree(pointOn(list[n]!, at), pointOn(list[n + 1]!, at), pointOn(list[n + 2]!, at));
        }
        cube = (cube >> 1) & 0b01010101;
      }
    }
    if (corners.length > 3 * maxTriangles) return null;
  }
  return { positions: points.toArray(), triangles: corners.toArray() };
}

/** The corners of a cube at one i, as bits 0, 2, 4 and 6. */
function columnOf(lower: Float32Array, upper: Float32Array, at: number, width: number): number {
  return (
    (lower[at]! >= 0.5 ? 1 : 0) | (lower[at + width]! >= 0.5 ? 4 : 0) | (upper[at]! >= 0.5 ? 16 : 0) | (upper[at + width]! >= 0.5 ? 64 : 0)
  );
}

/** Where the field passes 0.5 between two samples, 0..1; kept off the samples, where points of several edges would fall together. */
function crossing(from: number, to: number): number {
  return Math.min(0.95, Math.max(0.05, (0.5 - from) / (to - from)));
}

/** A typed array that grows by three numbers at a time. */
class Growing<Data extends Float64Array | Uint32Array> {
  length = 0;
  #data: Data;
  readonly #make: new (
    length: number,
  ) => Data;
  constructor(make: new (length: number) => Data, capacity: number) {
    this.#make = make;
    this.#data = new make(3 * capacity);
  }
  /** Gives back which triple it is. */
  addThree(a: number, b: number, c: number): number {
    if (this.length === this.#data.length) {
      const larger = new this.#make(2 * this.length);
      larger.set(this.#data as never);
      this.#data = larger;
    }
    const at = this.length;
    this.#data[at] = a;
    this.#data[at + 1] = b;
    this.#data[at + 2] = c;
    this.length += 3;
    return at / 3;
  }
  toArray(): Data {
    return this.#data.slice(0, this.length) as Data;
  }
}

/** An edge of the cube: the axis it runs along and the corner where it starts. Corner number: di + 2 dj + 4 dk. */
type Edge = { readonly axis: 0 | 1 | 2; readonly di: number; readonly dj: number; readonly dk: number };

const edges: readonly Edge[] = ([0, 1, 2] as const).flatMap((axis) =>
  [0, 1, 2, 3, 4, 5, 6, 7]
    .filter((corner) => (corner & (1 << axis)) === 0)
    .map((corner) => ({ axis, di: corner & 1, dj: (corner >> 1) & 1, dk: corner >> 2 })),
);
const startOf = ({ di, dj, dk }: Edge): number => di + 2 * dj + 4 * dk;

/** The four corners of each face, counter-clockwise as seen from outside the cube. */
const faces: readonly (readonly number[])[] = [
  [0, 4, 6, 2],
  [1, 3, 7, 5],
  [0, 1, 5, 4],
  [2, 6, 7, 3],
  [0, 2, 3, 1],
  [4, 5, 7, 6],
];

function edgeBetween(a: number, b: number): number {
  return edges.findIndex((edge) => startOf(edge) === Math.min(a, b) && 1 << edge.axis === Math.abs(a - b));
}

/** For each of the 256 ways in which corners can be inside: the triangles, as edges three by three. */
const triangleTable: readonly Uint8Array[] = Array.from({ length: 256 }, (_, inside) => Uint8Array.from(loopsOf(inside).flatMap(cutLoop)));

/** The closed lines in which the surface leaves the cube through its faces, as edges in turn. */
function loopsOf(inside: number): number[][] {
  const isInside = (corner: number | undefined): boolean => (inside & (1 << corner!)) !== 0;
  const next = new Map<number, number>();
  for (const face of faces)
    for (let n = 0; n < 4; n++) {
      // Each run of inside corners around the face is cut off by a line of its own, from where the run ends to where it began.
      if (isInside(face[n]) || !isInside(face[(n + 1) % 4])) continue;
      let last = n + 1;
      while (isInside(face[(last + 1) % 4])) last++;
      next.set(edgeBetween(face[n]!, face[(n + 1) % 4]!), edgeBetween(face[last % 4]!, face[(last + 1) % 4]!));
    }
  const loops: number[][] = [];
  while (next.size > 0) {
    const loop: number[] = [];
    for (let edge = [...next.keys()][0]!; next.has(edge); ) {
      loop.push(edge);
      const following = next.get(edge)!;
      next.delete(edge);
      edge = following;
    }
    loops.push(loop);
  }
  return loops;
}

/** Triangles that fill a loop, without a cut between two points of one face. */
function cutLoop(loop: readonly number[]): number[] {
  return cutBetween(loop, 0, loop.length - 1) ?? fail(loop);
}

function fail(loop: readonly number[]): never {
  throw new Error(`loop ${loop.join(" ")} has no triangles that keep off the faces`);
}

function cutBetween(loop: readonly number[], first: number, last: number): number[] | null {
  if (last - first < 2) return [];
  for (let apex = first + 1; apex < last; apex++) {
    const keepsOff = (a: number, b: number): boolean => b - a === 1 || !shareFace(loop[a]!, loop[b]!);
    if (!keepsOff(first, apex) || !keepsOff(apex, last)) continue;
    const before = cutBetween(loop, first, apex);
    const after = cutBetween(loop, apex, last);
    if (before && after) return [loop[first]!, loop[apex]!, loop[last]!, ...before, ...after];
  }
  return null;
}

function shareFace(a: number, b: number): boolean {
  const cornersOf = (edge: number): number[] => [startOf(edges[edge]!), startOf(edges[edge]!) + (1 << edges[edge]!.axis)];
  const all = [...cornersOf(a), ...cornersOf(b)];
  return faces.some((face) => all.every((corner) => face.includes(corner)));
}
