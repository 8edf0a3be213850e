import * as z from "zod";
import type { RetentionSettings } from "../domain/retention.ts";

const days = z.union([z.literal("never"), z.number().min(0).max(36_500)], "expected a number of days, or `never`");

/** How long received images and results stay. What is not delivered, or not committed where that was asked for, stays in any case. */
export const retentionSchema = z.strictObject({
  /** Received images, after the last thing that happened to their series: an image came, a result was delivered or judged. */
  imageDays: days.default(30),
  /** Results with all else that is here of a series; its images go with them at the latest. */
  resultDays: days.default(90),
  /** How a deleted result was made, without a name: an archive keeps its objects for as long, and `segbox explain` tells of them. */
  traceDays: days.default(3_650),
  /** With less free space, what may go is deleted before its time; left out: twice `dicom.limits.minimumFreeMegabytes`. */
  startFreeMegabytes: z.int().min(0).max(10_000_000).optional(),
});

/**
 * Settings as a database keeps them. A box that was set up before there were any deletes nothing by age until a site file is applied: nobody
 * there has agreed to it.
 */
export function parseRetentionSettings(stored: unknown, minimumFreeMegabytes: number): RetentionSettings {
  const unsaid = { imageDays: "never", resultDays: "never", traceDays: "never" };
  const { startFreeMegabytes = 2 * minimumFreeMegabytes, ...ages } = retentionSchema.parse(stored ?? unsaid);
  return { ...ages, startFreeBytes: startFreeMegabytes * 1_048_576 };
}
