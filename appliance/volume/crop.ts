import { type Ijk, ijkToLps, spacingMm } from "./grid.ts";
import type { CtVolume } from "./volume.ts";

/** A block of voxels: its first index and its size. */
export type Box = { readonly start: Ijk; readonly dims: Ijk };

/** The smallest box that holds every voxel other than 0, or the whole grid when all are 0. */
export function nonZeroBox(dims: Ijk, data: Int16Array | Uint8Array): Box {
  return boxOf(dims, data, (value) => value !== 0) ?? { start: [0, 0, 0], dims };
}

/** The smallest box that holds every voxel that `counts`; null where none does. */
export function boxOf(dims: Ijk, data: Int16Array | Uint8Array, counts: (value: number) => boolean): Box | null {
  const [ni, nj, nk] = dims;
  let [i0, j0, k0, i1, j1, k1] = [ni, nj, nk, -1, -1, -1];
  for (let k = 0, row = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++, row += ni) {
      let first = 0;
      while (first < ni && !counts(data[row + first]!)) first++;
      if (first === ni) continue;
      let last = ni - 1;
      while (!counts(data[row + last]!)) last--;
      if (first < i0) i0 = first;
      if (last > i1) i1 = last;
      if (j < j0) j0 = j;
      if (j > j1) j1 = j;
      if (k < k0) k0 = k;
      k1 = k;
    }
  }
  return k1 < 0 ? null : { start: [i0, j0, k0], dims: [i1 - i0 + 1, j1 - j0 + 1, k1 - k0 + 1] };
}

/** A box with so many voxels more on each side along i, j, k, as far as the grid goes. */
export function grownBox({ start, dims }: Box, by: Ijk, within: Ijk): Box {
  const along = (axis: 0 | 1 | 2): [number, number] => {
    const from = Math.max(0, start[axis] - by[axis]);
    return [from, Math.min(within[axis], start[axis] + dims[axis] + by[axis]) - from];
  };
  const [i, j, k] = [along(0), along(1), along(2)];
  return { start: [i[0], j[0], k[0]], dims: [i[1], j[1], k[1]] };
}

/** How many voxels a margin is along i, j, k: parts of a voxel don't count. Spacing in 32-bit floats, as in a NIfTI header. */
export function marginVoxels({ grid }: CtVolume, marginMm: number): Ijk {
  const [i, j, k] = spacingMm(grid);
  return [Math.trunc(marginMm / Math.fround(i)), Math.trunc(marginMm / Math.fround(j)), Math.trunc(marginMm / Math.fround(k))];
}

/** A part of a CT as a CT of its own, where it lies in the patient. Its memory is shared memory, as the whole one's. */
export function croppedCt({ grid, hu }: CtVolume, { start, dims }: Box): CtVolume {
  const [ni, nj] = grid.dims;
  const [bi, bj, bk] = dims;
  const cropped = new Int16Array(new SharedArrayBuffer(2 * bi * bj * bk));
  for (let k = 0, to = 0; k < bk; k++)
    for (let j = 0; j < bj; j++, to += bi) {
      const from = start[0] + ni * (start[1] + j + nj * (start[2] + k));
      cropped.set(hu.subarray(from, from + bi), to);
    }
  return { grid: { dims, origin: ijkToLps(grid, start), steps: grid.steps }, hu: cropped };
}

/** The label map of a crop where it belongs in the whole one; 0 around it. */
export function uncroppedLabels(within: Ijk, { start, dims }: Box, labels: Uint8Array): Uint8Array {
  const [ni, nj, nk] = within;
  const [bi, bj, bk] = dims;
  const whole = new Uint8Array(ni * nj * nk);
  for (let k = 0, from = 0; k < bk; k++)
    for (let j = 0; j < bj; j++, from += bi)
      whole.set(labels.subarray(from, from + bi), start[0] + ni * (start[1] + j + nj * (start[2] + k)));
  return whole;
}
