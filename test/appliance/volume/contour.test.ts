import assert from "node:assert/strict";
import { test } from "node:test";
import { traceContours } from "../../../appliance/volume/contour.ts";
import { seededRandom } from "../../make/result-request.ts";

/** Contours of the #s in a drawing, as lists of points. */
function contoursOf(...rows: string[]): [number, number][][] {
  const columns = rows[0]!.length;
  const pixels = Uint8Array.from([...rows.join("")], (mark) => (mark === "#" ? 9 : 3));
  const box = { iMin: 0, iMax: columns - 1, jMin: 0, jMax: rows.length - 1 };
  return traceContours(pixels, columns, 9, box).outers.map((contour) => pointsOf(contour));
}

function pointsOf(contour: Float64Array): [number, number][] {
  return Array.from({ length: contour.length / 2 }, (_, index) => [contour[2 * index]!, contour[2 * index + 1]!]);
}

/** Positive when it runs clockwise as seen with j down. */
function areaOf(points: readonly (readonly [number, number])[]): number {
  return points.reduce((sum, [x, y], index) => {
    const [x2, y2] = points[(index + 1) % points.length]!;
    return sum + (x * y2 - x2 * y) / 2;
  }, 0);
}

/** The same ring from its smallest point on. */
function fromSmallest(points: [number, number][]): [number, number][] {
  const first = points.reduce(
    (best, [x, y], index) => (x < points[best]![0] || (x === points[best]![0] && y < points[best]![1]) ? index : best),
    0,
  );
  return [...points.slice(first), ...points.slice(0, first)];
}

test("a lone pixel becomes a diamond around its centre", () => {
  assert.deepEqual(contoursOf("...", ".#.", "...").map(fromSmallest), [
    [
      [0.5, 1],
      [1, 0.5],
      [1.5, 1],
      [1, 1.5],
    ],
  ]);
});

test("a pixel in the corner of the image is closed outside the image", () => {
  assert.deepEqual(contoursOf("#.", "..").map(fromSmallest), [
    [
      [-0.5, 0],
      [0, -0.5],
      [0.5, 0],
      [0, 0.5],
    ],
  ]);
});

test("a rectangle has eight points: straight runs are one line, corners are cut at half a pixel", () => {
  assert.deepEqual(contoursOf("####", "####", "####").map(fromSmallest), [
    [
      [-0.5, 0],
      [0, -0.5],
      [3, -0.5],
      [3.5, 0],
      [3.5, 2],
      [3, 2.5],
      [0, 2.5],
      [-0.5, 2],
    ],
  ]);
});

test("pixels that touch at a corner have contours of their own", () => {
  assert.equal(contoursOf("#.", ".#").length, 2);
  assert.equal(contoursOf("#.#", ".#.", "#.#").length, 5);
});

test("a hole is part of the contour around it, reached by a cut between two rows", () => {
  const [contour, ...others] = contoursOf("###", "#.#", "###");
  assert.deepEqual(others, []);
  // From the left edge to the hole's top at half height of the rows 0 and 1, anticlockwise round the hole, and back.
  assert.deepEqual(fromSmallest(contour!), [
    [-0.5, 0],
    [0, -0.5],
    [2, -0.5],
    [2.5, 0],
    [2.5, 2],
    [2, 2.5],
    [0, 2.5],
    [-0.5, 2],
    [-0.5, 0.5],
    [1, 0.5],
    [0.5, 1],
    [1, 1.5],
    [1.5, 1],
    [1, 0.5],
    [-0.5, 0.5],
  ]);
});

test("holes that hide behind each other, share a cut's end or hold islands are all kept", () => {
  const drawing = ["###########", "#..#.#.##.#", "#..########", "###.#...###", "#.##..#.#.#", "###.#...###", "###########"];
  const contours = contoursOf(...drawing);
  const pixels = drawing.join("").split("#").length - 1;
  assert.equal(contours.length, 2); // the whole, and the island in the hole
  assertArea(contours, drawing, pixels);
});

/** The area of half-level contours: the pixels, less an eighth for each convex corner, more for each concave one. */
function assertArea(contours: [number, number][][], rows: string[], pixels: number): void {
  const at = (i: number, j: number) => (rows[j]?.[i] === "#" ? 1 : 0);
  let eighths = 0;
  for (let j = 0; j <= rows.length; j++)
    for (let i = 0; i <= rows[0]!.length; i++) {
      const corner = [at(i - 1, j - 1), at(i, j - 1), at(i - 1, j), at(i, j)] as const;
      const count = corner[0] + corner[1] + corner[2] + corner[3];
      const isTouch = count === 2 && corner[0] === corner[3];
      eighths += isTouch ? -2 : count === 1 ? -1 : count === 3 ? 1 : 0;
    }
  const area = contours.reduce((sum, contour) => sum + areaOf(contour), 0);
  assert.equal(area, pixels + eighths / 8);
}

test("contours of any mask have the area of their pixels up to the cut corners, and all run clockwise", () => {
  const random = seededRandom(11);
  for (let round = 0; round < 60; round++) {
    const share = random();
    const [width, height] = [1 + Math.floor(random() * 40), 1 + Math.floor(random() * 40)];
    const rows = Array.from({ length: height }, () => Array.from({ length: width }, () => (random() < share ? "#" : ".")).join(""));
    const contours = contoursOf(...rows);
    assertArea(contours, rows, rows.join("").split("#").length - 1);
    for (const contour of contours) assert.ok(contour.length >= 4 && areaOf(contour) > 0);
  }
});

test("a sieve of 65 thousand holes becomes one contour", () => {
  const size = 513;
  const pixels = Uint8Array.from({ length: size * size }, (_, at) => ((at % size) % 2 === 1 && Math.floor(at / size) % 2 === 1 ? 0 : 1));
  const { outers: contours } = traceContours(pixels, size, 1, { iMin: 0, iMax: size - 1, jMin: 0, jMax: size - 1 });
  assert.equal(contours.length, 1);
  assert.equal(areaOf(pointsOf(contours[0]!)), size * size - 0.5 - 256 * 256 * 0.5); // each hole is a diamond of half a pixel
});
