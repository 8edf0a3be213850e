import assert from "node:assert/strict";
import { test } from "node:test";
import type { PixelFormat } from "../../../appliance/dicom/ct-instance.ts";
import { openPart10 } from "../../../appliance/dicom/part10.ts";
import { readCodedPixels } from "../../../appliance/dicom/pixel-data.ts";
import { type MadeDataSet, type MadeFragments, makePart10, syntaxes } from "../../make/part10.ts";

const format: PixelFormat = {
  rows: 2,
  columns: 3,
  bitsAllocated: 16,
  bitsStored: 16,
  highBit: 15,
  signed: false,
  paddingValue: null,
  hasOverlayBits: false,
};

function read(encapsulated: MadeFragments, frames: number, more: MadeDataSet = new Map()): number[][] {
  const file = makePart10(new Map([[0x00280008, ["IS", `${frames}`] as const], ...more]), syntaxes.jpeg2000, encapsulated);
  return readCodedPixels(openPart10(file), format, frames).frames.map((frame) => [...frame]);
}

const [a, b, c] = [Uint8Array.of(1, 2), Uint8Array.of(3, 4), Uint8Array.of(5, 6)] as const;

test("a single frame is all fragments together", () => {
  assert.deepEqual(read({ fragments: [a, b, c] }, 1), [[1, 2, 3, 4, 5, 6]]);
});

test("as many fragments as frames are a frame each", () => {
  assert.deepEqual(read({ fragments: [a, b, c] }, 3), [
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
});

test("the offset table tells which fragments are whose", () => {
  assert.deepEqual(read({ fragments: [a, b, c], offsets: [0, 20] }, 2), [
    [1, 2, 3, 4],
    [5, 6],
  ]);
  assert.deepEqual(read({ fragments: [a, b, c], offsets: [0, 10] }, 2), [
    [1, 2],
    [3, 4, 5, 6],
  ]);
  const extended = Buffer.alloc(16);
  extended.writeBigUInt64LE(20n, 8);
  assert.deepEqual(read({ fragments: [a, b, c] }, 2, new Map([[0x7fe00001, ["OV", extended]]])), [
    [1, 2, 3, 4],
    [5, 6],
  ]);
});

test("fragments that can't be told apart by frame are refused, and so are too few", () => {
  assert.throws(() => read({ fragments: [a, b, c] }, 2), { code: "fragments-ambiguous" });
  assert.throws(() => read({ fragments: [a, b, c], offsets: [0, 7] }, 2), { code: "dicom-malformed" });
  assert.throws(() => read({ fragments: [a] }, 2), { code: "pixel-data-truncated" });
  assert.throws(() => read({ fragments: [] }, 1), { code: "pixel-data-truncated" });
});

test("a file that ends inside a fragment is refused", () => {
  const file = makePart10(new Map(), syntaxes.jpeg2000, { fragments: [a, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)] });
  assert.throws(() => readCodedPixels(openPart10(file.subarray(0, file.length - 12)), format, 1), { code: "pixel-data-truncated" });
});

test("native frames are cut by their size; less is refused, and so is a row more", () => {
  const native = (bytes: number, frames: number): number[] => {
    const file = makePart10(new Map([[0x7fe00010, ["OW", new Uint8Array(bytes)]]]));
    return readCodedPixels(openPart10(file), format, frames).frames.map(({ length }) => length);
  };
  assert.deepEqual(native(24, 2), [12, 12]);
  assert.deepEqual(native(28, 2), [12, 12]);
  assert.throws(() => native(22, 2), { code: "pixel-data-truncated" });
  assert.throws(() => native(30, 2), { code: "pixel-data-size" });
});

test("ten thousand fragments are read at once", () => {
  const started = performance.now();
  assert.equal(read({ fragments: Array<Uint8Array>(10_000).fill(a) }, 1)[0]!.length, 20_000);
  assert.ok(performance.now() - started < 1000);
});
