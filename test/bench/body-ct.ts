import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Ijk } from "../../appliance/volume/grid.ts";
import { makeCtSeries } from "../make/ct-series.ts";

/**
 * Writes the DICOM files of a CT of so many voxels: a body of 80 x 60 % of the field with lungs, a spine, uneven soft tissue, noise, and a couch under
 * it. For time and memory; no anatomy. Gives back a slice's bytes at a time.
 */
export function* bodySlices(dims: Ijk, spacingMm: Ijk): Generator<{ readonly sopInstanceUid: string; readonly bytes: Uint8Array }> {
  const [ni, nj, nk] = dims;
  const ellipse = (i: number, j: number, iMid: number, jMid: number, iHalf: number, jHalf: number): number =>
    ((i - iMid * ni) / (iHalf * ni)) ** 2 + ((j - jMid * nj) / (jHalf * nj)) ** 2;
  let noise = 1;
  const hu = (i: number, j: number, k: number): number => {
    noise = (noise * 48271) % 2147483647;
    const grain = (noise % 41) - 20;
    if (j > 0.86 * nj && j < 0.88 * nj) return -200 + grain;
    if (ellipse(i, j, 0.5, 0.5, 0.4, 0.3) > 1) return -1000 + grain;
    const height = k / nk;
    if (height > 0.3 && height < 0.7 && Math.min(ellipse(i, j, 0.35, 0.45, 0.13, 0.2), ellipse(i, j, 0.65, 0.45, 0.13, 0.2)) < 1)
      return -850 + grain;
    if (ellipse(i, j, 0.5, 0.7, 0.05, 0.05) < 1) return 400 + 10 * grain;
    return 40 + 60 * Math.sin(i / 17) * Math.sin(j / 13 + k / 9) + grain;
  };
  const everySlice = Array.from({ length: nk }, (_, k) => k);
  for (const k of everySlice) {
    const [slice] = makeCtSeries({ name: "bench", dims, spacingMm, hu, missing: everySlice.filter((other) => other !== k) });
    yield slice!;
  }
}

export async function writeBodyCt(folder: string, dims: Ijk, spacingMm: Ijk): Promise<void> {
  await mkdir(folder, { recursive: true });
  let k = 0;
  for (const { bytes } of bodySlices(dims, spacingMm)) await writeFile(join(folder, `${String(k++).padStart(4, "0")}.dcm`), bytes);
}
