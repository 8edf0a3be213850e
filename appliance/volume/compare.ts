import { type Grid, voxelCount, voxelsMl } from "./grid.ts";

/** How two label maps on one grid agree on a label. */
export type LabelAgreement = {
  readonly value: number;
  /** 2 |A and B| / (|A| + |B|), 1 where neither has the label. Dice, Ecology 26 (1945) 297-302. */
  readonly dice: number;
  readonly volumeMlA: number;
  readonly volumeMlB: number;
};

/** Dice and volumes of each label that occurs in one of the two, by rising value. The two must be of one size. */
export function compareLabels(
  grid: Grid,
  a: Uint8Array,
  b: Uint8Array,
): { readonly differingVoxels: number; readonly labels: readonly LabelAgreement[] } {
  if (a.length !== voxelCount(grid) || b.length !== a.length)
    throw new Error(`label maps of ${a.length} and ${b.length} voxels are not on one grid`);
  const inA = new Float64Array(256);
  const inB = new Float64Array(256);
  const inBoth = new Float64Array(256);
  const mlA = new Float64Array(256);
  const mlB = new Float64Array(256);
  let differingVoxels = 0;
  const ofSlice = grid.dims[0] * grid.dims[1];
  for (const [k, voxelMl] of voxelsMl(grid).entries()) {
    const end = ofSlice * (k + 1);
    for (let at = ofSlice * k; at < end; at++) {
      const labelA = a[at]!;
      const labelB = b[at]!;
      inA[labelA]!++;
      inB[labelB]!++;
      mlA[labelA]! += voxelMl;
      mlB[labelB]! += voxelMl;
      if (labelA === labelB) inBoth[labelA]!++;
      else differingVoxels++;
    }
  }
  const labels: LabelAgreement[] = [];
  for (let value = 1; value < 256; value++) {
    const sum = inA[value]! + inB[value]!;
    if (sum === 0) continue;
    labels.push({ value, dice: (2 * inBoth[value]!) / sum, volumeMlA: mlA[value]!, volumeMlB: mlB[value]! });
  }
  return { differingVoxels, labels };
}
