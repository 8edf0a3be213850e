import type { ModelManifest } from "../domain/model.ts";
import type { StructureMeasure } from "../domain/result.ts";

/**
 * statistics.json: structure name to volume in mm3 and mean HU under the keys that TotalSegmentator's statistics use (`volume`,
 * `intensity`), and whether the field of view cuts the structure off. Structures that were not found are left out, not written as 0.
 */
export function statisticsOf(
  { labels }: ModelManifest,
  structures: readonly StructureMeasure[],
): Record<string, { volume: number; intensity: number; truncated: boolean }> {
  return Object.fromEntries(
    structures.map(({ value, volumeMl, meanHu, touchesBorder }) => [
      labels.find((label) => label.value === value)?.name ?? `label_${value}`,
      { volume: round(volumeMl * 1000, 1), intensity: round(meanHu, 2), truncated: touchesBorder },
    ]),
  );
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
