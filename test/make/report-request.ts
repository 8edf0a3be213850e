import type { ReportRequest } from "../../appliance/report/pdf.ts";
import type { ReportStructure } from "../../appliance/report/structure.ts";
import type { Grid } from "../../appliance/volume/grid.ts";
import { measureLabels } from "../../appliance/volume/measure.ts";
import { type Ball, phantom } from "./phantom.ts";
import { reportFonts } from "./report-fonts.ts";

/** A grid of 160 x 120 x 160 mm around (0, 0, 0): wider than deep, and longer than it would be if slices counted as pixels do. */
export const bodyGrid: Grid = {
  dims: [80, 60, 40],
  origin: [-79, -59, -78],
  steps: [
    [2, 0, 0],
    [0, 2, 0],
    [0, 0, 4],
  ],
};

/** One on the patient's left, one at the back, one at the head. */
export const balls: readonly Ball[] = [
  { label: 1, centre: [45, 0, 3], radiusMm: 12, hu: 40 },
  { label: 2, centre: [0, 35, 1], radiusMm: 10, hu: 60 },
  { label: 3, centre: [5, 5, 51], radiusMm: 14, hu: 80 },
];

export const colors = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
] as const;
const titles = ["Left ball", "Back ball", "Balle de tête"];

/** What a report is made of: the balls, measured. */
export function reportRequest(grid: Grid = bodyGrid): ReportRequest {
  const { volume, labelMap } = phantom(grid, balls);
  const structures = measureLabels(volume, labelMap).map(
    ({ value, volumeMl, meanHu, touchesBorder }): ReportStructure => ({
      value,
      title: titles[value - 1]!,
      color: colors[value - 1]!,
      volumeMl,
      meanHu,
      isTruncated: touchesBorder,
      flags: value === 2 ? ["smaller than usual"] : [],
    }),
  );
  return {
    volume,
    labelMap,
    structures,
    title: "Segmentation report",
    identity: [],
    provenance: [
      { name: "Model", value: "Balls (balls 1.2.3)" },
      { name: "Input digest", value: "ab".repeat(32) },
    ],
    software: "Segbox 0.1.0",
    createdAt: Date.UTC(2026, 10, 23, 14, 30, 15),
    fonts: reportFonts,
  };
}
