import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeText } from "../../../appliance/dicom/character-set.ts";
import { characterSetFor, encodeText } from "../../../appliance/dicom/encode-text.ts";
import { openPart10 } from "../../../appliance/dicom/part10.ts";
import { bytesOf, textsOf } from "../../../appliance/dicom/values.ts";
import { python } from "../../peers/python.ts";

const bytes = (latin1: string): Uint8Array => Buffer.from(latin1, "latin1");

/** Names as PS3.5 annexes H to K print them, with their bytes. */
const examples: readonly (readonly [what: string, characterSet: string, name: string, expected: string])[] = [
  ["no character set", "", "Doe^John ", "Doe^John"],
  ["Latin-1", "ISO_IR 100", "M\xfcller^J\xf6rg", "Müller^Jörg"],
  ["Latin-1 written with a hyphen", "ISO-IR 100", "M\xfcller", "Müller"],
  ["Latin-2", "ISO_IR 101", "Wa\xb3\xeasa", "Wałęsa"],
  ["Latin-9", "ISO_IR 203", "B\xbdf", "Bœf"],
  ["Cyrillic", "ISO_IR 144", "\xbb\xee\xda", "Люк"],
  ["Greek", "ISO_IR 126", "\xc4\xe9\xef\xed", "Διον"],
  ["Hebrew", "ISO_IR 138", "\xf9\xf8\xe5\xef", "שרון"],
  ["Thai", "ISO_IR 166", "\xb9\xd2\xc2", "นาย"],
  ["UTF-8", "ISO_IR 192", "Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1", "Wang^XiaoDong=王^小東"],
  ["GB18030", "GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", "Wang^XiaoDong=王^小东"],
  ["GBK", "GBK", "\xcd\xf5^\xd0\xa1\xb6\xab", "王^小东"],
  [
    "Japanese, ASCII first",
    "\\ISO 2022 IR 87",
    "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
  ],
  [
    "Japanese, half-width katakana first",
    "ISO 2022 IR 13\\ISO 2022 IR 87",
    "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
    "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
  ],
  [
    "Korean",
    "\\ISO 2022 IR 149",
    "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
    "Hong^Gildong=洪^吉洞=홍^길동",
  ],
  ["Chinese by code extension", "\\ISO 2022 IR 58", "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "Zhang^XiaoDong=张^小东"],
  ["Latin-1 and Greek by code extension", "ISO 2022 IR 100\\ISO 2022 IR 126", "Dionysios=\x1b-F\xc4\xe9", "Dionysios=Δι"],
];

for (const [what, characterSet, name, expected] of examples)
  test(`a name in its character set reads as written: ${what}`, () => {
    assert.equal(decodeText(bytes(name), characterSet.split("\\")), expected);
  });

for (const [what, characterSet, , expected] of examples)
  test(`a name is written so that it reads as before: ${what}`, () => {
    const sets = characterSet.split("\\");
    const written = encodeText(expected, sets);
    assert.ok(written);
    assert.equal(decodeText(written, sets), expected);
  });

test("names are written as PS3.5 annexes H and I print them, and pydicom reads what we write", async () => {
  const japanese = encodeText("Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"])!;
  assert.equal(
    Buffer.from(japanese).toString("latin1"),
    "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
  );
  const names = [
    { sets: ["", "ISO 2022 IR 87"], name: "Yamada^Tarou=山田^太郎=やまだ^たろう" },
    { sets: ["", "ISO 2022 IR 149"], name: "Hong^Gildong=洪^吉洞=홍^길동" },
    { sets: ["ISO_IR 144"], name: "Люк" },
    { sets: ["GB18030"], name: "Wang^XiaoDong=王^小东𠀀" },
    { sets: ["ISO_IR 192"], name: "Wang^XiaoDong=王^小東" },
  ];
  const asked = names.map(({ sets, name }) => ({ sets, bytes: Buffer.from(encodeText(name, sets)!).toString("base64") }));
  assert.deepEqual(
    await python("test/reference/read-names.py", asked),
    names.map(({ name }) => name),
  );
});

test("a character that a set does not have is not written as another", () => {
  assert.equal(encodeText("ł", ["ISO_IR 100"]), null);
  assert.equal(encodeText("é", [""]), null);
  assert.equal(encodeText("홍", ["", "ISO 2022 IR 87"]), null);
});

test("the set that asks least of the reader is chosen", () => {
  assert.deepEqual(characterSetFor(["Doe^John", "1"]), []);
  assert.deepEqual(characterSetFor(["Müller", "1"]), ["ISO_IR 100"]);
  assert.deepEqual(characterSetFor(["Müller", "山田"]), ["ISO_IR 192"]);
});

test("a delimiter brings the first set's upper half back", () => {
  assert.equal(decodeText(bytes("\x1b-F\xc4^\xe4"), ["ISO 2022 IR 100", "ISO 2022 IR 126"]), "Δ^ä");
});

test("half of a two-byte character may look like a delimiter", () => {
  assert.equal(decodeText(bytes("\x1b$B%\\\x1b(B"), ["", "ISO 2022 IR 87"]), "ボ");
});

test("bytes that fit no character are shown with a mark, an unknown set as Latin-1", () => {
  assert.equal(decodeText(bytes("a\xff"), ["ISO_IR 192"]), "a\ufffd");
  assert.equal(decodeText(bytes("a\xff"), ["ISO_IR 999"]), "aÿ");
});

test("pydicom's character set files read as pydicom reads them", async () => {
  const names = (await python("test/reference/character-sets.py")) as Record<string, string>;
  assert.ok(Object.keys(names).length >= 10);
  for (const [path, name] of Object.entries(names)) {
    const { dataSet } = openPart10(readFileSync(path));
    const decoded = decodeText(bytesOf(dataSet, 0x00100010)!, textsOf(dataSet, 0x00080005));
    // pydicom leaves out the equals sign before an empty component group.
    assert.equal(decoded.replace(/=+$/, ""), name, path);
  }
});
