import type { ModelManifest } from "../domain/model.ts";
import { checkPlausibility, type FlagCode } from "../domain/plausibility.ts";
import type { StructureMeasure } from "../domain/result.ts";

export type StructureStatistics = {
  /** mm3 */
  readonly volume: number;
  /** Mean HU; null where there is nothing to take it of. */
  readonly intensity: number | null;
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
 * `intensity`, totalsegmentator/statistics.py), and what that has no key for. Structures cut off by the field of view keep their volume and
 * say `truncated`, where TotalSegmentator may write 0. Those that were not found are left out, unless they are missed: then they have no
 * volume, and the rules that say so.
 */
export function statisticsOf({ labels }: ModelManifest, structures: readonly StructureMeasure[]): Record<string, StructureStatistics> {
  const flags = checkPlausibility(structures, labels);
  const flagsOf = (value: number) => flags.filter(({ label }) => label === value).map(({ code }) => code);
  const missed = labels.filter(({ value }) => !structures.some((each) => each.value === value) && flagsOf(value).length > 0);
  return Object.fromEntries([
    ...structures.map(({ value, volumeMl, meanHu, touchesBorder, medianHu, sdHu, minHu, maxHu }) => [
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
        flags: flagsOf(value),
      },
    ]),
    ...missed.map(({ name, value }) => [name, { volume: 0, intensity: null, volume_ml: 0, truncated: false, flags: flagsOf(value) }]),
  ]);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
