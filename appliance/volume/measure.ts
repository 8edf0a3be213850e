import { ijkToLps, type Lps, voxelCount, voxelMl } from "./grid.ts";
import type { CtVolume, LabelMap } from "./volume.ts";

/** What a label covers. */
export type LabelMeasure = {
  readonly value: number;
  readonly voxels: number;
  readonly volumeMl: number;
  readonly meanHu: number;
  /** A voxel lies in the outermost layer of the grid: the structure may go on outside the images, its volume is a lower bound. */
  readonly touchesBorder: boolean;
  /** Centre of mass of the label's voxels; need not lie inside it. */
  readonly centre: Lps;
};

/** Volume, mean HU and place of each label that occurs, by rising value, from one pass. The two must be on the same grid. */
export function measureLabels(volume: CtVolume, labelMap: LabelMap): readonly LabelMeasure[] {
  const { grid } = labelMap;
  const { hu } = volume;
  const { labels } = labelMap;
  const [ni, nj, nk] = grid.dims;
  const size = voxelCount(grid);
  if (hu.length !== size || labels.length !== size || volume.grid.dims.some((dim, axis) => dim !== grid.dims[axis]))
    throw new Error(`volume of ${volume.grid.dims.join(" x ")} and label map of ${grid.dims.join(" x ")} are not on one grid`);

  const voxels = new Float64Array(256);
  const huSum = new Float64Array(256);
  const iSum = new Float64Array(256);
  const jSum = new Float64Array(256);
  const kSum = new Float64Array(256);
  const atBorder = new Uint8Array(256);
  for (let k = 0, at = 0; k < nk; k++) {
    for (let j = 0; j < nj; j++) {
      const borderRow = k === 0 || k === nk - 1 || j === 0 || j === nj - 1;
      // Labels come in runs: only the HU need a look at every voxel.
      for (let i = 0, next = 0; i < ni; i = next) {
        const value = labels[at]!;
        next = i + 1;
        if (value === 0) {
          at++;
          continue;
        }
        let sum = hu[at++]!;
        while (next < ni && labels[at]! === value) {
          sum += hu[at++]!;
          next++;
        }
        const run = next - i;
        voxels[value]! += run;
        huSum[value]! += sum;
        iSum[value]! += (run * (i + next - 1)) / 2;
        jSum[value]! += run * j;
        kSum[value]! += run * k;
        if (borderRow || i === 0 || next === ni) atBorder[value] = 1;
      }
    }
  }

  const perVoxelMl = voxelMl(grid);
  const measures: LabelMeasure[] = [];
  for (let value = 1; value < 256; value++) {
    const count = voxels[value]!;
    if (count === 0) continue;
    measures.push({
      value,
      voxels: count,
      volumeMl: count * perVoxelMl,
      meanHu: huSum[value]! / count,
      touchesBorder: atBorder[value] === 1,
      centre: ijkToLps(grid, [iSum[value]! / count, jSum[value]! / count, kSum[value]! / count]),
    });
  }
  return measures;
}
