import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAeTitle, parseUid } from "../../../appliance/domain/ids.ts";

test("a UID loses the padding that DICOM puts behind it", () => {
  assert.equal(parseUid("1.2.840.10008.1.1\0"), "1.2.840.10008.1.1");
  assert.equal(parseUid("1.2.3 "), "1.2.3");
});

test("a component with a leading zero is let through, as some scanners write it", () => {
  assert.equal(parseUid("1.2.03.4"), "1.2.03.4");
});

test("a UID of 64 characters is taken, one of 65 is not", () => {
  assert.equal(parseUid(`1.${"2".repeat(62)}`).length, 64);
  assert.throws(() => parseUid(`1.${"2".repeat(63)}`), { name: "RefusedError", code: "uid-invalid", message: /found 65 characters/ });
});

for (const text of ["", " ", "1..2", ".1", "1.", "1.2a", "../1", "1.2\n", "1 .2", "1.2\\1.3"])
  test(`${JSON.stringify(text)} is no UID`, () => {
    assert.throws(() => parseUid(text), { code: "uid-invalid" });
  });

test("the refusal of a UID does not repeat its text, which may hold a patient's name", () => {
  assert.throws(
    () => parseUid("DOE^JANE"),
    (error: Error) => !error.message.includes("DOE"),
  );
});

test("outer spaces do not belong to an AE title, inner ones do", () => {
  assert.equal(parseAeTitle("  CT SCANNER 1   "), "CT SCANNER 1");
  assert.equal(parseAeTitle("PACS\0\0"), "PACS");
});

for (const text of ["", "                ", "SEVENTEEN_LETTERS", "A\\B", "TÜR", "A\tB", "A\n"])
  test(`${JSON.stringify(text)} is no AE title`, () => {
    assert.throws(() => parseAeTitle(text), { name: "RefusedError", code: "ae-title-invalid" });
  });
