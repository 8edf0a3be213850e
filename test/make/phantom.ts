import { type Grid, type Ijk, ijkToLps, type Lps } from "../../appliance/volume/grid.ts";
import type { CtVolume, LabelMap } from "../../appliance/volume/volume.ts";

export type Ball = { readonly label: number; readonly centre: Lps; readonly radiusMm: number; readonly hu: number };

/** A volume of air with balls in it, at the same place in the patient however the grid is stored. */
export function phantom(grid: Grid, balls: readonly Ball[]): { volume: CtVolume; labelMap: LabelMap } {
  const [ni, nj, nk] = grid.dims;
  const hu = new Int16Array(ni * nj * nk).fill(-1000);
  const labels = new Uint8Array(hu.length);
  for (let k = 0, at = 0; k < nk; k++)
    for (let j = 0; j < nj; j++)
      for (let i = 0; i < ni; i++, at++) {
        const [x, y, z] = ijkToLps(grid, [i, j, k]);
        for (const ball of balls) {
          if (Math.hypot(x - ball.centre[0], y - ball.centre[1], z - ball.centre[2]) > ball.radiusMm) continue;
          hu[at] = ball.hu;
          labels[at] = ball.label;
        }
      }
  return { volume: { grid, hu }, labelMap: { grid, labels } };
}

/** The same voxels' places with other axes: new axis n is `order[n]`, run backwards where `flips[n]`. */
export function storedOtherwise(grid: Grid, order: readonly [0 | 1 | 2, 0 | 1 | 2, 0 | 1 | 2], flips: readonly boolean[]): Grid {
  const corner = [0, 0, 0] as [number, number, number];
  for (const [at, axis] of order.entries()) if (flips[at]) corner[axis] = grid.dims[axis] - 1;
  const step = (at: 0 | 1 | 2): Lps => grid.steps[order[at]].map((part) => (flips[at] ? -part : part)) as unknown as Lps;
  return {
    dims: order.map((axis) => grid.dims[axis]) as unknown as Ijk,
    origin: ijkToLps(grid, corner),
    steps: [step(0), step(1), step(2)],
  };
}

export const allFlips: readonly (readonly boolean[])[] = Array.from({ length: 8 }, (_, bits) =>
  [0, 1, 2].map((axis) => (bits >> axis) % 2 === 1),
);
export const allOrders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;
