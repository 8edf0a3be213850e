import assert from "node:assert/strict";
import { test } from "node:test";
import { type ContourForm, traceContours } from "../../../appliance/volume/contour.ts";
import { seededRandom } from "../../make/result-request.ts";

type Point = readonly [x: number, y: number];
type Mask = { readonly pixels: Uint8Array; readonly width: number; readonly height: number };

/** Masks of every texture: noise of any density, and smooth bodies with holes, ragged at the edge. */
function* masks(rounds: number): Generator<Mask> {
  const random = seededRandom(23);
  for (let round = 0; round < rounds; round++) {
    const [width, height] = [1 + Math.floor(random() * 24), 1 + Math.floor(random() * 24)];
    const [share, radius] = [random(), 3 + random() * 10];
    const isNoise = round % 2 === 0;
    const pixels = new Uint8Array(width * height);
    for (let at = 0; at < pixels.length; at++) {
      const distance = Math.hypot((at % width) - width / 2, Math.floor(at / width) - height / 2);
      const isInBody = distance < radius + random() && !(distance < radius / 3 && random() < 0.8);
      pixels[at] = (isNoise ? random() < share : isInBody) ? 1 : 0;
    }
    yield { pixels, width, height };
  }
}

/** Every outline of a mask as points in mm. */
function outlinesOf({ pixels, width, height }: Mask, pixelMm: Point, form: ContourForm): Point[][] {
  const box = { iMin: 0, iMax: width - 1, jMin: 0, jMax: height - 1 };
  const { outers, holes } = traceContours(pixels, width, 1, box, form);
  return [...outers, ...holes].map((contour) =>
    Array.from({ length: contour.length / 2 }, (_, n) => [contour[2 * n]! * pixelMm[0], contour[2 * n + 1]! * pixelMm[1]] as const),
  );
}

const edgesOf = (points: readonly Point[]): [Point, Point][] => points.map((point, n) => [point, points[(n + 1) % points.length]!]);

function distanceToEdge([px, py]: Point, [[ax, ay], [bx, by]]: readonly [Point, Point]): number {
  const [dx, dy] = [bx - ax, by - ay];
  const share = Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(px - ax - share * dx, py - ay - share * dy);
}

/** How far any point of one outline lies from the other: corners, and 20 places on each line. */
function furthest(from: readonly Point[], to: readonly Point[]): number {
  const edges = edgesOf(to);
  let most = 0;
  for (const [[ax, ay], [bx, by]] of edgesOf(from))
    for (let n = 0; n < 20; n++) {
      const point = [ax + ((bx - ax) * n) / 20, ay + ((by - ay) * n) / 20] as const;
      most = Math.max(most, Math.min(...edges.map((edge) => distanceToEdge(point, edge))));
    }
  return most;
}

/** Whether two lines cross at a point inside both; to touch, or to lie on each other as the two sides of a cut do, is not to cross. */
function cross([a, b]: readonly [Point, Point], [c, d]: readonly [Point, Point]): boolean {
  const side = ([px, py]: Point, [qx, qy]: Point, [rx, ry]: Point): number => {
    const turn = (qx - px) * (ry - py) - (qy - py) * (rx - px);
    return Math.abs(turn) < 1e-9 ? 0 : Math.sign(turn);
  };
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

/** The mask that the outlines hold by the even-odd rule at pixel centres. */
function fill(outlines: readonly Point[][], { width, height }: Mask, [a, b]: Point): Uint8Array {
  const edges = outlines.flatMap(edgesOf);
  return Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [a * (at % width), b * Math.floor(at / width)];
    let crossings = 0;
    for (const [[ax, ay], [bx, by]] of edges) if (ay <= y !== by <= y && ax + ((y - ay) / (by - ay)) * (bx - ax) > x) crossings++;
    return crossings % 2;
  });
}

const pixelSizes: readonly Point[] = [
  [0.8, 0.8],
  [0.7, 1.1],
  [0.3, 2],
];

for (const holes of ["keyhole", "inner"] as const)
  for (const boundMm of [0.05, 0.2, 50])
    test(`outlines of any mask with holes as ${holes}, simplified by ${boundMm} mm, keep to that, hold the same pixels and do not cross`, () => {
      for (const mask of masks(16))
        for (const pixelMm of pixelSizes) {
          const exact = outlinesOf(mask, pixelMm, { holes });
          const simple = outlinesOf(mask, pixelMm, { holes, simplification: { boundMm, pixelMm } });
          assert.equal(simple.length, exact.length);
          for (const [index, outline] of simple.entries()) {
            assert.ok(outline.length >= 3 && (holes === "keyhole" || outline.length <= exact[index]!.length));
            assert.ok(furthest(outline, exact[index]!) <= boundMm + 1e-9 && furthest(exact[index]!, outline) <= boundMm + 1e-9);
          }
          assert.deepEqual(fill(simple, mask, pixelMm), mask.pixels);
          const edges = simple.flatMap(edgesOf);
          for (const [n, edge] of edges.entries())
            for (let other = n + 1; other < edges.length; other++) assert.ok(!cross(edge, edges[other]!), `${edge} and ${edges[other]}`);
        }
    });

test("a slanted edge of steps becomes a line; a lone pixel stays what it is", () => {
  const size = 60;
  const slant = Uint8Array.from({ length: size * size }, (_, at) => (3 * Math.floor(at / size) > at % size ? 1 : 0));
  const mask = { pixels: slant, width: size, height: size };
  const points = (form: ContourForm) => outlinesOf(mask, [1, 1], form)[0]!.length;
  assert.ok(points({}) > 40);
  assert.ok(points({ simplification: { boundMm: 0.34, pixelMm: [1, 1] } }) <= 10);
  const lone = { pixels: Uint8Array.of(1), width: 1, height: 1 };
  assert.equal(outlinesOf(lone, [1, 1], { simplification: { boundMm: 5, pixelMm: [1, 1] } })[0]!.length, 4);
});

test("a hole that is a contour of its own runs the other way round, and an island in it as the outermost one does", () => {
  const rows = ["#####", "#...#", "#.#.#", "#...#", "#####"];
  const pixels = Uint8Array.from([...rows.join("")], (mark) => (mark === "#" ? 1 : 0));
  const { outers, holes } = traceContours(pixels, 5, 1, { iMin: 0, iMax: 4, jMin: 0, jMax: 4 }, { holes: "inner" });
  const twiceArea = (contour: Float64Array) =>
    edgesOf(Array.from({ length: contour.length / 2 }, (_, n) => [contour[2 * n]!, contour[2 * n + 1]!] as const)).reduce(
      (sum, [[x, y], [x2, y2]]) => sum + x * y2 - x2 * y,
      0,
    );
  assert.deepEqual([outers.map(twiceArea), holes.map(twiceArea)], [[49, 1], [-17]]); // 25 and 1 pixels less four corners each; nine less four
});
