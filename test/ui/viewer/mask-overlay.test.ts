import assert from "node:assert/strict";
import { test } from "node:test";
import { outlinesOf, paintLabels } from "../../../ui/viewer/mask-overlay.ts";

test("visible labels get their colour, hidden ones and background nothing", () => {
  const rgba = new Uint8ClampedArray(4 * 4).fill(7);
  paintLabels(Uint8Array.of(0, 1, 2, 255), new Map([[1, [10, 20, 30]], [255, [1, 2, 3]]]), rgba); // biome-ignore format: pairs
  assert.deepEqual([...rgba], [0, 0, 0, 0, 10, 20, 30, 255, 0, 0, 0, 0, 1, 2, 3, 255]);
});

/** Lines as strings, sorted: the order in which they are found says nothing. */
function outline(rows: string[], value: number): string[] {
  const columns = rows[0]?.length ?? 0;
  const labels = Uint8Array.from(rows.join(""), Number);
  const lines = outlinesOf(labels, columns, rows.length, new Map([[value, [0, 0, 0]]])).get(value) ?? [];
  return Array.from({ length: lines.length / 4 }, (_, at) => lines.slice(at * 4, at * 4 + 4).join(" ")).sort();
}

test("a block is outlined by its four sides, one line each", () => {
  assert.deepEqual(outline(["0000", "0110", "0110", "0000"], 1), [
    "0.5 0.5 0.5 2.5", // left
    "0.5 0.5 2.5 0.5", // top
    "0.5 2.5 2.5 2.5", // bottom
    "2.5 0.5 2.5 2.5", // right
  ]);
});

test("a structure that reaches the border of the image is closed there", () => {
  assert.deepEqual(outline(["1"], 1), ["-0.5 -0.5 -0.5 0.5", "-0.5 -0.5 0.5 -0.5", "-0.5 0.5 0.5 0.5", "0.5 -0.5 0.5 0.5"]);
});

test("two structures that touch are parted by a line, and a hole is outlined", () => {
  assert.ok(outline(["12"], 1).includes("0.5 -0.5 0.5 0.5"));
  assert.equal(outline(["111", "101", "111"], 1).length, 8);
});

test("a hidden structure has no outline", () => {
  assert.deepEqual(outline(["22"], 1), []);
});
