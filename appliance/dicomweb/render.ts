import { RefusedError } from "../base/errors.ts";
import { readPixelFormat } from "../dicom/ct-instance.ts";
import { type DataSet, readItems } from "../dicom/data-set.ts";
import type { Part10 } from "../dicom/part10.ts";
import { numberOf, orNull, textOf, unsignedOf } from "../dicom/values.ts";
import type { Picture } from "../report/picture.ts";
import { decodedFrame, readStoredFrames } from "./frames.ts";

/** Which values are shown from black to white: centre and width in the values that Rescale Slope and Intercept give (HU). */
export type Window = { readonly center: number; readonly width: number };
export type RenderOptions = {
  readonly window: Window | null;
  /** The picture is made smaller to fit into it, never larger. */
  readonly viewport: { readonly width: number; readonly height: number } | null;
  /** Of a JPEG, 1 to 100. */
  readonly quality: number;
};

const usualQuality = 90;

/** `window=CENTER,WIDTH,FUNCTION`, `viewport=WIDTH,HEIGHT` and `quality=1..100` of a request. PS3.18 8.3.5.1 */
export function parseRenderOptions(query: Readonly<Record<string, unknown>>): RenderOptions {
  return { window: windowOf(query.window), viewport: viewportOf(query.viewport), quality: qualityOf(query.quality) };
}

function qualityOf(text: unknown): number {
  if (text === undefined) return usualQuality;
  if (typeof text !== "string" || !/^([1-9]\d?|100)$/.test(text)) throw new RefusedError("parameter-invalid", "quality: expected 1 to 100");
  return Number(text);
}

function windowOf(text: unknown): Window | null {
  if (text === undefined) return null;
  const [center = "", width = "", shape = "linear", ...rest] = typeof text === "string" ? text.split(",") : [];
  const isNumber = (word: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)$/.test(word);
  if (!isNumber(center) || !isNumber(width) || Number(width) < 1 || shape.toLowerCase() !== "linear" || rest.length > 0)
    throw new RefusedError("parameter-invalid", "window: expected CENTER,WIDTH,linear with a width of 1 or more");
  return { center: Number(center), width: Number(width) };
}

function viewportOf(text: unknown): RenderOptions["viewport"] {
  if (text === undefined) return null;
  const found = typeof text === "string" ? /^([1-9]\d{0,3}),([1-9]\d{0,3})$/.exec(text) : null;
  if (!found)
    throw new RefusedError("parameter-invalid", "viewport: expected WIDTH,HEIGHT, each 1 to 9999; no part of an image is cut out here");
  return { width: Number(found[1]), height: Number(found[2]) };
}

/**
 * A frame as a picture: grey values through a window (that of the request, else of the object, else from the smallest value to the largest;
 * PS3.3 C.11.2.1.2.1), single bits as black and white, RGB as it is.
 */
export async function renderFrame(opened: Part10, index: number, { window, viewport }: Omit<RenderOptions, "quality">): Promise<Picture> {
  const stored = readStoredFrames(opened);
  const { layout } = stored;
  if (index >= stored.frames.length)
    throw new RefusedError("not-found", `there is no frame ${index + 1}; there are ${stored.frames.length}`);
  const pixels = await decodedFrame(opened, stored, index);
  const scale = viewport ? Math.max(1, layout.columns / viewport.width, layout.rows / viewport.height) : 1;
  const width = Math.max(1, Math.floor(layout.columns / scale));
  const height = Math.max(1, Math.floor(layout.rows / scale));
  const colorAt = layout.samplesPerPixel === 3 ? rgbOf(opened, pixels) : greyOf(opened, pixels, layout.bitsAllocated, index, window);
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = Math.floor((y + 0.5) * scale) * layout.columns + Math.floor((x + 0.5) * scale);
      const to = 3 * (y * width + x);
      for (let part = 0; part < 3; part++) rgb[to + part] = colorAt(at, part);
    }
  return { width, height, rgb };
}

type ColorAt = (pixel: number, part: number) => number;

function rgbOf({ dataSet, meta }: Part10, pixels: Uint8Array): ColorAt {
  const planes = unsignedOf(dataSet, 0x00280006) ?? 0;
  const bits = unsignedOf(dataSet, 0x00280100);
  if (bits !== 8 || planes !== 0)
    throw new RefusedError(
      "pixel-format-unsupported",
      `no picture of colours of ${bits} bits in arrangement ${planes} (${meta.transferSyntaxUid})`,
    );
  return (pixel, part) => pixels[3 * pixel + part]!;
}

function greyOf(opened: Part10, pixels: Uint8Array, bitsAllocated: number, index: number, asked: Window | null): ColorAt {
  if (bitsAllocated === 1) return (pixel) => ((pixels[pixel >> 3]! >> (pixel & 7)) & 1) * 255;
  const { dataSet } = opened;
  const { bitsStored, highBit, signed } = readPixelFormat(dataSet);
  const levels = [...functionalGroups(dataSet, index), dataSet];
  const first = (tag: number): number | null => {
    for (const level of levels) {
      const value = orNull(() => numberOf(level, tag));
      if (value !== null) return value;
    }
    return null;
  };
  const [slope, intercept] = [first(0x00281053) ?? 1, first(0x00281052) ?? 0];
  const view = new DataView(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const [up, down] = [32 - 1 - highBit, 32 - bitsStored];
  const valueAt = (pixel: number): number => {
    const word = bitsAllocated === 8 ? pixels[pixel]! : view.getUint16(2 * pixel, true);
    const bits = word << up;
    return (signed ? bits >> down : bits >>> down) * slope + intercept;
  };
  const [center, width] = [first(0x00281050), first(0x00281051)];
  const window =
    asked ?? (center !== null && width !== null && width >= 1 ? { center, width } : widest(valueAt, (8 * pixels.length) / bitsAllocated));
  const isInverse = textOf(dataSet, 0x00280004) === "MONOCHROME1";
  return (pixel) => {
    const share = (valueAt(pixel) - (window.center - 0.5)) / Math.max(window.width - 1, 1e-6) + 0.5;
    const grey = Math.round(255 * Math.min(1, Math.max(0, share)));
    return isInverse ? 255 - grey : grey;
  };
}

function widest(valueAt: (pixel: number) => number, pixels: number): Window {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const value = valueAt(pixel);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { center: (low + high + 1) / 2, width: Math.max(1, high - low + 1) };
}

/** The macros of Pixel Value Transformation and Frame VOI LUT that hold for a frame: its own, then those shared by all. PS3.3 C.7.6.16.2.9 and .10 */
function functionalGroups(dataSet: DataSet, index: number): DataSet[] {
  const groups = [readItems(dataSet, 0x52009230)[index], readItems(dataSet, 0x52009229)[0]];
  return groups.flatMap((group) => (group ? [...readItems(group, 0x00289145), ...readItems(group, 0x00289132)] : []));
}
