import type { PixelBox } from "./label-slices.ts";
import { type Simplification, simplifyRing } from "./simplify-ring.ts";

/** A closed polygon in fractional pixel coordinates, i and j in turn; pixel (0,0) is a centre. The last point is not the first again. */
export type Contour = Float64Array;

export type ContourForm = {
  /** How holes are told: each by a cut to the contour around it, which is the default, or as a contour of its own. */
  readonly holes?: "keyhole" | "inner";
  readonly simplification?: Simplification | null;
};

/** What outlines a label in a slice. Holes only where they are contours of their own; the label is then what an odd number of contours holds. */
export type Outlines = { readonly outers: readonly Contour[]; readonly holes: readonly Contour[] };

/**
 * The outlines of a label in one slice, by marching squares at the half level: every point lies half-way between a pixel of the label and
 * a neighbour outside it. So each pixel centre stays on its own side, no line is further than half a pixel from the pixels' outline, and
 * the area differs from the pixels' by an eighth of a pixel per corner, less for a convex one (a lone pixel becomes a diamond of half its
 * area), more for a concave one.
 *
 * Pixels that touch only at a corner are apart, so contours never touch each other or themselves. Outer contours run clockwise as the
 * image is seen (i to the right, j down), holes the other way round. A hole is joined to the contour around it by a cut there and back, a
 * keyhole (PS3.3 C.8.8.6.3), unless it is to be a contour of its own; cuts run between two rows, where no pixel centre lies. Points on a
 * straight line are left out, and more by wish (see {@link simplifyRing}). Each contour has four points or more, three when simplified.
 *
 * @param pixels labels of the slice, i fastest
 * @param columns pixels in a row
 * @param box where to look; the label is taken to be nowhere else
 */
export function traceContours(
  pixels: Uint8Array,
  columns: number,
  label: number,
  box: PixelBox,
  { holes = "keyhole", simplification = null }: ContourForm = {},
): Outlines {
  const mask = cutOut(pixels, columns, label, box);
  const rings = traceRings(mask);
  const cutEnds = holes === "keyhole" && rings.holes.length > 0 ? joinHoles(rings, mask) : none;
  const outlineFrom = (start: number): Contour => {
    const { points, stays } = polygon(rings, start, simplification ? cutEnds : none, 2 * box.iMin - 2, 2 * box.jMin - 2);
    return simplification ? simplifyRing(points, stays, simplification) : points;
  };
  return { outers: rings.outers.map(outlineFrom), holes: holes === "inner" ? rings.holes.map(outlineFrom) : [] };
}

/** The label's pixels as 1, with a border of one 0 all around. */
type Mask = { readonly inside: Uint8Array; readonly width: number };

function cutOut(pixels: Uint8Array, columns: number, label: number, { iMin, iMax, jMin, jMax }: PixelBox): Mask {
  const width = iMax - iMin + 3;
  const inside = new Uint8Array(width * (jMax - jMin + 3));
  for (let j = jMin; j <= jMax; j++) {
    let to = width * (j - jMin + 1) + 1;
    const end = columns * j + iMax;
    for (let at = columns * j + iMin; at <= end; at++, to++) if (pixels[at]! === label) inside[to] = 1;
  }
  return { inside, width };
}

/** Closed chains of points: `next` of a point is the point after it. Coordinates are doubled, so that half-way points are whole numbers. */
type Rings = {
  readonly x: number[];
  readonly y: number[];
  readonly next: number[];
  /** A point of each ring; for a hole, the leftmost of its topmost. */
  readonly outers: number[];
  readonly holes: number[];
};

/** Sides of a pixel in clockwise order: top, right, bottom, left. A side is walked with its pixel on the right hand. */
const headingX = [1, 0, -1, 0] as const;
const headingY = [0, 1, 0, -1] as const;
const outwardX = [0, 1, 0, -1] as const;
const outwardY = [-1, 0, 1, 0] as const;

function traceRings({ inside, width }: Mask): Rings {
  const rings: Rings = { x: [], y: [], next: [], outers: [], holes: [] };
  const { x, y, next } = rings;
  const ahead = headingX.map((dx, side) => dx + width * headingY[side]!);
  const outward = outwardX.map((dx, side) => dx + width * outwardY[side]!);
  const isTopWalked = new Uint8Array(inside.length);
  // Every ring, of a hole too, has a top side: where it passes above a pixel of the label.
  for (let first = width; first < inside.length; first++) {
    if (inside[first] === 0 || inside[first - width] === 1 || isTopWalked[first] === 1) continue;
    const start = x.length;
    let pixel = first;
    let side = 0;
    let twiceArea = 0;
    let top = start;
    do {
      if (side === 0) isTopWalked[pixel] = 1;
      const at = x.length;
      x.push(2 * (pixel % width) + outwardX[side]!);
      y.push(2 * Math.floor(pixel / width) + outwardY[side]!);
      next.push(at + 1);
      if (at > start) twiceArea += x[at - 1]! * y[at]! - x[at]! * y[at - 1]!;
      if (y[at]! < y[top]! || (y[at]! === y[top]! && x[at]! < x[top]!)) top = at;
      // Which side comes next depends on the two pixels at the corner ahead. The own pixel goes first: corners do not connect.
      const beside = pixel + ahead[side]!;
      if (inside[beside] === 0) side = (side + 1) & 3;
      else if (inside[beside + outward[side]!] === 0) pixel = beside;
      else {
        pixel = beside + outward[side]!;
        side = (side + 3) & 3;
      }
    } while (pixel !== first || side !== 0);
    const last = x.length - 1;
    next[last] = start;
    twiceArea += x[last]! * y[start]! - x[start]! * y[last]!;
    if (twiceArea > 0) rings.outers.push(top);
    else rings.holes.push(top);
  }
  return rings;
}

/**
 * Cuts from each hole to the ring on its left, so that outer rings pass through all their holes. From the hole's topmost leftmost point,
 * which has the label on its upper and left side, the cut runs left between two rows until either leaves the label: there is the ring
 * around, or another hole that starts higher or further left, so that no circle of holes can arise. Gives the points where cuts end.
 */
function joinHoles({ x, y, next, holes }: Rings, { inside, width }: Mask): ReadonlySet<number> {
  const pointAt = new Map<number, number>(); // by place, doubled coordinates
  const place = (px: number, py: number) => px + 2 * width * py;
  for (let point = 0; point < x.length; point++) pointAt.set(place(x[point]!, y[point]!), point);
  const add = (px: number, py: number, after: number): number => {
    const point = x.push(px) - 1;
    y.push(py);
    next.push(next[after]!);
    next[after] = point;
    return point;
  };
  // 1. Where each cut ends: at a point of a ring, or on a vertical line between two points, where one is added.
  const ends = holes.map((hole) => {
    const py = y[hole]!;
    let column = x[hole]! / 2 - 1;
    const upper = width * ((py - 1) / 2);
    while (inside[upper + column] === 1 && inside[upper + width + column] === 1) column--;
    const isCorner = inside[upper + column] !== inside[upper + width + column];
    const px = isCorner ? 2 * column : 2 * column + 1;
    const there = pointAt.get(place(px, py));
    if (there !== undefined) return there;
    // The label is on the right of the line, so the ring runs upwards here, from the point below.
    const added = add(px, py, pointAt.get(place(px, py + 1))!);
    pointAt.set(place(px, py), added);
    return added;
  });
  const cutEnds = new Set([...ends, ...holes]);
  // 2. The detours: end, hole's first point, around the hole, hole's first point again, end again. Any order gives the same.
  for (const [index, hole] of holes.entries()) {
    const end = ends[index]!;
    const back = add(x[end]!, y[end]!, end);
    const into = add(x[hole]!, y[hole]!, end);
    next[into] = next[hole]!;
    next[hole] = back;
    cutEnds.add(back).add(into);
  }
  return cutEnds;
}

const none: ReadonlySet<number> = new Set();

/** The corners of a ring in pixels, and where the given ends of cuts are among them, which have to stay. */
function polygon(
  { x, y, next }: Rings,
  start: number,
  cutEnds: ReadonlySet<number>,
  offsetX: number,
  offsetY: number,
): { readonly points: Contour; readonly stays: Uint8Array } {
  const points: number[] = [];
  const stays: number[] = [];
  let before = start;
  let at = next[start]!;
  do {
    const after = next[at]!;
    const inX = x[at]! - x[before]!;
    const inY = y[at]! - y[before]!;
    const outX = x[after]! - x[at]!;
    const outY = y[after]! - y[at]!;
    const isStraight = inX * outY === inY * outX && inX * outX + inY * outY > 0;
    if (!isStraight || cutEnds.has(at)) {
      points.push((x[at]! + offsetX) / 2, (y[at]! + offsetY) / 2);
      stays.push(cutEnds.has(at) ? 1 : 0);
    }
    before = at;
    at = after;
  } while (before !== start);
  return { points: Float64Array.from(points), stays: Uint8Array.from(stays) };
}
