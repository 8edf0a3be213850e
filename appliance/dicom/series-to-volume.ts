import { RefusedError } from "../base/errors.ts";
import type { Uid } from "../domain/ids.ts";
import { type Grid, voxelCount } from "../volume/grid.ts";
import type { CtVolume } from "../volume/volume.ts";
import { arrangeSlices } from "./arrange-slices.ts";
import { type CtFrame, type CtInstance, notASlice, type PixelFormat, type Rescale, readCtInstance } from "./ct-instance.ts";
import { decodeFrame } from "./decode.ts";
import { type ToHounsfield, toHounsfield } from "./hounsfield.ts";
import { chooseStack, withoutStrayOrientations } from "./one-stack.ts";
import { openPart10 } from "./part10.ts";
import { readCodedPixels } from "./pixel-data.ts";
import { isSameImage } from "./same-image.ts";
import type { SourceSeries } from "./source.ts";
import { readSourceAttributes } from "./source-attributes.ts";
import { withoutTwins } from "./twins.ts";

/** An instance of a series whose bytes are fetched when needed, and let go again. */
export type SeriesFile = { readonly sopInstanceUid: Uid; load(): Promise<Uint8Array> };

/** What a person should know of how the volume came about, in sentences: dropped images, pixels out of range, lossy compression. */
export type Notes = { readonly notes: readonly string[] };

/**
 * A CT series as a volume in HU on the grid of its slices, and what the encoders need of it. Refused, with the reason, unless the slices are CT in
 * HU and make one gapless regular stack.
 *
 * Each file is loaded twice, one at a time: first to place it, then to decode it straight into the volume.
 *
 * @param onProgress slices decoded so far, and in all
 */
export async function seriesToVolume(
  files: readonly SeriesFile[],
  { onProgress, signal }: { readonly onProgress?: (done: number, total: number) => void; readonly signal?: AbortSignal } = {},
): Promise<{ readonly volume: CtVolume; readonly source: SourceSeries } & Notes> {
  const placed = await placeSlices(files, signal);
  const { grid, slices } = placed;
  const notes = [...placed.notes];
  const hu = new Int16Array(new SharedArrayBuffer(2 * voxelCount(grid))); // shared, so that several threads can resample it
  const hounsfield = memoised(toHounsfield);
  let done = 0;
  let clampedVoxels = 0;
  for (const [file, ofFile] of Map.groupBy(slices, (slice) => slice.file)) {
    signal?.throwIfAborted();
    clampedVoxels += await naming(file, async () => {
      const opened = openPart10(await file.load(), { whole: true });
      const { format, numberOfFrames } = ofFile[0]!;
      const { frames, syntax } = readCodedPixels(opened, format, numberOfFrames);
      let clamped = 0;
      for (const { frameNumber, rescale, k } of ofFile) {
        const words = await decodeFrame(frames[(frameNumber ?? 1) - 1]!, syntax, format);
        clamped += hounsfield(format, rescale)(words, hu, k * grid.dims[0] * grid.dims[1]);
        done += 1;
        onProgress?.(done, slices.length);
        signal?.throwIfAborted();
      }
      return clamped;
    });
  }
  if (clampedVoxels > 0) notes.push(`${clampedVoxels} voxels lay outside -32768..32767 HU and were held at that border`);
  return { volume: { grid, hu }, source: await sourceOf(placed), notes };
}

/** {@link seriesToVolume} without the pixels: the same checks of the headers, the same grid. */
export async function readSourceSeries(
  files: readonly SeriesFile[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<SourceSeries & Notes> {
  const placed = await placeSlices(files, signal);
  return { ...(await sourceOf(placed)), notes: placed.notes };
}

/** A frame, where it comes from and where it goes. */
type Slice = CtFrame & {
  readonly file: SeriesFile;
  readonly format: PixelFormat;
  readonly numberOfFrames: number;
  readonly rows: number;
  readonly columns: number;
};
type Placed = Notes & { readonly grid: Grid; readonly slices: readonly (Slice & { readonly k: number })[] };

async function sourceOf({ grid, slices }: Placed): Promise<SourceSeries> {
  return {
    grid,
    slices: slices.map(({ sopClassUid, sopInstanceUid, frameNumber }) => ({ sopClassUid, sopInstanceUid, frameNumber })),
    attributes: readSourceAttributes(await slices[0]!.file.load()),
  };
}

async function placeSlices(files: readonly SeriesFile[], signal?: AbortSignal): Promise<Placed> {
  const instances = new Map<Uid, { readonly file: SeriesFile; readonly instance: CtInstance }>();
  const notes: string[] = [];
  let dropped: { readonly code: string; readonly reason: string } | null = null;
  let lossyName: string | null = null;
  for (const file of files) {
    signal?.throwIfAborted();
    await naming(file, async () => {
      const bytes = await file.load();
      const opened = openPart10(bytes, { whole: true });
      const why = notASlice(opened);
      if (why) {
        dropped = why;
        notes.push(`instance ${file.sopInstanceUid} was left out: ${why.reason}`);
        return;
      }
      const instance = readCtInstance(opened);
      const twin = instances.get(instance.sopInstanceUid);
      if (twin && !(await isSameImage(await twin.file.load(), bytes, { decode: true })))
        throw new RefusedError(
          "instance-ambiguous",
          "two different images came under this SOP Instance UID; which one is meant can't be known: send the series again under UIDs of its own",
        );
      if (twin) notes.push(`instance ${file.sopInstanceUid} was there twice, the later copy was left out`);
      const { syntax } = readCodedPixels(opened, instance.format, instance.numberOfFrames);
      if (syntax.lossy) lossyName = syntax.name;
      if (!twin) instances.set(instance.sopInstanceUid, { file, instance });
    });
  }
  const all = [...instances.values()];
  if (all.length === 0) refuseEmpty(files.length, dropped);
  if (lossyName !== null) notes.push(`pixels came in a syntax that may be lossy: ${lossyName}`);
  requireOne(
    "series-mixed",
    "series",
    all.map(({ instance }) => instance.seriesInstanceUid),
  );
  requireOne(
    "study-mixed",
    "study",
    all.map(({ instance }) => instance.studyInstanceUid),
  );
  requireOne(
    "patient-mixed",
    "patient",
    all.map(({ instance }) => instance.patientId),
  );
  requireOne(
    "frame-of-reference-mixed",
    "frame of reference",
    all.map(({ instance }) => instance.frameOfReferenceUid),
  );
  const slices = all.flatMap(({ file, instance: { format, frames, numberOfFrames } }) => {
    if (frames.length < numberOfFrames) notes.push(`${numberOfFrames - frames.length} localizer frame(s) were left out`);
    return frames.map((frame): Slice => ({ ...frame, file, format, numberOfFrames, rows: format.rows, columns: format.columns }));
  });
  const oriented = withoutStrayOrientations(slices);
  const stack = chooseStack(oriented.slices);
  const single = await withoutTwins(stack.slices, readWords);
  const { grid, sorted, notes: geometryNotes } = arrangeSlices(single.slices);
  if (all[0]!.instance.frameOfReferenceUid === null)
    notes.push("the series has no Frame of Reference UID: a result is tied to its images, not to other series of the study");
  return {
    grid,
    slices: sorted.map((slice, k) => ({ ...slice, k })),
    notes: [...notes, ...oriented.notes, ...stack.notes, ...single.notes, ...geometryNotes],
  };
}

async function readWords({ file, format, numberOfFrames, frameNumber }: Slice): Promise<Uint16Array> {
  return naming(file, async () => {
    const { frames, syntax } = readCodedPixels(openPart10(await file.load(), { whole: true }), format, numberOfFrames);
    return decodeFrame(frames[(frameNumber ?? 1) - 1]!, syntax, format);
  });
}

function refuseEmpty(files: number, dropped: { readonly code: string; readonly reason: string } | null): never {
  if (!dropped) throw new RefusedError("too-few-slices", "expected the files of a CT series, found none");
  throw new RefusedError(dropped.code, `none of ${files} instance(s) is a CT slice: of the last, ${dropped.reason}`);
}

function requireOne(code: string, what: string, ids: readonly (string | null)[]): void {
  const different = new Set(ids).size;
  if (different > 1) throw new RefusedError(code, `expected one ${what}, found ${different}`);
}

/** Adds to a refusal which instance it is about. */
async function naming<T>(file: SeriesFile, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new RefusedError(error.code, `${error.message} (instance ${file.sopInstanceUid})`, { cause: error });
  }
}

/** A series has one or two pixel formats and rescales; their tables are worked out once. */
function memoised(make: (format: PixelFormat, rescale: Rescale) => ToHounsfield): (format: PixelFormat, rescale: Rescale) => ToHounsfield {
  const known = new Map<string, ToHounsfield>();
  return (format, rescale) => {
    const key = JSON.stringify([format, rescale]);
    const made = known.get(key) ?? make(format, rescale);
    // A rescale of its own per slice (PET-like scaling) must not pile up tables.
    if (known.size > 16) known.clear();
    known.set(key, made);
    return made;
  };
}
