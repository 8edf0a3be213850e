import assert from "node:assert/strict";
import { test } from "node:test";
import type { Picture } from "../../../appliance/report/picture.ts";
import { scalePicture } from "../../../appliance/report/scale-picture.ts";

/** A grey picture, row by row. */
const grey = (...rows: number[][]): Picture => ({
  width: rows[0]!.length,
  height: rows.length,
  rgb: Uint8Array.from(rows.flat().flatMap((value) => [value, value, value])),
});
const rowsOf = ({ width, height, rgb }: Picture): number[][] =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => rgb[3 * (y * width + x)]!));
const whole = (pixels: number, shown = pixels) => ({ from: 0, to: pixels, pixels: shown });

test("in its own size a picture stays as it is, a part of it is that part, and turned round it is turned round", () => {
  const picture = grey([1, 2, 3], [40, 50, 60]);
  assert.deepEqual(scalePicture(picture, whole(3), whole(2)), picture);
  assert.deepEqual(rowsOf(scalePicture(picture, { from: 1, to: 3, pixels: 2 }, { from: 1, to: 2, pixels: 1 })), [[50, 60]]);
  assert.deepEqual(rowsOf(scalePicture(picture, { from: 3, to: 0, pixels: 3 }, { from: 2, to: 0, pixels: 2 })), [
    [60, 50, 40],
    [3, 2, 1],
  ]);
});

test("made larger, values lie between those of their neighbours; made smaller, none of the pixels is passed over", () => {
  assert.deepEqual(rowsOf(scalePicture(grey([0, 100]), whole(2, 4), whole(1))), [[0, 25, 75, 100]]);
  const stripes = grey(Array.from({ length: 64 }, (_, x) => (x % 2) * 200));
  const [row] = rowsOf(scalePicture(stripes, whole(64, 8), whole(1)));
  assert.ok(
    row!.every((value) => Math.abs(value - 100) <= 5),
    String(row),
  );
  const even = grey(...Array.from({ length: 9 }, () => Array(9).fill(77)));
  for (const pixels of [1, 2, 4, 9, 20])
    assert.ok(
      scalePicture(even, whole(9, pixels), whole(9, pixels)).rgb.every((value) => value === 77),
      String(pixels),
    );
});
