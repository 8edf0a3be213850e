/** Three numbers along i, j, k of a grid. */
export type Ijk = readonly [i: number, j: number, k: number];
/** A point or vector in patient space, mm: x to Left, y to Posterior, z to Superior. */
export type Lps = readonly [x: number, y: number, z: number] & {
  readonly space?: "lps";
};

/** A regular grid in patient space. Memory is i fastest: `data[i + ni * (j + nj * k)]`. */
export type Grid = {
  readonly dims: Ijk;
  /** Centre of voxel (0,0,0). */
  readonly origin: Lps;
  /** Step in LPS mm for one index along i, j and k; not unit length. */
  readonly steps: readonly [Lps, Lps, Lps];
};

/** How many voxels a grid has. */
export function voxelCount({ dims: [ni, nj, nk] }: Grid): number {
  return ni * nj * nk;
}

/** Where the centre of a voxel lies. Fractional indices are allowed. PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1. */
export function ijkToLps({ origin, steps: [a, b, c] }: Grid, [i, j, k]: Ijk): Lps {
  return [
    origin[0] + i * a[0] + j * b[0] + k * c[0],
    origin[1] + i * a[1] + j * b[1] + k * c[1],
    origin[2] + i * a[2] + j * b[2] + k * c[2],
  ];
}

/** The fractional index of a point: the inverse of {@link ijkToLps}. */
export function lpsToIjk({ origin, steps: [a, b, c] }: Grid, [x, y, z]: Lps): Ijk {
  const p: Lps = [x - origin[0], y - origin[1], z - origin[2]];
  const volume = dot(a, cross(b, c));
  return [dot(p, cross(b, c)) / volume, dot(p, cross(c, a)) / volume, dot(p, cross(a, b)) / volume];
}

/** Distance between neighbouring voxel centres along i, j, k, mm. */
export function spacingMm({ steps }: Grid): Ijk {
  return [length(steps[0]), length(steps[1]), length(steps[2])];
}

/** What one voxel holds, ml (1000 mm3). Right for sheared grids too. */
export function voxelMl({ steps: [a, b, c] }: Grid): number {
  return Math.abs(dot(a, cross(b, c))) / 1000;
}

export function dot(a: Lps, b: Lps): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Lps, b: Lps): Lps {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function length(a: Lps): number {
  return Math.hypot(a[0], a[1], a[2]);
}

export function scale(a: Lps, by: number): Lps {
  return [a[0] * by, a[1] * by, a[2] * by];
}

export function subtract(a: Lps, b: Lps): Lps {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}
