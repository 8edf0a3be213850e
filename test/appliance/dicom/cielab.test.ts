import assert from "node:assert/strict";
import { test } from "node:test";
import { cielabOfSrgb } from "../../../appliance/dicom/cielab.ts";

/** L*, a*, b* back from what DICOM stores. */
const lab = (color: readonly [number, number, number]) => {
  const [l, a, b] = cielabOfSrgb(color);
  return [(l / 65535) * 100, (a / 65535) * 255 - 128, (b / 65535) * 255 - 128];
};

test("greys have no colour and white is full lightness", () => {
  assert.deepEqual(cielabOfSrgb([255, 255, 255]), [65535, 0x8080, 0x8080]);
  assert.deepEqual(cielabOfSrgb([0, 0, 0]), [0, 0x8080, 0x8080]);
});

test("the primaries of sRGB come to their known values under D50", () => {
  // Published values for sRGB adapted to D50 by Bradford; half a unit covers the differing roundings of the matrix.
  for (const [color, expected] of [
    [
      [255, 0, 0],
      [54.29, 80.8, 69.89],
    ],
    [
      [0, 255, 0],
      [87.82, -79.27, 80.99],
    ],
    [
      [0, 0, 255],
      [29.57, 68.29, -112.03],
    ],
  ] as const)
    for (const [index, value] of lab(color).entries()) assert.ok(Math.abs(value - expected[index]!) < 0.5, `${color}: ${lab(color)}`);
});
