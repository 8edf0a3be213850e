import { type Grid, voxelsMl } from "./grid.ts";
import type { LabelMap } from "./volume.ts";

/** The rectangle of pixels that holds a label in one slice, bounds included. */
export type PixelBox = { readonly iMin: number; readonly iMax: number; readonly jMin: number; readonly jMax: number };

/** Where a label has voxels. */
export type LabelSlices = {
  readonly label: number;
  readonly voxels: number;
  /** The slices that hold the label, k ascending. */
  readonly slices: readonly { readonly k: number; readonly voxels: number; readonly box: PixelBox }[];
};

/** Every label other than background that has voxels, in ascending order, found in one pass. */
export function findLabelSlices({ grid, labels }: LabelMap): LabelSlices[] {
  const [ni, nj, nk] = grid.dims;
  const found = new Map<number, { label: number; voxels: number; slices: { k: number; voxels: number; box: PixelBox }[] }>();
  const voxels = new Int32Array(256);
  const iMin = new Int32Array(256);
  const iMax = new Int32Array(256);
  const jMin = new Int32Array(256);
  const jMax = new Int32Array(256);
  for (let k = 0; k < nk; k++) {
    voxels.fill(0);
    iMin.fill(ni);
    iMax.fill(-1);
    for (let j = 0, at = ni * nj * k; j < nj; j++)
      for (let i = 0; i < ni; i++, at++) {
        const label = labels[at]!;
        if (label === 0) continue;
        if (voxels[label]!++ === 0) jMin[label] = j;
        jMax[label] = j;
        if (i < iMin[label]!) iMin[label] = i;
        if (i > iMax[label]!) iMax[label] = i;
      }
    for (let label = 1; label < 256; label++) {
      if (voxels[label] === 0) continue;
      const entry = found.get(label) ?? { label, voxels: 0, slices: [] };
      found.set(label, entry);
      entry.voxels += voxels[label]!;
      entry.slices.push({
        k,
        voxels: voxels[label]!,
        box: { iMin: iMin[label]!, iMax: iMax[label]!, jMin: jMin[label]!, jMax: jMax[label]! },
      });
    }
  }
  return [...found.values()].sort((a, b) => a.label - b.label);
}

/** What a label's voxels hold, ml. */
export function labelMl({ slices }: LabelSlices, grid: Grid): number {
  const perVoxel = voxelsMl(grid);
  return slices.reduce((sum, { k, voxels }) => sum + voxels * perVoxel[k]!, 0);
}
