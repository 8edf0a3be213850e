import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImagesInfo } from "../../../appliance/api/series.ts";
import { fit, layoutOf, pixelAt, sliceAt } from "../../../ui/viewer/camera.ts";

const grid = (directions: ImagesInfo["directions"], spacingMm: ImagesInfo["spacingMm"] = [1, 1, 1]): ImagesInfo => ({
  dims: [40, 20, 10],
  spacingMm,
  directions,
});

const [right, left] = [
  [-1, 0, 0],
  [1, 0, 0],
];
const [front, back] = [
  [0, -1, 0],
  [0, 1, 0],
];
const [feet, head] = [
  [0, 0, -1],
  [0, 0, 1],
];

/** Where on a 200x200 screen the point lies that is furthest to the patient's left and back. */
function leftBackCorner(images: ImagesInfo): [number, number] {
  const [a, b, c, d, e, f] = fit(layoutOf(images), 200, 200);
  const i = (images.directions[0][0] ?? 0) + (images.directions[0][1] ?? 0) > 0 ? 39 : 0;
  const j = (images.directions[1][0] ?? 0) + (images.directions[1][1] ?? 0) > 0 ? 19 : 0;
  return [a * i + c * j + e, b * i + d * j + f];
}

test("the patient's left is on the right and the back at the bottom, however the grid runs", () => {
  for (const directions of [
    [left, back, head],
    [right, front, head], // prone
    [right, back, feet],
    [left, front, feet],
    [back, left, head], // rows and columns exchanged
    [front, right, feet],
    [back, right, head],
    [front, left, feet],
  ] as ImagesInfo["directions"][]) {
    const layout = layoutOf(grid(directions));
    assert.deepEqual(layout.sides, { left: "R", right: "L", top: "A", bottom: "P" }, JSON.stringify(directions));
    const [x, y] = leftBackCorner(grid(directions));
    assert.ok(x > 100 && y > 100, `${JSON.stringify(directions)}: ${x} ${y}`);
  }
});

test("a supine head-first scan is shown as it was received", () => {
  const layout = layoutOf(grid([left, back, head] as ImagesInfo["directions"]));
  assert.deepEqual([layout.isTransposed, layout.flipX, layout.flipY], [false, false, false]);
});

test("a coronal stack has the head at the top, a sagittal one the front on the left", () => {
  assert.deepEqual(layoutOf(grid([left, feet, back] as ImagesInfo["directions"])).sides, { left: "R", right: "L", top: "H", bottom: "F" });
  assert.deepEqual(layoutOf(grid([left, head, back] as ImagesInfo["directions"])).sides, { left: "R", right: "L", top: "H", bottom: "F" });
  assert.deepEqual(layoutOf(grid([front, head, left] as ImagesInfo["directions"])).sides, { left: "A", right: "P", top: "H", bottom: "F" });
});

test("a gantry tilt of 30 degrees shows in the letters, one of 10 does not", () => {
  const tilted = (degrees: number) => {
    const angle = (degrees * Math.PI) / 180;
    return layoutOf(grid([left, [0, Math.cos(angle), -Math.sin(angle)], head] as ImagesInfo["directions"])).sides;
  };
  assert.deepEqual(tilted(30), { left: "R", right: "L", top: "AH", bottom: "PF" });
  assert.deepEqual(tilted(10), { left: "R", right: "L", top: "A", bottom: "P" });
});

test("the whole slice fits with its true proportions", () => {
  // 40 x 0.5 mm by 20 x 2 mm: 20 mm wide, 40 mm high; 400 high leaves 10 pixels per mm
  const [a, , , d, e, f] = fit(layoutOf(grid([left, back, head] as ImagesInfo["directions"], [0.5, 2, 1])), 300, 400);
  assert.deepEqual([a, d], [5, 20]);
  assert.deepEqual([e, f], [50 + 2.5, 10]); // the middle of the first pixel, in a picture 200 wide in the middle of 300
});

test("the pixel under a point is the one that is drawn there", () => {
  for (const directions of [
    [left, back, head],
    [right, front, head],
    [front, left, feet],
  ] as ImagesInfo["directions"][]) {
    const layout = layoutOf(grid(directions, [0.7, 1.3, 1]));
    const affine = fit(layout, 333, 222);
    const [a, b, c, d, e, f] = affine;
    for (const [i, j] of [
      [0, 0],
      [39, 19],
      [7, 13],
    ] as const)
      assert.deepEqual(pixelAt(layout, affine, a * i + c * j + e, b * i + d * j + f), { i, j });
    assert.equal(pixelAt(layout, affine, -5, -5), undefined);
  }
});

test("the first slice shown is nearest to the head", () => {
  const up = layoutOf(grid([left, back, head] as ImagesInfo["directions"]));
  const down = layoutOf(grid([left, back, feet] as ImagesInfo["directions"]));
  assert.deepEqual([sliceAt(up, 0), sliceAt(up, 9), sliceAt(down, 0), sliceAt(down, 9)], [9, 0, 0, 9]);
  assert.deepEqual([sliceAt(up, -3), sliceAt(up, 99)], [9, 0]);
  assert.equal(sliceAt(up, sliceAt(up, 4)), 4);
});
