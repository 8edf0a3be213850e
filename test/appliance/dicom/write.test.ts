import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decimalString,
  encodeElements,
  plainText,
  raw,
  sequence,
  text,
  unsignedShort,
  writePart10,
} from "../../../appliance/dicom/write.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("elements are sorted by tag, padded by VR and carry explicit heads", () => {
  const bytes = encodeElements([text(0x00200010, "SH", "A"), text(0x0008_0018, "UI", "1.2"), unsignedShort(0x00280010, 513)], "explicit");
  assert.equal(
    hex(bytes),
    ["0800180055490400312e3200", "2000100053480200" + "4120", "2800100055530200" + "0102"].join(""), // UI padded with zero, SH with a space
  );
});

test("sequences carry the length of their items in both encodings", () => {
  const nested = [sequence(0x00081140, [text(0x00081155, "UI", "1.22")], [])];
  assert.equal(
    hex(encodeElements(nested, "explicit")),
    "080040115351000" + "01c000000" + "feff00e00c000000" + "0800551155490400312e3232" + "feff00e000000000",
  );
  assert.equal(
    hex(encodeElements(nested, "implicit")),
    "080040111c000000" + "feff00e00c000000" + "0800551104000000312e3232" + "feff00e000000000",
  );
});

test("a value too long for a 16-bit length is written as UN in explicit VR, whole", () => {
  const longest = encodeElements([text(0x30060050, "DS", "1".repeat(65534))], "explicit");
  assert.equal(hex(longest.subarray(0, 8)), "063050004453feff");
  const longer = encodeElements([text(0x30060050, "DS", "1".repeat(65535))], "explicit");
  assert.equal(hex(longer.subarray(0, 12)), "06305000554e000000000100");
  assert.equal(longer.length, 12 + 65536);
});

test("decimal strings have at most 16 characters and keep what fits", () => {
  for (const value of [
    0,
    -0,
    1,
    -1042.3,
    0.78125,
    1 / 3,
    -1 / 3,
    -123.45678901234567,
    1e-7 / 3,
    -1.2345678901234e-300,
    123456789012345680000,
    Math.PI * 1e5,
  ]) {
    const shown = decimalString(value);
    assert.ok(shown.length <= 16, shown);
    assert.match(shown, /^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/);
    assert.ok(Math.abs(Number(shown) - value) <= Math.abs(value) * 1e-8, shown);
  }
  assert.equal(decimalString(-0.1), "-0.1");
  assert.throws(() => decimalString(Number.NaN));
});

test("our own texts are ASCII, whatever a model is called", () => {
  assert.equal(plainText("Leberläppchen\\ 肝  ﬁne\n", 64), "Leberlappchen/ ? fine");
  assert.equal(plainText("abc def", 4), "abc");
  assert.throws(() => text(0x00100010, "PN", "Müller"), /outside ASCII/);
});

test("a tag given twice is a fault, not a file", () => {
  assert.throws(
    () => encodeElements([text(0x00100010, "PN", "A"), raw(0x00100010, "PN", new Uint8Array(2))], "explicit"),
    /\(0010,0010\) is given twice/,
  );
});

test("a streamed value that breaks its promise of length is a fault, not a file", () => {
  const elements = [{ tag: 0x7fe00010, vr: "OB" as const, value: { sizeBytes: 4, pieces: () => [new Uint8Array(3)] } }];
  assert.throws(
    () => [...writePart10({ sopClassUid: "1.2", sopInstanceUid: "1.3", encoding: "explicit", elements })],
    /was to be 4 bytes and came to 3/,
  );
});

test("a file can be read out twice, and streamed values are padded", () => {
  const elements = [{ tag: 0x7fe00010, vr: "OB" as const, value: { sizeBytes: 3, pieces: () => [Uint8Array.of(1), Uint8Array.of(2, 3)] } }];
  const file = writePart10({ sopClassUid: "1.2", sopInstanceUid: "1.3", encoding: "explicit", elements });
  const first = Buffer.concat([...file]);
  assert.equal(hex(first.subarray(-16)), "e07f10004f420000" + "04000000" + "01020300");
  assert.equal(first.subarray(128, 132).toString(), "DICM");
  assert.ok(first.equals(Buffer.concat([...file])));
});
