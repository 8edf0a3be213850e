import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDicomDate, formatHu, formatMl, formatPercent, formatPersonName, formatSeconds, legible } from "../../../ui/text/format.ts";

test("a DICOM date reads as a date, anything else as it is", () => {
  assert.equal(formatDicomDate("20260131"), "31 Jan 2026");
  assert.equal(formatDicomDate("1999.12.01"), "1 Dec 1999"); // ACR-NEMA's form
  assert.equal(formatDicomDate(""), "");
  assert.equal(formatDicomDate("unknown"), "unknown");
});

test("a person name reads without carets, by its first group that has letters", () => {
  assert.equal(formatPersonName("Doe^Jane^^Dr"), "Doe, Jane, Dr");
  assert.equal(formatPersonName("Yamada^Tarou=山田^太郎=やまだ^たろう"), "Yamada, Tarou");
  assert.equal(formatPersonName("^^^^=山田^太郎"), "山田, 太郎");
  assert.equal(formatPersonName("^^^^"), "");
});

test("what could make text read otherwise than it is shows as a replacement character", () => {
  assert.equal(legible("abc\u202Edef\u0000\u2066\u001b[0m"), "abc\ufffddef\ufffd\ufffd\ufffd[0m");
  assert.equal(legible("Ægir Þór, 山田, עברית, नमस्ते"), "Ægir Þór, 山田, עברית, नमस्ते");
});

test("a name of 64 kB does not become a page of 64 kB", () => {
  assert.equal(formatPersonName("x".repeat(65_536)).length, 201);
});

test("numbers have the digits that can be believed", () => {
  assert.deepEqual([formatMl(0.04), formatMl(12.34), formatMl(1512.3)], ["0.0", "12.3", "1,512"]);
  assert.deepEqual([formatHu(-702.4), formatHu(-0.2), formatHu(55.5)], ["\u2212702", "0", "56"]);
  assert.deepEqual([formatPercent(0.999), formatPercent(1)], ["99 %", "100 %"]); // never done before it is
  assert.deepEqual([formatSeconds(48_500), formatSeconds(125_000)], ["48.5 s", "2 min 5 s"]);
});
