import type { Grid } from "./grid.ts";
import { spacingMm } from "./grid.ts";
import type { LabelMap } from "./volume.ts";

const headerBytes = 352;

/**
 * A label map as a NIfTI-1 file in memory, uncompressed, uint8, on its own grid. NIfTI's world is RAS, so x and y change sign; both sform
 * and qform are not needed: the sform alone says it exactly, sheared grids included.
 *
 * @source nifti.nimh.nih.gov, nifti1.h
 */
export function encodeNifti({ grid, labels }: LabelMap): Uint8Array {
  const bytes = new Uint8Array(headerBytes + labels.length);
  const view = new DataView(bytes.buffer);
  const [ni, nj, nk] = grid.dims;
  const [di, dj, dk] = spacingMm(grid);
  view.setInt32(0, 348, true);
  for (const [index, value] of [3, ni, nj, nk, 1, 1, 1, 1].entries()) view.setInt16(40 + 2 * index, value, true);
  view.setInt16(70, 2, true); // datatype: unsigned 8 bit
  view.setInt16(72, 8, true); // bits per voxel
  for (const [index, value] of [1, di, dj, dk].entries()) view.setFloat32(76 + 4 * index, value, true);
  view.setFloat32(108, headerBytes, true); // vox_offset
  view.setFloat32(112, 1, true); // scl_slope
  view.setUint8(123, 2); // xyzt_units: mm
  view.setInt16(254, 2, true); // sform_code: aligned to another file's scanner coordinates
  for (const [row, values] of rasAffineFrom(grid).entries())
    for (const [column, value] of values.entries()) view.setFloat32(280 + 16 * row + 4 * column, value, true);
  bytes.set(new TextEncoder().encode("n+1\0"), 344);
  bytes.set(labels, headerBytes);
  return bytes;
}

/** Rows x, y, z of the affine from ijk to RAS mm. */
function rasAffineFrom({ origin, steps: [a, b, c] }: Grid): number[][] {
  return [-1, -1, 1].map((sign, axis) => [a, b, c, origin].map((vector) => sign * (vector[axis] ?? 0) + 0));
}
