/** Three numbers along i, j, k of a grid. */
export type Ijk = readonly [i: number, j: number, k: number];
/** A point or vector in patient space, mm: x to Left, y to Posterior, z to Superior. */
export type Lps = readonly [x: number, y: number, z: number] & {
  readonly space?: "lps";
};

/**
 * Where voxels lie in patient space: parallel slices of one size, each with the same rows and columns. Memory is i fastest:
 * `data[i + ni * (j + nj * k)]`.
 *
 * Slices need not lie as a network or a file format wants them: of a tilted gantry `steps[2]` is not along the normal of the slices (a sheared
 * grid), and slices that are not evenly apart have `sliceOrigins` (an uneven one). `regular-grid.ts` finds the grid that has neither.
 */
export type Grid = {
  readonly dims: Ijk;
  /** Centre of voxel (0,0,0). */
  readonly origin: Lps;
  /** Step in LPS mm for one index along i, j and k; not unit length. Of an uneven grid the last is the mean of all slices. */
  readonly steps: readonly [Lps, Lps, Lps];
  /** Centre of voxel (0,0,k) of each slice, along the normal in turn; left out where `origin` and `steps` say it. */
  readonly sliceOrigins?: readonly Lps[];
};

/** How many voxels a grid has. */
export function voxelCount({ dims: [ni, nj, nk] }: Grid): number {
  return ni * nj * nk;
}

/**
 * Where the centre of a voxel lies. Fractional indices are allowed; between uneven slices a k is the share of the way from one to the next.
 * PS3.3 C.7.6.2.1.1, equation C.7.6.2.1-1.
 */
export function ijkToLps(grid: Grid, [i, j, k]: Ijk): Lps {
  const [a, b] = grid.steps;
  const [x, y, z] = sliceOrigin(grid, k);
  return [x + i * a[0] + j * b[0], y + i * a[1] + j * b[1], z + i * a[2] + j * b[2]];
}

/** The fractional index of a point: the inverse of {@link ijkToLps}. */
export function lpsToIjk(grid: Grid, point: Lps): Ijk {
  const [a, b, c] = grid.steps;
  const normal = cross(a, b);
  const k = sliceIndex(grid, dot(point, normal));
  const inPlane = subtract(point, sliceOrigin(grid, k));
  const volume = dot(c, normal);
  return [dot(inPlane, cross(b, c)) / volume, dot(inPlane, cross(c, a)) / volume, k];
}

/** Centre of voxel (0,0,k); beyond the first and last slice they go on as they lay there. */
export function sliceOrigin({ origin, steps: [, , c], sliceOrigins }: Grid, k: number): Lps {
  if (!sliceOrigins) return [origin[0] + k * c[0], origin[1] + k * c[1], origin[2] + k * c[2]];
  const below = Math.min(Math.max(Math.floor(k), 0), Math.max(sliceOrigins.length - 2, 0));
  const low = sliceOrigins[below]!;
  const high = sliceOrigins[below + 1] ?? low;
  const part = k - below;
  if (part === 0) return low;
  return [low[0] + part * (high[0] - low[0]), low[1] + part * (high[1] - low[1]), low[2] + part * (high[2] - low[2])];
}

/** The fractional k whose slice lies at a height, where a height is a point's product with row step x column step. */
function sliceIndex(grid: Grid, height: number): number {
  const normal = cross(grid.steps[0], grid.steps[1]);
  const perSlice = dot(grid.steps[2], normal);
  const even = (height - dot(grid.origin, normal)) / perSlice;
  const { sliceOrigins } = grid;
  if (!sliceOrigins || sliceOrigins.length < 2) return even;
  const heightOf = (k: number): number => dot(sliceOrigins[k]!, normal) * Math.sign(perSlice);
  const wanted = height * Math.sign(perSlice);
  let [low, high] = [0, sliceOrigins.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (heightOf(middle) <= wanted) low = middle;
    else high = middle;
  }
  return low + (wanted - heightOf(low)) / (heightOf(high) - heightOf(low));
}

/** Distance between neighbouring voxel centres along i, j, k, mm; along the slant of a sheared grid, and on average of an uneven one. */
export function spacingMm({ steps }: Grid): Ijk {
  return [length(steps[0]), length(steps[1]), length(steps[2])];
}

/** Unit vector on the slices, towards row x column: the way k grows in a right-handed grid. */
export function normalOf({ steps: [a, b] }: Grid): Lps {
  const normal = cross(a, b);
  return scale(normal, 1 / length(normal));
}

/** From each slice to the next along the normal, mm; one less than slices. */
export function sliceGapsMm(grid: Grid): number[] {
  const normal = normalOf(grid);
  const heights = Array.from({ length: grid.dims[2] }, (_, k) => dot(sliceOrigin(grid, k), normal));
  return heights.slice(1).map((height, k) => Math.abs(height - heights[k]!));
}

/** Positions come rounded by scanners (to 0.1 mm at worst, so 0.05 mm off) and by their table; a voxel misplaced by this much is still in its place. */
const roundedMm = 0.1;
/** The same for thin slices, as a share of their distance. */
const roundedShare = 0.1;

/** Whether slices are evenly apart but for the rounding of their positions: a missing slice is off by half a step or more. */
export function isEven(grid: Grid): boolean {
  if (!grid.sliceOrigins) return true;
  const normal = normalOf(grid);
  const heights = grid.sliceOrigins.map((origin) => dot(subtract(origin, grid.origin), normal));
  const stepMm = heights.at(-1)! / (heights.length - 1);
  const toleranceMm = Math.min(roundedMm, roundedShare * Math.abs(stepMm));
  return heights.every((height, k) => !(Math.abs(height - k * stepMm) > toleranceMm));
}

/**
 * How thick the slabs are that slices stand for, mm along the normal: half-way to both neighbours, and as far beyond an outermost slice as
 * before it; all the same where slices are even but for rounding.
 */
export function slabsMm(grid: Grid): Float64Array {
  const slices = grid.dims[2];
  const slabs = new Float64Array(slices).fill(Math.abs(dot(grid.steps[2], normalOf(grid))));
  if (isEven(grid)) return slabs;
  const gaps = sliceGapsMm(grid);
  for (let k = 0; k < slices; k++) slabs[k] = (gaps[Math.max(k - 1, 0)]! + gaps[Math.min(k, slices - 2)]!) / 2;
  return slabs;
}

/** What one voxel of each slice holds, ml (1000 mm3). Right for sheared grids too. */
export function voxelsMl(grid: Grid): Float64Array {
  const [a, b] = grid.steps;
  const areaMm2 = length(cross(a, b));
  return slabsMm(grid).map((mm) => (areaMm2 * mm) / 1000);
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
