import * as fontkit from "fontkit";
import { blend, type Color, type Picture } from "./picture.ts";

/** TrueType files that pictures and reports are lettered with. */
export type Fonts = { readonly regular: Uint8Array; readonly bold: Uint8Array };

export type TextPlace = {
  readonly x: number;
  /** Of the line that letters stand on. */
  readonly baseline: number;
  readonly sizePx: number;
  readonly color: Color;
  /** Which part of the text stands at x; left when not given. */
  readonly align?: "left" | "centre" | "right";
  /** A dark edge, so that the text can be read on any picture. */
  readonly edge?: boolean;
};

/** How much of each pixel a glyph covers, 0..1, around its origin on the baseline. */
type Stamp = { readonly left: number; readonly top: number; readonly width: number; readonly height: number; readonly cover: Float32Array };

/** A font that draws into pictures. It keeps the glyphs it has drawn. */
export class Face {
  readonly #font: fontkit.Font;
  readonly #stamps = new Map<string, Stamp>();

  constructor(file: Uint8Array) {
    const font = fontkit.create(file as Buffer);
    if (!("layout" in font)) throw new Error("expected a font file with one font, found a collection");
    this.#font = font;
  }

  /** The text with a question mark for what this font cannot draw. */
  drawable(text: string): string {
    return Array.from(text.normalize("NFC"), (letter) => (this.#font.hasGlyphForCodePoint(letter.codePointAt(0)!) ? letter : "?")).join("");
  }

  widthPx(text: string, sizePx: number): number {
    return (this.#font.layout(this.drawable(text)).advanceWidth * sizePx) / this.#font.unitsPerEm;
  }

  /** The text, or as much of it as fits with an ellipsis behind it. */
  fitted(text: string, sizePx: number, widthPx: number): string {
    if (this.widthPx(text, sizePx) <= widthPx) return text;
    const letters = Array.from(text);
    while (letters.length > 0 && this.widthPx(`${letters.join("")}…`, sizePx) > widthPx) letters.pop();
    return `${letters.join("").trimEnd()}…`;
  }

  draw(picture: Picture, text: string, { x, baseline, sizePx, color, align = "left", edge = false }: TextPlace): void {
    const run = this.#font.layout(this.drawable(text));
    const scale = sizePx / this.#font.unitsPerEm;
    const width = run.advanceWidth * scale;
    const start = x - (align === "centre" ? width / 2 : align === "right" ? width : 0);
    const strokes: { readonly stamp: Stamp; readonly x: number; readonly y: number }[] = [];
    let pen = start;
    for (const [index, glyph] of run.glyphs.entries()) {
      const { xAdvance, xOffset, yOffset } = run.positions[index]!;
      const quarters = Math.round(4 * (pen + xOffset * scale)); // letters stand at quarters of a pixel
      const stamp = this.#stamp(glyph, sizePx, ((quarters % 4) + 4) % 4);
      strokes.push({ stamp, x: Math.floor(quarters / 4) + stamp.left, y: Math.round(baseline - yOffset * scale) + stamp.top });
      pen += xAdvance * scale;
    }
    if (edge)
      for (const [dx, dy] of around) for (const stroke of strokes) imprint(picture, stroke.stamp, stroke.x + dx, stroke.y + dy, [0, 0, 0]);
    for (const stroke of strokes) imprint(picture, stroke.stamp, stroke.x, stroke.y, color);
  }

  #stamp(glyph: fontkit.Glyph, sizePx: number, quarter: number): Stamp {
    const key = `${glyph.id}/${sizePx}/${quarter}`;
    const kept = this.#stamps.get(key) ?? rasterise(outline(glyph, sizePx / this.#font.unitsPerEm, quarter / 4));
    this.#stamps.set(key, kept);
    return kept;
  }
}

const around = [-1, 0, 1].flatMap((dx) => [-1, 0, 1].map((dy) => [dx, dy] as const)).filter(([dx, dy]) => dx !== 0 || dy !== 0);

function imprint(picture: Picture, { width, height, cover }: Stamp, x: number, y: number, color: Color): void {
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const share = cover[row * width + column]!;
      if (share > 0) blend(picture, x + column, y + row, color, share);
    }
}

/** Edges of a glyph's outline in pixels, y down: x and y of start and end. Curves are cut into eight. */
function outline(glyph: fontkit.Glyph, scale: number, shift: number): number[][] {
  const edges: number[][] = [];
  let first = [0, 0];
  let last = [0, 0];
  const lineTo = (to: number[]) => {
    edges.push([...last, ...to]);
    last = to;
  };
  for (const { command, args } of glyph.path.commands) {
    const points = Array.from({ length: args.length / 2 }, (_, at) => [args[2 * at]! * scale + shift, -args[2 * at + 1]! * scale]);
    const from = last;
    if (command === "moveTo") first = last = points[0]!;
    else if (command === "closePath") lineTo(first);
    else if (command === "lineTo") lineTo(points[0]!);
    else for (let step = 1; step <= 8; step++) lineTo(onCurve([from, ...points], step / 8));
  }
  return edges;
}

/** A point of a Bézier curve of any degree, by de Casteljau's halving. */
function onCurve(points: readonly (readonly number[])[], t: number): number[] {
  let rest = points.map((point) => [...point]);
  while (rest.length > 1)
    rest = rest.slice(1).map((to, at) => [rest[at]![0]! * (1 - t) + to[0]! * t, rest[at]![1]! * (1 - t) + to[1]! * t]);
  return rest[0]!;
}

const linesPerPixel = 5;

/** What lies inside an outline by the nonzero winding rule: exact along a line, five lines to a pixel. */
function rasterise(edges: readonly (readonly number[])[]): Stamp {
  if (edges.length === 0) return { left: 0, top: 0, width: 0, height: 0, cover: new Float32Array() };
  const bound = (parts: readonly number[], of: (...values: number[]) => number) =>
    of(...edges.flatMap((edge) => parts.map((part) => edge[part]!)));
  const left = Math.floor(bound([0, 2], Math.min));
  const top = Math.floor(bound([1, 3], Math.min));
  const width = Math.ceil(bound([0, 2], Math.max)) - left;
  const height = Math.ceil(bound([1, 3], Math.max)) - top;
  const cover = new Float32Array(width * height);
  for (let line = 0; line < height * linesPerPixel; line++) {
    const y = top + (line + 0.5) / linesPerPixel;
    const crossings = edges
      .filter(([, y0 = 0, , y1 = 0]) => y0 <= y !== y1 <= y)
      .map(([x0 = 0, y0 = 0, x1 = 0, y1 = 0]) => ({ x: x0 + ((y - y0) / (y1 - y0)) * (x1 - x0) - left, turn: y0 < y1 ? 1 : -1 }))
      .sort((a, b) => a.x - b.x);
    let winding = 0;
    for (const [at, { x, turn }] of crossings.entries()) {
      winding += turn;
      const end = crossings[at + 1]?.x ?? x;
      if (winding !== 0) addSpan(cover, width * Math.floor(line / linesPerPixel), x, end);
    }
  }
  return { left, top, width, height, cover };
}

function addSpan(cover: Float32Array, rowAt: number, from: number, to: number): void {
  for (let pixel = Math.floor(from); pixel < to; pixel++)
    cover[rowAt + pixel]! += Math.max(0, Math.min(to, pixel + 1) - Math.max(from, pixel)) / linesPerPixel;
}
