import { RefusedError } from "../base/errors.ts";
import { spacingMm } from "../volume/grid.ts";
import { type Plane, planeAxes } from "../volume/plane.ts";
import { restackLabels, straighten } from "../volume/restack.ts";
import { cutSection, type IndexBox, sectionSizeMm } from "../volume/section.ts";
import { chooseSlices, countLabelsBySlice, labelledRange, type SliceCounts } from "../volume/slice-choice.ts";
import type { CtVolume, LabelMap } from "../volume/volume.ts";
import type { Face } from "./lettering.ts";
import { type Color, newPicture, type Picture, place, type Rectangle } from "./picture.ts";
import { type Overlay, paintSection, panelOf, softTissue, type Window } from "./section-picture.ts";

export type PanelsRequest = {
  readonly volume: CtVolume;
  /** On the grid of the volume. */
  readonly labelMap: LabelMap;
  /** By label; a label that has voxels and no colour is refused. */
  readonly colors: ReadonlyMap<number, Color>;
  readonly window?: Window;
  readonly overlay?: Overlay;
};

export const panelsWidth = 1536;
const gap = 4;
const frameColor: Color = [48, 48, 48];
const defaultOverlay: Overlay = { opacity: 0.3, edgeOpacity: 0.9 };
/** Around the labelled voxels, so that one sees where in the body they lie. */
const marginMm = 40;

/**
 * Three or four axial slices, a coronal and a sagittal one, those that show the labels best, on black. Each is cut to what is labelled and 4 cm
 * around, as large as its panel takes, with the same scale along and across; tilted or uneven slices are straightened for it. Where nothing is labelled: the middle of the whole volume.
 */
export function drawPanels(
  { volume: received, labelMap: ofReceived, colors, window = softTissue, overlay = defaultOverlay }: PanelsRequest,
  face: Face,
): Picture {
  refuseOtherGrid(received, ofReceived);
  const { volume } = straighten(received);
  const labelMap = volume === received ? ofReceived : restackLabels(ofReceived, volume.grid);
  const counts = countLabelsBySlice(labelMap);
  refuseUnknownLabels(counts, colors);
  const box = shownBox(labelMap, counts);
  const { rectangles, height } = layOut(labelMap, box);
  const sheet = newPicture(panelsWidth, height, frameColor);
  for (const plane of ["axial", "coronal", "sagittal"] as const) {
    const { axis, flip } = planeAxes(labelMap.grid, plane).through;
    const chosen = chooseSlices(counts[axis], rectangles[plane].length);
    if (plane === "axial" ? !flip : flip) chosen.reverse(); // axial ones from the head down
    for (const [at, rectangle] of rectangles[plane].entries()) {
      const index = chosen[at];
      if (index === undefined) {
        place(sheet, rectangle.x, rectangle.y, newPicture(rectangle.width, rectangle.height));
        continue;
      }
      const [widthMm, heightMm] = sectionSizeMm(labelMap, plane, box);
      const pixelMm = Math.max(widthMm / rectangle.width, heightMm / rectangle.height);
      const section = cutSection(volume, labelMap, { plane, index, box, pixelMm });
      place(sheet, rectangle.x, rectangle.y, panelOf(section, paintSection(section, colors, window, overlay), rectangle, face));
    }
  }
  return sheet;
}

/** What is labelled and a margin, within the grid; all of it where nothing is. */
function shownBox({ grid }: LabelMap, counts: SliceCounts): IndexBox {
  const steps = spacingMm(grid);
  const range = (axis: 0 | 1 | 2): readonly [number, number] => {
    const labelled = labelledRange(counts[axis]);
    const last = grid.dims[axis] - 1;
    if (!labelled) return [0, last];
    const margin = Math.ceil(marginMm / steps[axis]);
    return [Math.max(0, labelled[0] - margin), Math.min(last, labelled[1] + margin)];
  };
  return [range(0), range(1), range(2)];
}

type Layout = { readonly rectangles: Readonly<Record<Plane, readonly Rectangle[]>>; readonly height: number };

/** Four axial slices beside the other two, those side by side where the body is long; where it is flat, three in a row above the other two. */
function layOut(labelMap: LabelMap, box: IndexBox): Layout {
  const [widthMm, longMm] = sectionSizeMm(labelMap, "coronal", box);
  const [, axialDownMm] = sectionSizeMm(labelMap, "axial", box);
  const heightFor = (width: number) => Math.round(Math.min(Math.max((width * axialDownMm) / widthMm, 0.6 * width), 1.1 * width));
  const row = (count: number, from: number, to: number, y: number, height: number): Rectangle[] => {
    const width = Math.floor((to - from - (count - 1) * gap) / count);
    return Array.from({ length: count }, (_, at) => ({ x: from + at * (width + gap), y, width, height }));
  };
  const half = (panelsWidth - gap) / 2;
  if (longMm < 0.4 * widthMm) {
    const upper = heightFor((panelsWidth - 2 * gap) / 3);
    const lower = Math.max(150, Math.round((half * longMm) / widthMm) + 80); // room for the letters above and below
    const [coronal, sagittal] = row(2, 0, panelsWidth, upper + gap, lower) as [Rectangle, Rectangle];
    return {
      height: upper + gap + lower,
      rectangles: { axial: row(3, 0, panelsWidth, 0, upper), coronal: [coronal], sagittal: [sagittal] },
    };
  }
  const quarter = (half - gap) / 2;
  const forLength = Math.floor((quarter * longMm) / widthMm / 2); // a long body gets taller panels, so that it is not shown small
  const each = Math.max(heightFor(quarter), Math.min(forLength, Math.round(1.1 * quarter)));
  const height = 2 * each + gap;
  const axial = [...row(2, 0, half, 0, each), ...row(2, 0, half, each + gap, each)];
  const beside = row(2, half + gap, panelsWidth, 0, height) as [Rectangle, Rectangle];
  const above = [0, each + gap].map((y) => ({ x: half + gap, y, width: half, height: each })) as [Rectangle, Rectangle];
  const [coronal, sagittal] = longMm > 0.8 * widthMm ? beside : above;
  return { height, rectangles: { axial, coronal: [coronal], sagittal: [sagittal] } };
}

function refuseOtherGrid({ grid, hu }: CtVolume, labelMap: LabelMap): void {
  const [expected, found] = [grid.dims.join("x"), labelMap.grid.dims.join("x")];
  if (expected !== found || hu.length !== labelMap.labels.length)
    throw new RefusedError("grid-differs", `expected a label map on the grid of its volume, found ${found} voxels for ${expected}`);
}

function refuseUnknownLabels([byI]: SliceCounts, colors: ReadonlyMap<number, Color>): void {
  const unknown = byI.findIndex((count, at) => count > 0 && !colors.has(at % 256));
  if (unknown >= 0) throw new RefusedError("label-unknown", `expected labels with a name and a colour, found ${unknown % 256}`);
}
