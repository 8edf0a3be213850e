import assert from "node:assert/strict";
import { test } from "node:test";
import { orientationLetters, paintSection } from "../../../appliance/report/section-picture.ts";
import type { Section } from "../../../appliance/volume/section.ts";

function section(width: number, hu: readonly number[], labels: readonly number[]): Section {
  return {
    plane: "axial",
    index: 0,
    width,
    height: hu.length / width,
    pixelMm: 1,
    hu: Float32Array.from(hu),
    labels: Uint8Array.from(labels),
    right: [1, 0, 0],
    down: [0, 1, 0],
    centre: [0, 0, 0],
  };
}

test("letters name the nearest patient direction, and the next ones of an oblique direction", () => {
  assert.equal(orientationLetters([1, 0, 0]), "L");
  assert.equal(orientationLetters([-1, 0, 0]), "R");
  assert.equal(orientationLetters([0, -1, 0]), "A");
  assert.equal(orientationLetters([0, 0, 1]), "H");
  assert.equal(orientationLetters([0, 0.1, -0.99]), "F");
  assert.equal(orientationLetters([0.9, 0.4, 0.1]), "LP");
  assert.equal(orientationLetters([-0.5, -0.7, -0.5]), "ARF");
});

test("the window's lower end is black, its middle grey, its upper end white, and what lies beyond is held", () => {
  const painted = paintSection(
    section(5, [-1000, -160, 40, 240, 3000], [0, 0, 0, 0, 0]),
    new Map(),
    { centreHu: 40, widthHu: 400 },
    {
      opacity: 0.3,
      edgeOpacity: 0.9,
    },
  );
  assert.deepEqual([...painted.rgb.filter((_, at) => at % 3 === 0)], [0, 0, 128, 255, 255]);
  assert.ok(painted.rgb.every((part, at) => part === painted.rgb[at - (at % 3)]));
});

test("a label's inside is tinted, its edge towards other labels and background is drawn, the picture's own edge is not", () => {
  // 5 x 3: background on the left, a label to the picture's border on the right.
  const labels = [0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1];
  const hu = labels.map(() => -1000);
  const { rgb } = paintSection(
    section(5, hu, labels),
    new Map([[1, [100, 200, 50]]]),
    { centreHu: 40, widthHu: 400 },
    {
      opacity: 0.5,
      edgeOpacity: 1,
    },
  );
  const pixel = (at: number) => [...rgb.subarray(3 * at, 3 * at + 3)];
  assert.deepEqual(pixel(5), [0, 0, 0]);
  assert.deepEqual(pixel(6), [100, 200, 50]);
  for (const inside of [2, 4, 7, 9, 14]) assert.deepEqual(pixel(inside), [50, 100, 25]);
});
