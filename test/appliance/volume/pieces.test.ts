import assert from "node:assert/strict";
import { test } from "node:test";
import { connectedPieces } from "../../../appliance/volume/pieces.ts";

test("by hand: corners don't connect, faces of the same label do, across rows and slices", () => {
  // Two slices of 3 x 2.
  const labels = Uint8Array.of(1, 0, 2, 0, 1, 2, 1, 0, 0, 2, 2, 2);
  const pieces = connectedPieces(labels, [3, 2, 2]);
  const found = Array.from({ length: pieces.count }, (_, piece) => [pieces.value(piece), pieces.size(piece)]);
  assert.deepEqual(found, [
    [1, 2],
    [2, 5],
    [1, 1],
  ]);
  pieces.erase((piece) => pieces.size(piece) === 1);
  assert.deepEqual([...labels], [1, 0, 2, 0, 0, 2, 1, 0, 0, 2, 2, 2]);
});

test("a spiral that closes only at its end is one piece", () => {
  const spiral = ["1111111", "0000001", "1111101", "1000101", "1011101", "1000001", "1111111"].join("");
  const pieces = connectedPieces(Uint8Array.from(spiral, Number), [7, 7, 1]);
  assert.equal(pieces.count, 1);
  assert.equal(pieces.size(0), [...spiral].filter((digit) => digit === "1").length);
});

test("an empty map has no pieces", () => {
  assert.equal(connectedPieces(new Uint8Array(8), [2, 2, 2]).count, 0);
});
