import type { Lps } from "../volume/grid.ts";
import type { Section } from "../volume/section.ts";
import type { Face } from "./lettering.ts";
import { blend, type Color, newPicture, type Picture, place } from "./picture.ts";

/** Which HU are black and which white, as a viewer's window. */
export type Window = { readonly centreHu: number; readonly widthHu: number };
export const softTissue: Window = { centreHu: 40, widthHu: 400 };

/** How labels are laid over the CT: share of their colour inside, and on the pixels at their edge. 0 leaves the CT as it is. */
export type Overlay = { readonly opacity: number; readonly edgeOpacity: number };

/** A section in grey with its labels in colour; a pixel for each of the section's. */
export function paintSection(section: Section, colors: ReadonlyMap<number, Color>, window: Window, overlay: Overlay): Picture {
  const { width, height, hu, labels } = section;
  const picture = newPicture(width, height);
  const low = window.centreHu - window.widthHu / 2;
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const grey = Math.round(Math.min(Math.max((hu[at]! - low) / window.widthHu, 0), 1) * 255);
      picture.rgb.fill(grey, 3 * at, 3 * at + 3);
      const label = labels[at]!;
      if (label === 0) continue;
      const isEdge =
        (x > 0 && labels[at - 1] !== label) ||
        (x < width - 1 && labels[at + 1] !== label) ||
        (y > 0 && labels[at - width] !== label) ||
        (y < height - 1 && labels[at + width] !== label);
      blend(picture, x, y, colors.get(label)!, isEdge ? overlay.edgeOpacity : overlay.opacity);
    }
  return picture;
}

/**
 * Where a direction points in the patient, as DICOM says it: R, L, A, P, H or F, and for an oblique one the next letters behind the first
 * as long as they have a fifth of its share. PS3.3 C.7.6.1.1.1
 */
export function orientationLetters([x, y, z]: Lps): string {
  const parts = [
    { letter: x < 0 ? "R" : "L", share: Math.abs(x) },
    { letter: y < 0 ? "A" : "P", share: Math.abs(y) },
    { letter: z < 0 ? "F" : "H", share: Math.abs(z) },
  ].sort((a, b) => b.share - a.share);
  return parts
    .filter(({ share }) => share >= 0.2 * parts[0]!.share)
    .map(({ letter }) => letter)
    .join("");
}

const ink: Color = [235, 235, 235];
const opposite = ([x, y, z]: Lps): Lps => [-x, -y, -z];

/** A section's picture in the middle of a panel, with orientation letters at its four sides, its plane and place, and a bar of whole centimetres. */
export function panelOf(
  section: Section,
  painted: Picture,
  size: { readonly width: number; readonly height: number },
  face: Face,
): Picture {
  const panel = newPicture(size.width, size.height);
  const left = Math.floor((size.width - painted.width) / 2);
  const top = Math.floor((size.height - painted.height) / 2);
  place(panel, left, top, painted);
  const write = (text: string, x: number, baseline: number, align: "left" | "centre" | "right", sizePx = 20, color = ink) =>
    face.draw(panel, text, { x, baseline, sizePx, color, align, edge: true });
  write(orientationLetters(opposite(section.right)), 8, size.height / 2 + 7, "left");
  write(orientationLetters(section.right), size.width - 8, size.height / 2 + 7, "right");
  write(orientationLetters(opposite(section.down)), size.width / 2, 24, "centre");
  write(orientationLetters(section.down), size.width / 2, size.height - 10, "centre");
  write(caption(section), 8, 22, "left", 15);
  drawBar(panel, section.pixelMm, write);
  return panel;
}

/** `axial, F 123 mm`: where the plane crosses the patient axis that it lies across. */
function caption({ plane, centre }: Section): string {
  const [x, y, z] = centre;
  const at = { axial: z, coronal: y, sagittal: x }[plane];
  const letter = { axial: at < 0 ? "F" : "H", coronal: at < 0 ? "A" : "P", sagittal: at < 0 ? "R" : "L" }[plane];
  return `${plane}, ${letter} ${Math.abs(at).toFixed(1)} mm`;
}

type Write = (text: string, x: number, baseline: number, align: "left" | "centre" | "right", sizePx?: number, color?: Color) => void;

function drawBar(panel: Picture, pixelMm: number, write: Write): void {
  const most = (panel.width / 3) * pixelMm;
  const lengthMm = [100, 50, 20, 10, 5, 2, 1].find((mm) => mm <= most);
  if (lengthMm === undefined) return;
  const pixels = Math.round(lengthMm / pixelMm);
  const [left, bottom] = [8, panel.height - 10];
  for (let x = -1; x <= pixels; x++)
    for (let y = -1; y <= 3; y++) {
      const isInside = x >= 0 && x < pixels && y >= 0 && y < 3;
      blend(panel, left + x, bottom - 3 + y, isInside ? ink : [0, 0, 0], 1);
    }
  write(lengthMm >= 10 ? `${lengthMm / 10} cm` : `${lengthMm} mm`, left, bottom - 8, "left", 14);
}
