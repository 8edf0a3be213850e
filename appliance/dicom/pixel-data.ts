import { RefusedError } from "../base/errors.ts";
import type { PixelFormat } from "./ct-instance.ts";
import { nextElement, readFragments } from "./data-set.ts";
import type { Part10 } from "./part10.ts";
import { type TransferSyntax, transferSyntaxOf } from "./transfer-syntaxes.ts";
import { bytesOf } from "./values.ts";

/** The pixels of an instance, still coded. */
export type CodedPixels = {
  readonly syntax: TransferSyntax;
  /** One per frame: native little endian words or bytes, or one code stream. */
  readonly frames: readonly Uint8Array[];
};

/**
 * Finds the bytes of each frame; refused when there are fewer than the header says, or when fragments can't be told apart by frame.
 * PS3.5 sections 8 and A.4
 *
 * @param opened a whole file, up to its pixels
 */
export function readCodedPixels(opened: Part10, format: PixelFormat, numberOfFrames: number): CodedPixels {
  const { dataSet, meta } = opened;
  const syntax = transferSyntaxOf(meta.transferSyntaxUid);
  const element = nextElement(dataSet);
  if (element === null || element.tag > 0x7fe00010) throw new RefusedError("pixel-data-missing", "there is no Pixel Data (7FE0,0010)");
  if (element.tag !== 0x7fe00010)
    throw new RefusedError("pixel-format-unsupported", "expected whole numbers in Pixel Data, found floating point pixels");
  const isEncapsulated = element.length === 0xffffffff;
  if (isEncapsulated !== (syntax.coding !== "native"))
    throw new RefusedError(
      "dicom-malformed",
      `Pixel Data is ${isEncapsulated ? "" : "not "}encapsulated, which ${syntax.name} does not allow`,
    );
  if (isEncapsulated) return { syntax, frames: encapsulatedFrames(opened, element.valueAt, numberOfFrames) };
  return { syntax, frames: nativeFrames(opened, element.valueAt, element.length, format, numberOfFrames) };
}

/** The code stream of each frame, from where the fragments begin. */
export function encapsulatedFrames(opened: Part10, start: number, numberOfFrames: number): Uint8Array[] {
  const [offsetTable, ...fragments] = readFragmentsOf(opened, start);
  return groupFragments(fragments, offsetsOf(opened, offsetTable ?? new Uint8Array()), numberOfFrames);
}

function readFragmentsOf({ dataSet }: Part10, start: number): Uint8Array[] {
  try {
    return readFragments(dataSet, start);
  } catch (error) {
    if (error instanceof RefusedError && error.code === "dicom-truncated")
      throw new RefusedError("pixel-data-truncated", `a fragment of Pixel Data is cut off: ${error.message}`, { cause: error });
    throw error;
  }
}

function nativeFrames({ dataSet }: Part10, start: number, length: number, format: PixelFormat, numberOfFrames: number): Uint8Array[] {
  const { bytes, encoding } = dataSet;
  const rowBytes = format.columns * (format.bitsAllocated / 8);
  const frameBytes = format.rows * rowBytes;
  const expected = frameBytes * numberOfFrames;
  const there = Math.min(length, bytes.length - start);
  if (there < expected)
    throw new RefusedError(
      "pixel-data-truncated",
      `expected ${expected} bytes of pixels (${numberOfFrames} x ${frameBytes}), found ${there}`,
    );
  // Padding to an even length is due, some senders pad further; a whole row more means that the header does not describe these pixels.
  if (length - expected > Math.max(1, rowBytes - 1))
    throw new RefusedError("pixel-data-size", `expected ${expected} bytes of pixels (${numberOfFrames} x ${frameBytes}), found ${length}`);
  return Array.from({ length: numberOfFrames }, (_, frame) => {
    const at = start + frame * frameBytes;
    const pixels = bytes.subarray(at, at + frameBytes);
    return encoding.littleEndian || format.bitsAllocated === 8 ? pixels : Uint8Array.from(Buffer.from(pixels).swap16());
  });
}

/** Offset of each frame's first fragment, by the extended or the basic offset table; null when there is none. PS3.3 C.7.6.3.1.8, PS3.5 A.4 */
function offsetsOf({ dataSet }: Part10, basicTable: Uint8Array): number[] | null {
  const extended = bytesOf(dataSet, 0x7fe00001);
  const [table, size] = extended ? [extended, 8] : [basicTable, 4];
  if (table.length < size) return null;
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  return Array.from({ length: Math.floor(table.length / size) }, (_, index) =>
    size === 8 ? Number(view.getBigUint64(index * 8, true)) : view.getUint32(index * 4, true),
  );
}

function groupFragments(fragments: readonly Uint8Array[], offsets: readonly number[] | null, numberOfFrames: number): Uint8Array[] {
  if (fragments.length < numberOfFrames)
    throw new RefusedError("pixel-data-truncated", `expected pixels of ${numberOfFrames} frames, found ${fragments.length} fragments`);
  if (numberOfFrames === 1) return [fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments)];
  if (fragments.length === numberOfFrames) return [...fragments];
  if (offsets?.length !== numberOfFrames)
    throw new RefusedError(
      "fragments-ambiguous",
      `${fragments.length} fragments for ${numberOfFrames} frames, and no offset table that tells which is whose`,
    );
  const frameAt = new Map(offsets.map((offset, frame) => [offset, frame]));
  const grouped: Uint8Array[][] = [];
  let at = 0;
  for (const fragment of fragments) {
    if (frameAt.get(at) === grouped.length) grouped.push([]);
    grouped.at(-1)?.push(fragment);
    at += 8 + fragment.length;
  }
  if (grouped.length !== numberOfFrames)
    throw new RefusedError(
      "dicom-malformed",
      `the offset table finds ${grouped.length} of ${numberOfFrames} frames at the start of a fragment`,
    );
  return grouped.map((parts) => Buffer.concat(parts));
}
