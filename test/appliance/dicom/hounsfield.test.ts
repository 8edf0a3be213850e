import assert from "node:assert/strict";
import { test } from "node:test";
import type { PixelFormat } from "../../../appliance/dicom/ct-instance.ts";
import { toHounsfield } from "../../../appliance/dicom/hounsfield.ts";

const format: PixelFormat = {
  rows: 1,
  columns: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  highBit: 11,
  signed: false,
  paddingValue: null,
  hasOverlayBits: false,
};

function hounsfield(
  words: readonly number[],
  changes: Partial<PixelFormat> = {},
  slope = 1,
  intercept = -1024,
): { hu: number[]; clamped: number } {
  const hu = new Int16Array(words.length);
  const clamped = toHounsfield({ ...format, ...changes }, { slope, intercept })(Uint16Array.from(words), hu, 0);
  return { hu: [...hu], clamped };
}

test("unsigned 12-bit words become HU by slope and intercept", () => {
  assert.deepEqual(hounsfield([0, 1024, 4095]).hu, [-1024, 0, 3071]);
});

test("the sign of signed words is their high bit, whether the bits above repeat it or are zero", () => {
  assert.deepEqual(hounsfield([0x0fff, 0xffff, 0x0800, 0xf800, 0x07ff], { signed: true }, 1, 0).hu, [-1, -1, -2048, -2048, 2047]);
});

test("a high bit above Bits Stored - 1 shifts the pixels", () => {
  assert.deepEqual(hounsfield([0x0010, 0xfff0], { highBit: 15 }, 1, 0).hu, [1, 4095]);
});

test("fractions are rounded to the nearest whole HU, halves upwards", () => {
  assert.deepEqual(hounsfield([1, 2, 3, 5], {}, 0.5, -2).hu, [-1, -1, 0, 1]);
  assert.deepEqual(hounsfield([1, 2, 3], {}, 0.25, 0).hu, [0, 1, 1]);
});

test("HU outside int16 are held at its border and counted", () => {
  assert.deepEqual(hounsfield([0, 4095], {}, 20, -40_000), { hu: [-32768, 32767], clamped: 2 });
});

test("bits above Bits Stored that are no sign are refused", () => {
  assert.throws(() => hounsfield([0x1001]), { code: "pixel-bits-contradiction" });
  assert.throws(() => hounsfield([0x8001], { signed: true }), { code: "pixel-bits-contradiction" });
});

test("bits above Bits Stored are masked where the header says that an overlay lies in them", () => {
  assert.deepEqual(hounsfield([0x1001], { hasOverlayBits: true }, 1, 0).hu, [1]);
});

test("a padding value may lie outside the stored bits, and is rescaled like a pixel", () => {
  assert.deepEqual(hounsfield([0xf830, 0], { signed: true, paddingValue: -2000 }).hu, [-3024, -1024]);
});

test("8-bit pixels are read too", () => {
  assert.deepEqual(hounsfield([0, 255], { bitsAllocated: 8, bitsStored: 8, highBit: 7 }, 10, -1000).hu, [-1000, 1550]);
});
