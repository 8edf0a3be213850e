import { RefusedError } from "../base/errors.ts";
import { cross, dot, type Grid, type Ijk, type Lps, length, scale } from "./grid.ts";

/** Voxels read along axes of one's own choice without moving them: voxel (a,b,c) is `data[offset + a*strides[0] + b*strides[1] + c*strides[2]]`. */
export type VoxelView<Data extends Int16Array | Uint8Array = Int16Array | Uint8Array> = {
  readonly data: Data;
  readonly dims: Ijk;
  readonly offset: number;
  readonly strides: Ijk;
};

/** Which grid axis (0 i, 1 j, 2 k) lies along a patient axis, and whether its index runs against it. */
export type AxisTurn = { readonly axis: 0 | 1 | 2; readonly flip: boolean };
/** The grid's axes towards Right, Anterior and Superior, in this order. */
export type RasTurns = readonly [AxisTurn, AxisTurn, AxisTurn];

/**
 * The permutation and flips that bring a grid's axes closest to Right, Anterior, Superior ("RAS+"). Oblique axes keep their angle: nothing is
 * interpolated.
 *
 * @source nibabel, nibabel/orientations.py, io_orientation: each grid axis in turn takes the patient axis in which the nearest shearless
 * matrix moves most, among those not yet taken
 */
export function rasTurns(grid: Grid): RasTurns {
  const columns = nearestRotation(grid);
  const turns: (AxisTurn | undefined)[] = [];
  for (const [axis, column] of columns.entries()) {
    const ras = [-column[0], -column[1], column[2]];
    let taken = -1;
    for (const [out, part] of ras.entries())
      if (turns[out] === undefined && (taken < 0 || Math.abs(part) > Math.abs(ras[taken]!))) taken = out;
    turns[taken] = { axis: axis as 0 | 1 | 2, flip: ras[taken]! < 0 };
  }
  return [turns[0]!, turns[1]!, turns[2]!];
}

/** A grid's voxels as they lie in memory. */
export function viewOf<Data extends Int16Array | Uint8Array>(dims: Ijk, data: Data): VoxelView<Data> {
  const [ni, nj, nk] = dims;
  if (data.length !== ni * nj * nk) throw new Error(`a grid of ${dims.join(" x ")} holds ${ni * nj * nk} voxels, found ${data.length}`);
  return { data, dims, offset: 0, strides: [1, ni, ni * nj] };
}

/** The same voxels with other axes: the first new axis is `turns[0]`, and so on. */
export function turnView<Data extends Int16Array | Uint8Array>(
  view: VoxelView<Data>,
  turns: readonly [AxisTurn, AxisTurn, AxisTurn],
): VoxelView<Data> {
  let offset = view.offset;
  for (const { axis, flip } of turns) if (flip) offset += (view.dims[axis] - 1) * view.strides[axis];
  const dim = ({ axis }: AxisTurn): number => view.dims[axis];
  const stride = ({ axis, flip }: AxisTurn): number => (flip ? -view.strides[axis] : view.strides[axis]);
  const [a, b, c] = turns;
  return { data: view.data, dims: [dim(a), dim(b), dim(c)], offset, strides: [stride(a), stride(b), stride(c)] };
}

/** The orthogonal matrix nearest to the unit steps (their polar factor), as columns; Newton's iteration, which converges for any regular matrix. */
function nearestRotation({ steps }: Grid): readonly [Lps, Lps, Lps] {
  const unit = (step: Lps): Lps => scale(step, 1 / length(step));
  let [a, b, c]: readonly [Lps, Lps, Lps] = [unit(steps[0]), unit(steps[1]), unit(steps[2])];
  const volume = dot(a, cross(b, c));
  if (!(Math.abs(volume) > 1e-6)) throw new RefusedError("grid-flat", `grid axes span no volume (${volume.toExponential(1)} of 1)`);
  for (let round = 0; round < 60; round++) {
    // The inverse transpose has the columns (b x c, c x a, a x b) / determinant.
    const determinant = dot(a, cross(b, c));
    const next: readonly [Lps, Lps, Lps] = [
      halfWay(a, scale(cross(b, c), 1 / determinant)),
      halfWay(b, scale(cross(c, a), 1 / determinant)),
      halfWay(c, scale(cross(a, b), 1 / determinant)),
    ];
    const moved = Math.max(distance(a, next[0]), distance(b, next[1]), distance(c, next[2]));
    [a, b, c] = next;
    if (moved < 1e-15) break;
  }
  return [a, b, c];
}

const halfWay = (a: Lps, b: Lps): Lps => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2];
const distance = (a: Lps, b: Lps): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
