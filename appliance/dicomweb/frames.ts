import { RefusedError } from "../base/errors.ts";
import { readPixelFormat } from "../dicom/ct-instance.ts";
import { type DataSet, nextElement } from "../dicom/data-set.ts";
import { decodeFrame } from "../dicom/decode.ts";
import type { Part10 } from "../dicom/part10.ts";
import { encapsulatedFrames } from "../dicom/pixel-data.ts";
import { transferSyntaxOf } from "../dicom/transfer-syntaxes.ts";
import { numberOf, required, textOf, unsignedOf } from "../dicom/values.ts";

/** How the samples of a frame lie in its bytes. PS3.3 C.7.6.3.1 */
export type FrameLayout = {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: number;
  readonly bitsAllocated: number;
  /** MONOCHROME1, RGB, … */
  readonly photometricInterpretation: string;
};

/** The frames of an instance as they are stored, and how to read them. */
export type StoredFrames = {
  readonly layout: FrameLayout;
  readonly frames: readonly Uint8Array[];
  readonly isEncapsulated: boolean;
};

/** More than any frame has that anybody looks at. */
const largestFrameBytes = 1 << 30;

/** @param opened a whole file, up to its pixels */
export function readStoredFrames(opened: Part10): StoredFrames {
  const { dataSet } = opened;
  const element = nextElement(dataSet);
  if (element === null || element.tag > 0x7fe00010) throw new RefusedError("pixel-data-missing", "there is no Pixel Data (7FE0,0010)");
  const layout = layoutOf(dataSet);
  const count = numberOf(dataSet, 0x00280008) ?? 1;
  if (!Number.isInteger(count) || count < 1)
    throw new RefusedError("attribute-invalid", `expected a Number of Frames of 1 or more, found ${count}`);
  if (element.length === 0xffffffff) return { layout, frames: encapsulatedFrames(opened, element.valueAt, count), isEncapsulated: true };
  return { layout, frames: nativeFrames(dataSet, element.valueAt, element.length, layout, count), isEncapsulated: false };
}

/** A frame without compression: little endian words, or bytes. Refused where its compression is none that we read. */
export async function decodedFrame(opened: Part10, { frames, isEncapsulated }: StoredFrames, index: number): Promise<Uint8Array> {
  const frame = frames[index]!;
  if (!isEncapsulated) return frame;
  const format = readPixelFormat(opened.dataSet);
  const words = await decodeFrame(frame, transferSyntaxOf(opened.meta.transferSyntaxUid), format);
  if (format.bitsAllocated === 8) return Uint8Array.from(words);
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function layoutOf(dataSet: DataSet): FrameLayout {
  const number = (tag: number, keyword: string): number => required(unsignedOf(dataSet, tag), tag, keyword);
  return {
    rows: number(0x00280010, "Rows"),
    columns: number(0x00280011, "Columns"),
    samplesPerPixel: number(0x00280002, "Samples per Pixel"),
    bitsAllocated: number(0x00280100, "Bits Allocated"),
    photometricInterpretation: textOf(dataSet, 0x00280004) ?? "MONOCHROME2",
  };
}

function nativeFrames({ bytes, encoding }: DataSet, start: number, length: number, layout: FrameLayout, count: number): Uint8Array[] {
  const bits = layout.rows * layout.columns * layout.samplesPerPixel * layout.bitsAllocated;
  const there = Math.min(length, bytes.length - start);
  if (Math.ceil((bits * count) / 8) > there || bits > largestFrameBytes * 8 || bits === 0)
    throw new RefusedError("pixel-data-truncated", `expected ${count} frames of ${bits / 8} bytes, found ${there} bytes of pixels`);
  return Array.from({ length: count }, (_, frame) => {
    const firstBit = frame * bits;
    if (bits % 8 !== 0) return bitsFrom(bytes, start, firstBit, bits);
    const at = start + firstBit / 8;
    const pixels = bytes.subarray(at, at + bits / 8);
    return encoding.littleEndian || layout.bitsAllocated !== 16 ? pixels : Uint8Array.from(Buffer.from(pixels).swap16());
  });
}

/** Frames of single bits lie without a gap; alone each begins with a byte. PS3.5 8.1.1 */
function bitsFrom(bytes: Uint8Array, start: number, firstBit: number, bits: number): Uint8Array {
  const frame = new Uint8Array(Math.ceil(bits / 8));
  for (let bit = 0; bit < bits; bit++) {
    const from = firstBit + bit;
    if ((bytes[start + (from >> 3)]! >> (from & 7)) & 1) frame[bit >> 3]! |= 1 << (bit & 7);
  }
  return frame;
}
