import assert from "node:assert/strict";
import { test } from "node:test";
import { applyWindow, dragWindow, presets } from "../../../ui/viewer/window-level.ts";

function greys(hu: number[], window: { level: number; width: number }): number[] {
  const rgba = new Uint8ClampedArray(hu.length * 4);
  applyWindow(Int16Array.from(hu), window, rgba);
  return hu.map((_, at) => {
    const [r, g, b, a] = rgba.subarray(at * 4, at * 4 + 4);
    assert.ok(r === g && g === b && a === 255);
    return r ?? -1;
  });
}

test("below the window is black, above it white, the middle is grey", () => {
  // PS3.3 C.11.2.1.2.1, note 2: width 4096, level 2048 maps 0..4095 to the whole range
  assert.deepEqual(greys([-32768, 0, 4095, 32767], { level: 2048, width: 4096 }), [0, 0, 255, 255]);
  assert.deepEqual(greys([-160, 239], { level: 40, width: 400 }), [0, 255]);
  assert.deepEqual(greys([39, 40], { level: 40, width: 400 }), [127, 128]);
});

test("a window of width 1 is a threshold at level - 0.5", () => {
  assert.deepEqual(greys([99, 100], { level: 100, width: 1 }), [0, 255]);
});

test("dragging right widens, dragging down darkens, and both have an end", () => {
  const { width, level } = dragWindow(presets["soft-tissue"], 30, 30);
  assert.deepEqual([width, level], [440, 80]);
  assert.deepEqual(dragWindow(presets.brain, -100_000, -100_000), { level: -2000, width: 1 });
  assert.deepEqual(dragWindow(presets.brain, 100_000, 100_000), { level: 4000, width: 6000 });
});
