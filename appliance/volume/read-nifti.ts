import { RefusedError } from "../base/errors.ts";
import { cross, dot, type Grid, type Lps } from "./grid.ts";
import type { CtVolume, LabelMap } from "./volume.ts";

/**
 * A CT in HU from an uncompressed single-file NIfTI-1. Values are scaled as the header says and rounded to whole HU. Refused (`nifti-unreadable`):
 * what is not that, has more or fewer than three axes, or says nowhere where it lies.
 *
 * @source nifti.nimh.nih.gov, nifti1.h
 */
export function decodeNiftiCt(bytes: Uint8Array): CtVolume {
  const { grid, voxels, slope, intercept } = decode(bytes);
  const hu = new Int16Array(voxels.length);
  for (let at = 0; at < hu.length; at++) hu[at] = Math.max(-32768, Math.min(32767, Math.round(voxels[at]! * slope + intercept)));
  return { grid, hu };
}

/** A label map from an uncompressed single-file NIfTI-1: whole numbers 0..255, else refused. */
export function decodeNiftiLabels(bytes: Uint8Array): LabelMap {
  const { grid, voxels, slope, intercept } = decode(bytes);
  const labels = new Uint8Array(voxels.length);
  for (let at = 0; at < labels.length; at++) {
    const value = voxels[at]! * slope + intercept;
    if (!(value >= 0 && value <= 255 && Number.isInteger(value))) throw refused(`label ${value}, expected whole numbers from 0 to 255`);
    labels[at] = value;
  }
  return { grid, labels };
}

type Voxels = Uint8Array | Int8Array | Int16Array | Uint16Array | Int32Array | Float32Array | Float64Array;

const types: Readonly<Record<number, { readonly size: number; readonly make: (buffer: ArrayBuffer) => Voxels }>> = {
  2: { size: 1, make: (buffer) => new Uint8Array(buffer) },
  4: { size: 2, make: (buffer) => new Int16Array(buffer) },
  8: { size: 4, make: (buffer) => new Int32Array(buffer) },
  16: { size: 4, make: (buffer) => new Float32Array(buffer) },
  64: { size: 8, make: (buffer) => new Float64Array(buffer) },
  256: { size: 1, make: (buffer) => new Int8Array(buffer) },
  512: { size: 2, make: (buffer) => new Uint16Array(buffer) },
};

function decode(bytes: Uint8Array): { grid: Grid; voxels: Voxels; slope: number; intercept: number } {
  if (bytes.length < 352) throw refused(`${bytes.length} bytes, expected at least the 352 of a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getInt32(0, true) !== 348 || String.fromCharCode(...bytes.subarray(344, 347)) !== "n+1")
    throw refused("expected a little-endian NIfTI-1 header with the magic n+1");
  const axes = view.getInt16(40, true);
  const dims = [1, 2, 3].map((axis) => view.getInt16(40 + 2 * axis, true));
  const further = [4, 5, 6, 7].filter((axis) => axis <= axes && view.getInt16(40 + 2 * axis, true) > 1);
  if (axes < 3 || further.length > 0 || dims.some((length) => length < 1)) throw refused(`expected three axes, found ${axes}`);
  const code = view.getInt16(70, true);
  const type = types[code];
  if (!type) throw refused(`data type ${code}, expected integers of up to 32 bits or floats`);
  const count = dims[0]! * dims[1]! * dims[2]!;
  const from = view.getFloat32(108, true);
  if (!(Number.isInteger(from) && from >= 352 && from + count * type.size <= bytes.length))
    throw refused(`${bytes.length} bytes, expected ${count} voxels of ${type.size} bytes from byte ${from}`);
  const slope = view.getFloat32(112, true);
  return {
    grid: { dims: [dims[0]!, dims[1]!, dims[2]!], ...placeOf(view) },
    // A copy, since voxels need not begin at a multiple of their size; not by slice(), which in a Buffer makes none.
    voxels: type.make(new Uint8Array(bytes.subarray(from, from + count * type.size)).buffer),
    slope: slope === 0 || !Number.isFinite(slope) ? 1 : slope,
    intercept: slope === 0 || !Number.isFinite(slope) ? 0 : view.getFloat32(116, true),
  };
}

/** Origin and steps, in LPS, from the sform, else the qform. */
function placeOf(view: DataView): Pick<Grid, "origin" | "steps"> {
  const rows = view.getInt16(254, true) > 0 ? sform(view) : view.getInt16(252, true) > 0 ? qform(view) : undefined;
  if (!rows) throw refused("neither sform nor qform says where the image lies");
  // NIfTI's world is RAS.
  const column = (n: number): Lps => [0 - rows[0]![n]!, 0 - rows[1]![n]!, rows[2]![n]!]; // 0 - x: no -0
  const steps = [column(0), column(1), column(2)] as const;
  if (!(Math.abs(dot(steps[0], cross(steps[1], steps[2]))) > 0)) throw refused("the axes span no volume");
  return { origin: column(3), steps };
}

function sform(view: DataView): number[][] {
  return [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => view.getFloat32(280 + 16 * row + 4 * column, true)));
}

/** nifti1.h, method 2: a quaternion, the spacings and the handedness. Near half a turn the rounding of the three parts would make up the fourth. */
function qform(view: DataView): number[][] {
  const stored = [256, 260, 264].map((at) => view.getFloat32(at, true));
  const length = Math.hypot(...stored);
  const isHalfTurn = 1 - length * length < 1e-7;
  const [b, c, d] = stored.map((part) => (isHalfTurn ? part / length : part)) as [number, number, number];
  const a = isHalfTurn ? 0 : Math.sqrt(1 - length * length);
  const [dx, dy, dz] = [80, 84, 88].map((at) => view.getFloat32(at, true)) as [number, number, number];
  const handed = view.getFloat32(76, true) < 0 ? -1 : 1;
  const offset = [268, 272, 276].map((at) => view.getFloat32(at, true)) as [number, number, number];
  return [
    [(a * a + b * b - c * c - d * d) * dx, 2 * (b * c - a * d) * dy, 2 * (b * d + a * c) * dz * handed, offset[0]],
    [2 * (b * c + a * d) * dx, (a * a + c * c - b * b - d * d) * dy, 2 * (c * d - a * b) * dz * handed, offset[1]],
    [2 * (b * d - a * c) * dx, 2 * (c * d + a * b) * dy, (a * a + d * d - c * c - b * b) * dz * handed, offset[2]],
  ];
}

const refused = (message: string): RefusedError => new RefusedError("nifti-unreadable", `not a readable NIfTI image: ${message}`);
