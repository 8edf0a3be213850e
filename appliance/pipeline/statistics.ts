import type { ModelManifest } from "../domain/model.ts";
import { checkPlausibility, type FlagCode } from "../domain/plausibility.ts";
import type { StructureMeasure } from "../domain/result.ts";

export type StructureStatistics = {
  /** mm3 */
  readonly volume: number;
  /** Mean HU. */
  readonly intensity: number;
  readonly volume_ml: number;
  readonly truncated: boolean;
  /** HU; absent in results of releases that did not measure it. */
  readonly intensity_median?: number;
  readonly intensity_sd?: number;
  readonly intensity_min?: number;
  readonly intensity_max?: number;
  /** Which plausibility rules it does not meet. */
  readonly flags: readonly FlagCode[];
};

/**
 * statistics.json: structure name to volume in mm3 and mean HU under the keys that TotalSegmentator's statistics use (`volume`,
 * `intensity`, totalsegmentator/statistics.py), and what that has no key for. Structures that were not found are left out, and those cut off by
 * the field of view keep their volume and say `truncated`: neither is written as 0, as TotalSegmentator does.
 */
export function statisticsOf({ labels }: ModelManifest, structures: readonly StructureMeasure[]): Record<string, StructureStatistics> {
  const flags = checkPlausibility(structures, labels);
  return Object.fromEntries(
    structures.map(({ value, volumeMl, meanHu, touchesBorder, medianHu, sdHu, minHu, maxHu }) => [
      labels.find((label) => label.value === value)?.name ?? `label_${value}`,
      {
        volume: round(volumeMl * 1000, 1),
        intensity: round(meanHu, 2),
        volume_ml: round(volumeMl, 3),
        truncated: touchesBorder,
        ...(medianHu !== undefined && { intensity_median: medianHu }),
        ...(sdHu !== undefined && { intensity_sd: round(sdHu, 2) }),
        ...(minHu !== undefined && { intensity_min: minHu }),
        ...(maxHu !== undefined && { intensity_max: maxHu }),
        flags: flags.filter(({ label }) => label === value).map(({ code }) => code),
      },
    ]),
  );
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
