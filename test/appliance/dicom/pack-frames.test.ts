import assert from "node:assert/strict";
import { test } from "node:test";
import { packFrames } from "../../../appliance/dicom/pack-frames.ts";
import { findLabelSlices } from "../../../appliance/volume/label-slices.ts";
import { axialGrid } from "../../make/result-request.ts";

test("frames follow each other bit by bit, lowest bit first, by label and then by slice", () => {
  const labels = Uint8Array.from([
    ...[1, 0, 0, 0, 0, 0, 0, 0, 1], // slice 0: label 1 in the first and the last pixel
    ...[0, 0, 0, 0, 2, 0, 0, 0, 0], // slice 1: label 2 in the middle
    ...[0, 1, 0, 0, 0, 0, 0, 2, 0], // slice 2: both
  ]);
  const labelMap = { grid: axialGrid(3, 3, 3), labels };
  const bytes: number[] = [];
  for (const piece of packFrames(labelMap, findLabelSlices(labelMap))) bytes.push(...piece);
  const bits = ["100000001", "010000000", "000010000", "000000010"].join("").padEnd(40, "0");
  assert.deepEqual(
    bytes,
    bits.match(/.{8}/g)!.map((byte) => Number.parseInt([...byte].reverse().join(""), 2)),
  );
});
