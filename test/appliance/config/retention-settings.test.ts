import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetentionSettings } from "../../../appliance/config/retention-settings.ts";
import { parseSiteFile, SiteFileError } from "../../../appliance/config/site-file.ts";

const site = (retention: string): unknown => parseSiteFile(`station: { name: BOX }\ndicom: { aeTitle: SEGBOX }\n${retention}`).retention;

test("images stay 30 days, results 90, how they were made ten years, unless the site file says otherwise", () => {
  const usual = { imageDays: 30, resultDays: 90, traceDays: 3_650 };
  assert.deepEqual(site(""), usual);
  assert.deepEqual(site("retention: { imageDays: never, resultDays: 0.5 }"), { ...usual, imageDays: "never", resultDays: 0.5 });
  assert.throws(() => site("retention: { imageDays: forever }"), /retention\.imageDays: expected a number of days, or `never`/);
  assert.throws(() => site("retention: { imageDays: -1 }"), SiteFileError);
});

test("room is made before images have to be refused, or the file is", () => {
  const megabyte = 1_048_576;
  assert.equal(parseRetentionSettings(site(""), 2_048).startFreeBytes, 4_096 * megabyte);
  assert.equal(parseRetentionSettings(site("retention: { startFreeMegabytes: 5000 }"), 2_048).startFreeBytes, 5_000 * megabyte);
  assert.throws(() => site("retention: { startFreeMegabytes: 100 }"), /expected at least `dicom\.limits\.minimumFreeMegabytes` \(2048\)/);
});

test("a box that was set up before anybody could say so deletes nothing by age", () => {
  const { imageDays, resultDays, traceDays } = parseRetentionSettings(undefined, 2_048);
  assert.deepEqual([imageDays, resultDays, traceDays], ["never", "never", "never"]);
});
