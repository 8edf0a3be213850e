import assert from "node:assert/strict";
import { test } from "node:test";
import { dicomDate, dicomTime, parseTimezoneOffset } from "../../../appliance/dicom/time.ts";

test("a moment near midnight falls on the day of the time zone", () => {
  const at = Date.UTC(2026, 11, 31, 23, 5, 6, 7);
  assert.deepEqual([dicomDate(at, 0), dicomTime(at, 0)], ["20261231", "230506.007"]);
  assert.deepEqual([dicomDate(at, 60), dicomTime(at, 60)], ["20270101", "000506.007"]);
  assert.deepEqual([dicomDate(at, -330), dicomTime(at, -330)], ["20261231", "173506.007"]);
});

test("an offset from UTC is read with its sign, and anything else is none", () => {
  assert.equal(parseTimezoneOffset("+0130 "), 90);
  assert.equal(parseTimezoneOffset("-0500"), -300);
  for (const other of ["", "0100", "+1", "+0170", "+9900", "CET"]) assert.equal(parseTimezoneOffset(other), null, other);
});
