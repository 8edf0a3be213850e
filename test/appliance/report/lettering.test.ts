import assert from "node:assert/strict";
import { test } from "node:test";
import { Face } from "../../../appliance/report/lettering.ts";
import { newPicture, type Picture } from "../../../appliance/report/picture.ts";
import { reportFonts } from "../../make/report-fonts.ts";

const face = new Face(reportFonts.regular);

function ink({ width, rgb }: Picture): { left: number; right: number; top: number; bottom: number; sum: number } {
  const at = [...rgb.keys()].filter((byte) => byte % 3 === 0 && rgb[byte]! > 0).map((byte) => byte / 3);
  const [xs, ys] = [at.map((pixel) => pixel % width), at.map((pixel) => Math.floor(pixel / width))];
  const sum = at.reduce((total, pixel) => total + rgb[3 * pixel]! / 255, 0);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys), sum };
}

function drawn(text: string, align: "left" | "centre" | "right", x = 100): Picture {
  const picture = newPicture(200, 60);
  face.draw(picture, text, { x, baseline: 40, sizePx: 32, color: [255, 255, 255], align });
  return picture;
}

test("a full stop is a square of the size that the font gives it, on the baseline", () => {
  // DejaVu Sans Condensed draws it 190 x 254 of 2048 units (fontTools): 2.97 x 3.97 pixels at 32.
  const { top, bottom, sum } = ink(drawn(".", "left"));
  assert.ok(Math.abs(sum - 2.97 * 3.97) < 0.2, `${sum} pixels of ink`);
  assert.deepEqual([top, bottom], [36, 39]);
});

test("the hole in a letter stays open, and strokes that overlap count once", () => {
  const o = drawn("O", "left", 20);
  const { left, right, top, bottom } = ink(o);
  const middle = Math.round((top + bottom) / 2) * 200 + Math.round((left + right) / 2);
  assert.equal(o.rgb[3 * middle], 0);
  assert.ok(o.rgb.every((part) => part <= 255) && o.rgb.some((part) => part === 255));
});

test("text stands left of, right of or around its place", () => {
  const width = face.widthPx("HHH", 32);
  const start = ink(drawn("HHH", "left"));
  const end = ink(drawn("HHH", "right"));
  const centre = ink(drawn("HHH", "centre"));
  assert.ok(start.left >= 100 && start.right <= 100 + width);
  assert.ok(end.right <= 100 && end.left >= 100 - width);
  assert.ok(Math.abs((centre.left + centre.right) / 2 - 99.5) <= 1);
});

test("text that is too long ends in an ellipsis within its room", () => {
  const fitted = face.fitted("Left upper lobe of the lung", 20, 120);
  assert.match(fitted, /^Left upper.*…$/);
  assert.ok(face.widthPx(fitted, 20) <= 120);
  assert.equal(face.fitted("Lung", 20, 120), "Lung");
});

test("accents and Greek and Cyrillic are drawn, what the font lacks is a question mark and not nothing", () => {
  assert.equal(face.drawable("Żółć Müller Ωμέγα Ёж ≥"), "Żółć Müller Ωμέγα Ёж ≥");
  assert.equal(face.drawable("Z\u0307"), "Ż");
  assert.equal(face.drawable("山田"), "??");
  assert.ok(ink(drawn("山", "left")).sum > 10);
});

test("text over the edge of the picture is cut there", () => {
  const picture = newPicture(20, 10);
  face.draw(picture, "WWWW", { x: -10, baseline: 12, sizePx: 24, color: [255, 255, 255], edge: true });
  assert.equal(picture.rgb.length, 600);
  assert.ok(picture.rgb.some((part) => part > 0));
});
