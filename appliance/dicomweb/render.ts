import { RefusedError } from "../base/errors.ts";
import { readPixelFormat } from "../dicom/ct-instance.ts";
import { type DataSet, readItems } from "../dicom/data-set.ts";
import type { Part10 } from "../dicom/part10.ts";
import { numberOf, orNull, textOf, unsignedOf } from "../dicom/values.ts";
import type { Picture } from "../report/picture.ts";
import { scalePicture } from "../report/scale-picture.ts";
import { decodedFrame, readStoredFrames } from "./frames.ts";

/** How values become grey between black and white. PS3.3 C.11.2.1.2 and C.11.2.1.3 */
const windowShapes = ["linear", "linear-exact", "sigmoid"] as const;
type WindowShape = (typeof windowShapes)[number];
/** Which values are shown from black to white: centre and width in the values that Rescale Slope and Intercept give (HU). */
export type Window = { readonly center: number; readonly width: number; readonly shape: WindowShape };
/** The size that a picture is to fit into, made smaller or larger, and the part of the image that it shows. */
export type Viewport = { readonly width: number; readonly height: number; readonly region: Region };
/** In pixels of the image; null: to its end. */
type Region = {
  readonly x: number;
  readonly y: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly isMirrored: boolean;
  readonly isUpsideDown: boolean;
};
export type RenderOptions = {
  readonly window: Window | null;
  readonly viewport: Viewport | null;
  /** Of a JPEG, 1 to 100. */
  readonly quality: number;
};

const usualQuality = 90;
const longestSide = 4096;
/** Of a thumbnail, unless a viewport is asked for. */
const thumbnailSide = 128;

/** `window=CENTER,WIDTH,SHAPE`, `viewport=WIDTH,HEIGHT,X,Y,WIDTH,HEIGHT` and `quality=1..100` of a request. PS3.18 8.3.5.1 */
export function parseRenderOptions(query: Readonly<Record<string, unknown>>): RenderOptions {
  return { window: windowOf(query.window), viewport: viewportOf(query.viewport), quality: qualityOf(query.quality) };
}

/** The same, small where no size is asked for. PS3.18 8.3.5.2 */
export function parseThumbnailOptions(query: Readonly<Record<string, unknown>>): RenderOptions {
  return parseRenderOptions({ ...query, viewport: query.viewport ?? `${thumbnailSide},${thumbnailSide}` });
}

function qualityOf(text: unknown): number {
  if (text === undefined) return usualQuality;
  if (typeof text !== "string" || !/^([1-9]\d?|100)$/.test(text)) throw new RefusedError("parameter-invalid", "quality: expected 1 to 100");
  return Number(text);
}

function windowOf(text: unknown): Window | null {
  if (text === undefined) return null;
  const [center = "", width = "", named = "linear", ...rest] = typeof text === "string" ? text.split(",") : [];
  const shape = shapeOf(named);
  const isWide = isNumber(width) && (shape === "linear" ? Number(width) >= 1 : Number(width) > 0);
  if (!isNumber(center) || !isWide || !shape || rest.length > 0)
    throw new RefusedError(
      "parameter-invalid",
      `window: expected CENTER,WIDTH and ${windowShapes.join(", ")}, with a width of 1 or more (linear), or above 0`,
    );
  return { center: Number(center), width: Number(width), shape };
}

function shapeOf(name: string): WindowShape | undefined {
  return windowShapes.find((shape) => shape === name.toLowerCase().replace("_", "-"));
}

const isNumber = (word: string): boolean => /^[+-]?(\d{1,9}\.?\d{0,9}|\.\d{1,9})$/.test(word);

function viewportOf(text: unknown): Viewport | null {
  if (text === undefined) return null;
  const words = typeof text === "string" ? text.split(",") : [];
  const [width = "", height = "", x = "", y = "", regionWidth = "", regionHeight = ""] = words;
  const isSide = (word: string): boolean => /^[1-9]\d{0,3}$/.test(word) && Number(word) <= longestSide;
  const isGiven = (word: string): boolean => word !== "";
  const extents = [regionWidth, regionHeight].filter(isGiven);
  const offsets = [x, y].filter(isGiven);
  if (
    words.length > 6 ||
    ![width, height].every(isSide) ||
    !offsets.every((word) => isNumber(word) && Number(word) >= 0) ||
    !extents.every((word) => isNumber(word) && Number(word) !== 0)
  )
    throw new RefusedError(
      "parameter-invalid",
      `viewport: expected WIDTH,HEIGHT of 1 to ${longestSide}, and the part of the image, where not all, as X,Y,WIDTH,HEIGHT behind them`,
    );
  const extentOf = (word: string): number | null => (word === "" ? null : Math.abs(Number(word)));
  const region = {
    x: Number(x),
    y: Number(y),
    width: extentOf(regionWidth),
    height: extentOf(regionHeight),
    isMirrored: Number(regionWidth) < 0,
    isUpsideDown: Number(regionHeight) < 0,
  };
  return { width: Number(width), height: Number(height), region };
}

/**
 * A frame as a picture: grey values through a window (that of the request, else of the object, else from the smallest value to the largest;
 * PS3.3 C.11.2.1.2), single bits as black and white, RGB as it is.
 */
export async function renderFrame(
  opened: Part10,
  frame: number | "middle",
  { window, viewport }: Omit<RenderOptions, "quality">,
): Promise<Picture> {
  const stored = readStoredFrames(opened);
  const { layout } = stored;
  const index = frame === "middle" ? stored.frames.length >> 1 : frame;
  if (index >= stored.frames.length)
    throw new RefusedError("not-found", `there is no frame ${index + 1}; there are ${stored.frames.length}`);
  const { columns: width, rows: height, samplesPerPixel, bitsAllocated } = layout;
  const pixels = await decodedFrame(opened, stored, index);
  const colorAt = samplesPerPixel === 3 ? rgbOf(opened, pixels) : greyOf(opened, pixels, bitsAllocated, index, window);
  const rgb = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) for (let part = 0; part < 3; part++) rgb[3 * pixel + part] = colorAt(pixel, part);
  const picture = { width, height, rgb };
  return viewport ? throughViewport(picture, viewport) : picture;
}

/** The part that a viewport shows, in the largest size that fits into it and keeps its proportions. PS3.18 8.3.5.1.3 */
function throughViewport(picture: Picture, { width, height, region }: Viewport): Picture {
  const { x, y } = region;
  const [columns, rows] = [region.width ?? picture.width - x, region.height ?? picture.height - y];
  if (columns <= 0 || rows <= 0 || x + columns > picture.width || y + rows > picture.height)
    throw new RefusedError("parameter-invalid", `viewport: expected a part of the image of ${picture.width} x ${picture.height} pixels`);
  const scale = Math.min(width / columns, height / rows);
  const side = (length: number): number => Math.max(1, Math.round(length * scale));
  return scalePicture(
    picture,
    { from: region.isMirrored ? x + columns : x, to: region.isMirrored ? x : x + columns, pixels: side(columns) },
    { from: region.isUpsideDown ? y + rows : y, to: region.isUpsideDown ? y : y + rows, pixels: side(rows) },
  );
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
  const shape = shapeOf(levels.map((level) => textOf(level, 0x00281056)).find((text) => text !== null) ?? "linear") ?? "linear";
  const own = center !== null && width !== null && width >= (shape === "linear" ? 1 : Number.MIN_VALUE) ? { center, width, shape } : null;
  const window = asked ?? own ?? widest(valueAt, (8 * pixels.length) / bitsAllocated);
  const isInverse = textOf(dataSet, 0x00280004) === "MONOCHROME1";
  const share = shareOf(window);
  return (pixel) => {
    const grey = Math.round(255 * share(valueAt(pixel)));
    return isInverse ? 255 - grey : grey;
  };
}

/** From a value to how far it is from black to white, 0 to 1. PS3.3 C.11.2.1.2.1 to C.11.2.1.3.2 */
function shareOf({ center, width, shape }: Window): (value: number) => number {
  const clipped = (share: number): number => Math.min(1, Math.max(0, share));
  switch (shape) {
    case "linear":
      return (value) => clipped((value - (center - 0.5)) / Math.max(width - 1, 1e-6) + 0.5);
    case "linear-exact":
      return (value) => clipped((value - center) / width + 0.5);
    case "sigmoid":
      return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
    default:
      return shape satisfies never;
  }
}

function widest(valueAt: (pixel: number) => number, pixels: number): Window {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let pixel = 0; pixel < pixels; pixel++) {
    const value = valueAt(pixel);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { center: (low + high + 1) / 2, width: Math.max(1, high - low + 1), shape: "linear" };
}

/** The macros of Pixel Value Transformation and Frame VOI LUT that hold for a frame: its own, then those shared by all. PS3.3 C.7.6.16.2.9 and .10 */
function functionalGroups(dataSet: DataSet, index: number): DataSet[] {
  const groups = [readItems(dataSet, 0x52009230)[index], readItems(dataSet, 0x52009229)[0]];
  return groups.flatMap((group) => (group ? [...readItems(group, 0x00289145), ...readItems(group, 0x00289132)] : []));
}
