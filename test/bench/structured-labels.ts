import type { Grid } from "../../appliance/volume/grid.ts";

/** Cells side by side in a body of 40 x 29 cm, the last one left free. */
const across = 8;
const down = 5;
const cells = across * down - 1;
/** How many structures lie one above the other in a cell, by its number: vessels and muscles, organs, vertebrae. */
const levels = [1, 3, 5];
/** As many as TotalSegmentator's `total` task has. */
export const structureCount = 117;

/** A label map as full as one of a whole body: rounded bodies of three lengths with uneven walls, close to each other; and how many pairs of structure and slice there are. */
export function structuredLabels({ dims: [ni, nj, nk] }: Grid): { readonly labels: Uint8Array; readonly frames: number } {
  const labels = new Uint8Array(ni * nj * nk);
  const [width, height] = [(0.72 * ni) / across, (0.72 * nj) / down];
  let label = 0;
  let frames = 0;
  for (let cell = 0; cell < cells; cell++) {
    const iMid = 0.14 * ni + ((cell % across) + 0.5) * width;
    const jMid = 0.14 * nj + (Math.floor(cell / across) + 0.5) * height;
    const here = levels[cell % levels.length]!;
    for (let level = 0; level < here; level++) {
      label++;
      const kMid = ((level + 0.5) * nk) / here;
      const kHalf = (0.48 * nk) / here;
      for (let k = Math.ceil(kMid - kHalf); k <= Math.floor(kMid + kHalf); k++) {
        const along = ((k - kMid) / kHalf) ** 4;
        let isHere = false;
        for (let j = Math.ceil(jMid - 0.5 * height); j < jMid + 0.5 * height; j++)
          for (let i = Math.ceil(iMid - 0.5 * width); i < iMid + 0.5 * width; i++) {
            const radius = ((i - iMid) / (0.46 * width)) ** 2 + ((j - jMid) / (0.46 * height)) ** 2;
            const wall = 0.1 * Math.sin(0.7 * i + label) * Math.sin(0.6 * j + 0.5 * k);
            if (radius + 0.9 * along + wall >= 1) continue;
            labels[i + ni * (j + nj * k)] = label;
            isHere = true;
          }
        if (isHere) frames++;
      }
    }
  }
  return { labels, frames };
}
