import assert from "node:assert/strict";
import { test } from "node:test";
import { readDataSet, readItems } from "../../../appliance/dicom/data-set.ts";
import { textOf } from "../../../appliance/dicom/values.ts";
import { encodeDataSet, type MadeDataSet } from "../../make/part10.ts";

const explicit = { explicitVr: true, littleEndian: true };
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");
/** A sequence of undefined length with one open item in explicit VR, and what closes both. */
const open = hex("08001111 53510000 ffffffff feff00e0 ffffffff");
const close = hex("feff0de0 00000000 feffdde0 00000000");
const name = hex("10001000 504e0400 446f6521");

function nested(depth: number): Buffer {
  return Buffer.concat([...Array<Buffer>(depth).fill(open), ...Array<Buffer>(depth).fill(close), name]);
}

test("elements behind nested sequences of undefined length are found", () => {
  for (const depth of [1, 2, 60]) assert.equal(textOf(readDataSet(nested(depth), 0, explicit), 0x00100010), "Doe!");
});

test("ten thousand sequences in each other are refused at once, without deep recursion", () => {
  const bytes = nested(10_000);
  const before = performance.now();
  assert.throws(() => readDataSet(bytes, 0, explicit), { code: "dicom-nested-too-deep" });
  assert.ok(performance.now() - before < 1000);
});

test("sequences of defined length may nest at will: they are stepped over", () => {
  let bytes: Uint8Array = Buffer.alloc(0);
  for (let depth = 0; depth < 2000; depth++) {
    const item = Buffer.concat([hex("feff00e0 00000000"), bytes]);
    item.writeUInt32LE(bytes.length, 4);
    const sequence = Buffer.concat([hex("08001111 53510000 00000000"), item]);
    sequence.writeUInt32LE(item.length, 8);
    bytes = sequence;
  }
  assert.equal(textOf(readDataSet(Buffer.concat([bytes, name]), 0, explicit), 0x00100010), "Doe!");
});

test("more elements than any image has are refused", () => {
  const bytes = Buffer.concat([open, ...Array<Buffer>(1000).fill(name), close]);
  assert.throws(() => readDataSet(bytes, 0, explicit, { budget: { elements: 500 } }), { code: "dicom-too-many-elements" });
});

test("items are read from sequences of defined and of undefined length", () => {
  const inner: MadeDataSet = new Map([[0x00100010, ["PN", "Doe!"]]]);
  const defined = encodeDataSet(new Map([[0x00081111, ["SQ", [inner, inner]]]]));
  const undefinedLength = Buffer.concat([open, name, hex("feff0de0 00000000 feff00e0 0c000000"), name, hex("feffdde0 00000000")]);
  for (const bytes of [defined, undefinedLength]) {
    const items = readItems(readDataSet(bytes, 0, explicit), 0x00081111);
    assert.deepEqual(
      items.map((item) => textOf(item, 0x00100010)),
      ["Doe!", "Doe!"],
    );
  }
});

test("a sequence that hides in an UN of undefined length is implicit VR inside", () => {
  const bytes = Buffer.concat([
    hex("08001111 554e0000 ffffffff feff00e0 ffffffff"),
    hex("10001000 04000000 446f6521"),
    hex("feff0de0 00000000 feffdde0 00000000"),
    name,
  ]);
  const dataSet = readDataSet(bytes, 0, explicit);
  assert.equal(textOf(dataSet, 0x00100010), "Doe!");
  assert.equal(textOf(readItems(dataSet, 0x00081111)[0]!, 0x00100010), "Doe!");
});

test("an item that was written in implicit VR inside an explicit data set is read", () => {
  const bytes = Buffer.concat([open, hex("10001000 04000000 446f6521"), close]);
  assert.equal(textOf(readItems(readDataSet(bytes, 0, explicit), 0x00081111)[0]!, 0x00100010), "Doe!");
});

test("what does not fit is refused: a cut element, a length past the end, a stray delimiter, an element twice, an open item", () => {
  const refused = (bytes: Buffer, code: string): void => assert.throws(() => readDataSet(bytes, 0, explicit), { code });
  refused(name.subarray(0, 6), "dicom-truncated");
  refused(name.subarray(0, 10), "dicom-truncated");
  refused(hex("10001000 4f420000 ffffff7f"), "dicom-truncated");
  refused(close, "dicom-malformed");
  refused(Buffer.concat([name, name]), "dicom-malformed");
  refused(Buffer.concat([open, name]), "dicom-truncated");
  refused(Buffer.concat([open, name, hex("feffdde0 00000000")]), "dicom-malformed");
});
