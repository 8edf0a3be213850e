import { dot, type Grid, length, normalOf, sliceOrigin, spacingMm, subtract, voxelCount } from "./grid.ts";
import { inPlane, regularGridOf } from "./regular-grid.ts";
import type { CtVolume, LabelMap } from "./volume.ts";

/** What lies outside the images: air. */
const airHu = -1024;

/** A CT on the grid that a network needs, and the way back for what it finds. */
export type Straightened = { readonly volume: CtVolume; readonly toSlices: (found: LabelMap) => LabelMap };

/** A CT as regular slices at right angles (see {@link regularGridOf}); the volume itself where it is that already. */
export function straighten(volume: CtVolume): Straightened {
  const regular = regularGridOf(volume.grid);
  if (regular === null) return { volume, toSlices: (found) => found };
  return { volume: restackHu(volume, regular), toSlices: (found) => restackLabels(found, volume.grid) };
}

/**
 * A CT on other slices of the same rows and columns, by linear interpolation: within a slice where it was shifted, and between two slices,
 * straight along their normal, where the new one lies between them. Air where it has no voxels.
 */
export function restackHu({ grid, hu }: CtVolume, target: Grid): CtVolume {
  const moves = movesBetween(grid, target);
  const [ti, tj, tk] = target.dims;
  const result = new Int16Array(new SharedArrayBuffer(2 * voxelCount(target))); // shared, so that several threads can resample it
  const below = new Float32Array(ti * tj);
  const above = new Float32Array(ti * tj);
  for (let k = 0; k < tk; k++) {
    const { low, high, part } = moves.between(k);
    shiftSlice(hu, grid, low, moves.shift(low, k), below, target);
    if (part > 0) shiftSlice(hu, grid, high, moves.shift(high, k), above, target);
    for (let n = 0, at = k * ti * tj; n < below.length; n++, at++) {
      const from = below[n]!;
      result[at] = Math.floor((part > 0 ? from + part * (above[n]! - from) : from) + 0.5);
    }
  }
  return { grid: target, hu: result };
}

/** A label map on other slices of the same rows and columns, by nearest voxel; background where it has none. */
export function restackLabels({ grid, labels }: LabelMap, target: Grid): LabelMap {
  const moves = movesBetween(grid, target);
  const [ni, nj] = grid.dims;
  const [ti, tj, tk] = target.dims;
  const result = new Uint8Array(voxelCount(target));
  for (let k = 0; k < tk; k++) {
    const { low, high, part } = moves.between(k);
    const from = part > 0.5 ? high : low;
    const [shiftI, shiftJ] = moves.shift(from, k).map(nearest) as [number, number];
    const iFirst = Math.max(0, -shiftI);
    const iEnd = Math.min(ti, ni - shiftI);
    if (iFirst >= iEnd) continue;
    for (let j = Math.max(0, -shiftJ); j < Math.min(tj, nj - shiftJ); j++) {
      const row = ni * (j + shiftJ + nj * from) + shiftI;
      result.set(labels.subarray(row + iFirst, row + iEnd), ti * (j + tj * k) + iFirst);
    }
  }
  return { grid: target, labels: result };
}

/** The nearest whole number, as far for a shift back as for one forth. */
function nearest(shift: number): number {
  return Math.sign(shift) * Math.floor(Math.abs(shift) + 0.5 - 1e-6);
}

type Moves = {
  /** The slices of the source before and behind one of the target, and how far it is from one to the other; outer ones are held. */
  readonly between: (k: number) => { readonly low: number; readonly high: number; readonly part: number };
  /** Column and row of a source slice's pixel under the first pixel of a target slice, straight along the normal. */
  readonly shift: (from: number, k: number) => readonly [i: number, j: number];
};

/** How slices of one grid come to lie on those of another; both must have the same rows and columns. */
function movesBetween(source: Grid, target: Grid): Moves {
  const apartMm = [0, 1].map((axis) => length(subtract(source.steps[axis]!, target.steps[axis]!)));
  if (apartMm.some((mm, axis) => mm > 1e-6 * spacingMm(source)[axis]!)) throw new Error("slices can only be moved, not turned or scaled");
  const [alongI, alongJ] = inPlane(source);
  const normal = normalOf(source);
  const direction = Math.sign(dot(source.steps[2], normal));
  const last = source.dims[2] - 1;
  const heights = Array.from({ length: last + 1 }, (_, k) => direction * dot(sliceOrigin(source, k), normal));
  return {
    between(k) {
      const height = direction * dot(sliceOrigin(target, k), normal);
      let low = 0;
      while (low < last && heights[low + 1]! <= height + hairMm) low++;
      const high = Math.min(low + 1, last);
      const part = high === low ? 0 : (height - heights[low]!) / (heights[high]! - heights[low]!);
      return { low, high, part: part * (heights[high]! - heights[low]!) <= hairMm ? 0 : part };
    },
    shift(from, k) {
      const away = subtract(sliceOrigin(target, k), sliceOrigin(source, from));
      return [dot(away, alongI), dot(away, alongJ)];
    },
  };
}

/** Slices nearer to each other are the same one. */
const hairMm = 1e-3;
/** Shifts by less than this share of a pixel move nothing. */
const hairPixels = 1e-3;

/** A slice of the source as pixels of a target slice: pixel (i,j) is the source's at (i,j) + shift. A pixel reaches half-way beyond its centre. */
function shiftSlice(
  hu: Int16Array,
  { dims: [ni, nj] }: Grid,
  k: number,
  [shiftI, shiftJ]: readonly [number, number],
  into: Float32Array,
  { dims: [ti, tj] }: Grid,
): void {
  const columns = samples(ti, ni, shiftI);
  const rows = samples(tj, nj, shiftJ);
  const isWholeI = columns.part.every((part) => part === 0);
  const slice = k * ni * nj;
  for (let j = 0, to = 0; j < tj; j++) {
    if (rows.low[j]! < 0) {
      into.fill(airHu, to, to + ti);
      to += ti;
      continue;
    }
    const first = slice + ni * rows.low[j]!;
    const second = slice + ni * rows.high[j]!;
    const partJ = rows.part[j]!;
    if (isWholeI) {
      // A gantry's tilt moves rows only.
      for (let i = 0; i < ti; i++, to++) {
        const low = columns.low[i]!;
        const before = low < 0 ? airHu : hu[first + low]!;
        const behind = low < 0 ? airHu : hu[second + low]!;
        into[to] = before + partJ * (behind - before);
      }
      continue;
    }
    for (let i = 0; i < ti; i++, to++) {
      const low = columns.low[i]!;
      if (low < 0) {
        into[to] = airHu;
        continue;
      }
      const high = columns.high[i]!;
      const partI = columns.part[i]!;
      const before = hu[first + low]! + partI * (hu[first + high]! - hu[first + low]!);
      const behind = hu[second + low]! + partI * (hu[second + high]! - hu[second + low]!);
      into[to] = before + partJ * (behind - before);
    }
  }
}

/** For each pixel along an axis: the source's before and behind it and how far it is between them; -1 outside the source. */
function samples(count: number, length: number, shift: number) {
  const low = new Int32Array(count).fill(-1);
  const high = new Int32Array(count);
  const part = new Float32Array(count);
  const whole = Math.round(shift);
  const moved = Math.abs(shift - whole) < hairPixels ? whole : shift;
  for (let n = 0; n < count; n++) {
    const place = n + moved;
    if (place < -0.5 || place > length - 0.5) continue;
    const held = Math.min(Math.max(place, 0), length - 1);
    low[n] = Math.floor(held);
    high[n] = Math.min(low[n]! + 1, length - 1);
    part[n] = held - low[n]!;
  }
  return { low, high, part };
}
