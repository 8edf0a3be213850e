import assert from "node:assert/strict";
import { test } from "node:test";
import { readSoftwareVersion } from "../../../appliance/host/software-version.ts";

test("the version is one that DICOM's Software Versions can hold", () => {
  const version = readSoftwareVersion();
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.ok(version.length <= 64 && !version.includes("\\")); // LO, PS3.5 section 6.2
});
