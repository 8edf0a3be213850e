import { Face, type Fonts } from "./lettering.ts";
import { drawPanels, type PanelsRequest, panelsWidth } from "./panels.ts";
import { type Color, fillRectangle, newPicture, type Picture, place } from "./picture.ts";
import type { ReportStructure } from "./structure.ts";

export const notForDiagnosis = "AI-generated. Not for diagnosis.";

export type SheetRequest = Omit<PanelsRequest, "colors"> & {
  /** Those with voxels, in the order of the legend. */
  readonly structures: readonly ReportStructure[];
  readonly title: string;
  /** Name and version of the model: `total 2.4.0`. */
  readonly model: string;
  /** Name and version of what drew it: `Segbox 0.1.0`. */
  readonly software: string;
  readonly fonts: Fonts;
};

const white: Color = [240, 240, 240];
const quiet: Color = [165, 165, 165];
const amber: Color = [255, 190, 60];
const edge = 16;
const headHeight = 54;

/**
 * One picture that says it all, for viewers that show nothing else: slices with the structures over them, a legend with volumes, the model,
 * and that it is not for diagnosis. Nothing in it names the patient.
 */
export function drawSheet(request: SheetRequest): Picture {
  const { structures, fonts } = request;
  const [regular, bold] = [new Face(fonts.regular), new Face(fonts.bold)];
  const colors = new Map(structures.map(({ value, color }) => [value, color]));
  const panels = drawPanels({ ...request, colors }, bold);
  const columns = structures.length > 45 ? 4 : 3;
  const rows = Math.max(1, Math.ceil(structures.length / columns));
  const rowHeight = columns === 4 ? 26 : 30;
  const legendTop = headHeight + panels.height + 14;
  const sheet = newPicture(panelsWidth, legendTop + rows * rowHeight + 50);
  drawHead(sheet, request, regular, bold);
  place(sheet, 0, headHeight, panels);
  if (structures.length === 0) regular.draw(sheet, "No structure found", { x: edge, baseline: legendTop + 22, sizePx: 19, color: white });
  for (const [at, structure] of structures.entries()) {
    const width = (panelsWidth - 2 * edge) / columns;
    const x = edge + Math.floor(at / rows) * width;
    drawEntry(
      sheet,
      structure,
      { x, baseline: legendTop + (at % rows) * rowHeight + 21, width: width - (columns === 4 ? 36 : 72) },
      columns === 4 ? 16 : 19,
      regular,
    );
  }
  const isCut = structures.some(({ isTruncated }) => isTruncated);
  const baseline = sheet.height - 16;
  if (isCut)
    regular.draw(sheet, "≥ cut off by the field of view: the volume is that of the part within", {
      x: edge,
      baseline,
      sizePx: 16,
      color: quiet,
    });
  regular.draw(sheet, request.software, { x: panelsWidth - edge, baseline, sizePx: 16, color: quiet, align: "right" });
  return sheet;
}

function drawHead(sheet: Picture, { title, model }: SheetRequest, regular: Face, bold: Face): void {
  const baseline = 36;
  const right = panelsWidth - edge;
  bold.draw(sheet, notForDiagnosis, { x: right, baseline, sizePx: 24, color: amber, align: "right" });
  const room = right - bold.widthPx(notForDiagnosis, 24) - 40 - edge;
  const modelText = `model ${model}`;
  const shownTitle = bold.fitted(title, 24, room - regular.widthPx(modelText, 19) - 24);
  bold.draw(sheet, shownTitle, { x: edge, baseline, sizePx: 24, color: white });
  const x = edge + bold.widthPx(shownTitle, 24) + 24;
  regular.draw(sheet, regular.fitted(modelText, 19, edge + room - x), { x, baseline, sizePx: 19, color: quiet });
}

type EntryPlace = { readonly x: number; readonly baseline: number; readonly width: number };

function drawEntry(sheet: Picture, structure: ReportStructure, { x, baseline, width }: EntryPlace, sizePx: number, face: Face): void {
  const swatch = sizePx - 3;
  fillRectangle(sheet, { x: Math.round(x), y: baseline - swatch + 1, width: swatch, height: swatch }, structure.color);
  const volume = volumeText(structure);
  const from = x + sizePx + 8;
  const room = x + width - from - face.widthPx(volume, sizePx) - 16;
  face.draw(sheet, face.fitted(structure.title, sizePx, room), { x: from, baseline, sizePx, color: white });
  face.draw(sheet, volume, { x: x + width, baseline, sizePx, color: white, align: "right" });
}

/** `12.3 ml`; a lower bound where the field of view cuts the structure off. */
export function volumeText({ volumeMl, isTruncated }: ReportStructure): string {
  const shown = volumeMl < 0.1 ? volumeMl.toPrecision(1) : volumeMl.toFixed(1);
  return `${isTruncated ? "≥ " : ""}${shown} ml`;
}
