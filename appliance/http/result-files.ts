import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod/mini";
import type { ImagesInfo } from "../api/series.ts";
import { outputForms } from "../pipeline/outputs.ts";
import { surfaceFiles } from "../pipeline/surfaces.ts";
import { namesIn, openIfThere } from "../store/if-there.ts";
import { notFound } from "./route.ts";

const unit = z.tuple([z.number(), z.number(), z.number()]);
const size = z.int().check(z.positive(), z.maximum(8192));
/** images.json of a result's folder; further keys are fine. */
const imagesInfo = z.object({
  dims: z.tuple([size, size, size]),
  spacingMm: z.tuple([z.number(), z.number(), z.number()]),
  directions: z.tuple([unit, unit, unit]),
});

/** The record of how a result was made and where it went: put together when it is asked for, since it grows. */
export const provenanceFile = "provenance.json";

/** The files of a result that may be downloaded, beside {@link isDocument reports and notes}. */
export const downloads: readonly string[] = [
  ...Object.values(outputForms).map(({ file }) => file),
  "labels.nii.gz",
  "statistics.json",
  ...surfaceFiles,
];

/** The grid of a result's slices, or null while there are none. */
export async function readImagesInfo(folder: string): Promise<ImagesInfo | null> {
  const file = await openIfThere(join(folder, "images.json"));
  if (!file) return null;
  try {
    return imagesInfo.parse(JSON.parse(await file.readFile("utf8")));
  } catch (error) {
    throw new Error("images.json of a result is not as we write it", { cause: error });
  } finally {
    await file.close();
  }
}

/**
 * One slice: ni*nj int16 little-endian HU, then ni*nj uint8 labels, i fastest. Only its own bytes of volume.i16 and labels.u8 are read.
 * Not found when there are no slices or `k` is none of them.
 */
export async function readSlice(folder: string, k: number): Promise<Buffer> {
  const images = await readImagesInfo(folder);
  if (!images || k >= images.dims[2]) throw notFound("slice");
  const pixels = images.dims[0] * images.dims[1];
  const slice = Buffer.allocUnsafe(3 * pixels);
  await readRange(join(folder, "volume.i16"), slice.subarray(0, 2 * pixels), k * 2 * pixels);
  await readRange(join(folder, "labels.u8"), slice.subarray(2 * pixels), k * pixels);
  return slice;
}

/** Which of the downloads are there. */
export async function listDownloads(folder: string): Promise<string[]> {
  const names: readonly string[] = await namesIn(folder);
  return [...downloads.filter((name) => names.includes(name)), ...names.filter(isDocument).sort()];
}

/** Whether a file is a report or rejection note that was written for those who have certain objects. */
function isDocument(name: string): boolean {
  return /^(sr|rejection-note)-[1-9]\d{0,14}\.dcm$/.test(name);
}

/** An open file and its size; the caller closes it. Undefined where there is none. */
export async function openDownload(folder: string, name: string): Promise<{ file: FileHandle; sizeBytes: number } | undefined> {
  if (!downloads.includes(name) && !isDocument(name)) return undefined;
  const file = await openIfThere(join(folder, name));
  return file ? { file, sizeBytes: (await file.stat()).size } : undefined;
}

async function readRange(path: string, into: Buffer, from: number): Promise<void> {
  const file = await open(path, "r");
  try {
    for (let at = 0; at < into.length; ) {
      const { bytesRead } = await file.read(into, at, into.length - at, from + at);
      if (bytesRead === 0) throw new Error(`a result's slice file ends before its slice at byte ${from}`);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}
