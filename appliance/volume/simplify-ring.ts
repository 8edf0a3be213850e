/** How far a simplified outline may lie from the traced one, and the size of a pixel along i and j, mm. */
export type Simplification = { readonly boundMm: number; readonly pixelMm: readonly [number, number] };

/**
 * Draws a closed outline that marching squares traced (see `traceContours`) with fewer points: lines as long as they can be, from middle to
 * middle of the outline's own lines, because the steps of a slanted edge lie to both sides of those. Each new line and the part of the
 * outline that it stands for are nowhere further apart than the bound, either way.
 *
 * The bound is held below the least distance from an outline to a pixel's centre, which is also half of that between two outlines that
 * pass at a corner. So however much is asked for, each pixel's centre stays on its side, by the even-odd rule and by winding, outlines do
 * not come to cross each other, and each keeps three points.
 *
 * @param points i and j in turn, pixels; the last is not the first again
 * @param stays by point: 1 where it has to stay
 */
export function simplifyRing(points: Float64Array, stays: Uint8Array, { boundMm, pixelMm }: Simplification): Float64Array {
  const [a, b] = pixelMm;
  const bound = Math.min(boundMm, (0.999 * a * b) / (2 * Math.hypot(a, b)));
  // Places on the outline are numbered twice as finely as its points: even ones are points, odd ones the middles behind them.
  const places = points.length;
  const keep = new Uint8Array(places);
  for (const [point, isFixed] of stays.entries()) keep[2 * point] = isFixed;
  const fixed = [...keep.keys()].filter((place) => keep[place] === 1);
  const ends = fixed.length > 0 ? fixed : [1];
  for (const [index, first] of ends.entries()) {
    const last = ends[index + 1] ?? ends[0]! + places; // may run past the last place; of one end the way goes all round
    for (let from = first; from < last; ) {
      from = furthestReach(points, from, last, pixelMm, bound);
      keep[from % places] = 1;
    }
  }
  return withoutStraight(points, keep, stays);
}

/** So many places may be out of reach before those behind them are taken to be too. */
const mostMisses = 4;

/** The furthest place, up to the last, that a line can go to from a place; else the next point or middle. */
function furthestReach(points: Float64Array, from: number, last: number, pixelMm: readonly [number, number], bound: number): number {
  let reached = Math.min(from + 1, last);
  let misses = 0;
  // A line in the place of one corner would take two points for one, so it has to pass two.
  for (let to = from + 4 + ((from + 1) % 2); misses <= mostMisses; to += 2) {
    const place = Math.min(to, last);
    if (pointsBetween(from, place) < 2) break;
    if (distanceOfPoints(points, from, place, pixelMm) <= bound) {
      reached = place;
      misses = 0;
    } else misses++;
    if (place === last) break;
  }
  return reached;
}

function pointsBetween(from: number, to: number): number {
  return ((to - 1) >> 1) - (from >> 1);
}

/** The largest distance, mm, of the points between two places from the line between those, which may be one. */
function distanceOfPoints(points: Float64Array, from: number, to: number, [a, b]: readonly [number, number]): number {
  const [x, y] = [a * coordinate(points, from, 0), b * coordinate(points, from, 1)];
  const [dx, dy] = [a * coordinate(points, to, 0) - x, b * coordinate(points, to, 1) - y];
  const squared = dx * dx + dy * dy;
  const size = points.length;
  let most = 0;
  for (let point = from + 2 - (from % 2); point < to; point += 2) {
    const [px, py] = [a * points[point % size]! - x, b * points[(point + 1) % size]! - y];
    const share = squared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
    most = Math.max(most, (px - share * dx) ** 2 + (py - share * dy) ** 2);
  }
  return Math.sqrt(most);
}

/** Where a place on an outline is along one axis, pixels. */
function coordinate(points: Float64Array, place: number, axis: 0 | 1): number {
  const size = points.length;
  const point = place - (place % 2) + axis;
  return place % 2 === 0 ? points[point % size]! : (points[point % size]! + points[(point + 2) % size]!) / 2;
}

/** The places that are kept, without those on the way between their neighbours. */
function withoutStraight(points: Float64Array, keep: Uint8Array, stays: Uint8Array): Float64Array {
  const kept = [...keep.keys()].filter((place) => keep[place] === 1);
  const corners = kept.flatMap((place, index) => {
    const before = kept.at(index - 1)!;
    const after = kept[(index + 1) % kept.length]!;
    const [x, y] = [coordinate(points, place, 0), coordinate(points, place, 1)];
    const [inX, inY] = [x - coordinate(points, before, 0), y - coordinate(points, before, 1)];
    const [outX, outY] = [coordinate(points, after, 0) - x, coordinate(points, after, 1) - y];
    const isOnTheWay = inX * outY === inY * outX && inX * outX + inY * outY > 0;
    const isFixed = place % 2 === 0 && stays[place / 2] === 1;
    return isOnTheWay && !isFixed ? [] : [x, y];
  });
  return Float64Array.from(corners);
}
