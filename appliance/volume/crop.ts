import type { Ijk } from "./grid.ts";

/** A block of voxels: its first index and its size. */
export type Box = { readonly start: Ijk; readonly dims: Ijk };

/** The smallest box that holds every voxel other than 0, or the whole grid when all are 0. */
export function nonZeroBox(dims: Ijk, data: Int16Array | Uint8Array): Box {
  const [ni, nj, nk] = dims;
  let [i0, j0, k0, i1, j1, k1] = [ni, nj, nk, -1, -1, -1];
  for (let k = 0, row = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++, row += ni) {
      let first = 0;
      while (first < ni && data[row + first]! === 0) first++;
      if (first === ni) continue;
      let last = ni - 1;
      while (data[row + last]! === 0) last--;
      if (first < i0) i0 = first;
      if (last > i1) i1 = last;
      if (j < j0) j0 = j;
      if (j > j1) j1 = j;
      if (k < k0) k0 = k;
      k1 = k;
    }
  }
  if (k1 < 0) return { start: [0, 0, 0], dims };
  return { start: [i0, j0, k0], dims: [i1 - i0 + 1, j1 - j0 + 1, k1 - k0 + 1] };
}
