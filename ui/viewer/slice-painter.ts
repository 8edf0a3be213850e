import { type Affine, fit, type Layout } from "./camera.ts";
import { outlinesOf, type Palette, paintLabels } from "./mask-overlay.ts";
import type { Slice } from "./slice-cache.ts";
import { applyWindow, type Window } from "./window-level.ts";

export type Picture = {
  readonly slice: Slice;
  readonly layout: Layout;
  readonly window: Window;
  readonly palette: Palette;
  readonly opacity: number;
  readonly mode: "fill" | "outline";
  readonly mark: readonly [i: number, j: number, k: number] | undefined;
  /** Device pixels per CSS pixel. */
  readonly pixelRatio: number;
};

/** Draws slices: grey values smoothed to the screen's size, labels with hard edges, outlines as lines of even width. */
export class SlicePainter {
  #grey: OffscreenCanvas | undefined;
  #mask: OffscreenCanvas | undefined;

  paint(canvas: HTMLCanvasElement, { slice, layout, window, palette, opacity, mode, mark, pixelRatio }: Picture): void {
    const context = canvas.getContext("2d");
    if (!context) return; // a lost context is given back by the browser, and with it another call
    const { columns, rows } = layout;
    const toScreen = fit(layout, canvas.width, canvas.height);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);

    this.#grey = sized(this.#grey, columns, rows);
    fill(this.#grey, (rgba) => applyWindow(slice.hu, window, rgba));
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    context.setTransform(...toScreen);
    context.drawImage(this.#grey, -0.5, -0.5);

    if (mode === "fill" && opacity > 0) {
      this.#mask = sized(this.#mask, columns, rows);
      fill(this.#mask, (rgba) => paintLabels(slice.labels, palette, rgba));
      context.imageSmoothingEnabled = false;
      context.globalAlpha = opacity;
      context.drawImage(this.#mask, -0.5, -0.5);
    }
    if (mode === "outline" && opacity > 0) {
      context.globalAlpha = Math.min(1, opacity * 2); // a line needs more of it than an area to be seen
      drawOutlines(context, outlinesOf(slice.labels, columns, rows, palette), palette, toScreen, 1.5 * pixelRatio);
    }
    context.globalAlpha = 1;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (mark) drawMark(context, toScreen, mark, pixelRatio);
  }
}

function drawOutlines(
  context: CanvasRenderingContext2D,
  outlines: Map<number, number[]>,
  palette: Palette,
  toScreen: Affine,
  lineWidth: number,
): void {
  context.lineWidth = lineWidth;
  context.lineCap = "square";
  for (const [value, lines] of outlines) {
    context.setTransform(...toScreen);
    context.beginPath();
    for (let at = 0; at < lines.length; at += 4) {
      context.moveTo(lines[at]!, lines[at + 1]!);
      context.lineTo(lines[at + 2]!, lines[at + 3]!);
    }
    context.setTransform(1, 0, 0, 1, 0, 0); // the lines are placed; their width is one of the screen
    context.strokeStyle = `rgb(${palette.get(value)?.join(" ")})`;
    context.stroke();
  }
}

function drawMark(context: CanvasRenderingContext2D, [a, b, c, d, e, f]: Affine, [i, j]: readonly number[], pixelRatio: number): void {
  const x = a * i! + c * j! + e;
  const y = b * i! + d * j! + f;
  for (const [width, color] of [
    [3 * pixelRatio, "#000"],
    [1.25 * pixelRatio, "#fff"],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = color;
    context.beginPath();
    for (const [stepX, stepY] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      context.moveTo(x + 5 * stepX * pixelRatio, y + 5 * stepY * pixelRatio);
      context.lineTo(x + 14 * stepX * pixelRatio, y + 14 * stepY * pixelRatio);
    }
    context.stroke();
  }
}

function sized(canvas: OffscreenCanvas | undefined, width: number, height: number): OffscreenCanvas {
  return canvas?.width === width && canvas.height === height ? canvas : new OffscreenCanvas(width, height);
}

function fill(canvas: OffscreenCanvas, paint: (rgba: Uint8ClampedArray) => void): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(canvas.width, canvas.height);
  paint(image.data);
  context.putImageData(image, 0, 0);
}
