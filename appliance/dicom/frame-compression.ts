import type { LabelMapCompression } from "../domain/rule.ts";
import { loadCodecs } from "./codecs.ts";
import { rleEncoder } from "./rle.ts";
import { jpegLsLossless, rleLossless } from "./transfer-syntaxes.ts";

/** A way to hold frames of one byte per pixel, without loss. */
export type FrameCompression = {
  readonly transferSyntaxUid: string;
  /** Takes frames of that size to fragments of even length. What it returns may be overwritten by the next call. */
  encoder(rows: number, columns: number): (frame: Uint8Array) => Uint8Array;
};

/** The one of that name; null for plain pixels. */
export async function frameCompression(name: LabelMapCompression): Promise<FrameCompression | null> {
  switch (name) {
    case "none":
      return null;
    case "rle":
      return rleFrames;
    case "jpeg-ls":
      return await jpegLsFrames();
    default:
      return name satisfies never;
  }
}

/** RLE Lossless, by our own encoder. */
export const rleFrames: FrameCompression = { transferSyntaxUid: rleLossless, encoder: rleEncoder };

/** JPEG-LS Lossless (PS3.5 8.2.3, A.4.3), by CharLS. Its WebAssembly is loaded once. */
export async function jpegLsFrames(): Promise<FrameCompression> {
  const { Context, NativeCodecs } = await loadCodecs();
  const encoder = (rows: number, columns: number) => (frame: Uint8Array) => {
    const context = new Context({
      width: columns,
      height: rows,
      bitsAllocated: 8,
      bitsStored: 8,
      samplesPerPixel: 1,
      pixelRepresentation: 0,
      planarConfiguration: 0,
      photometricInterpretation: "MONOCHROME2",
      decodedBuffer: frame,
    });
    const encoded = NativeCodecs.encodeJpegLs(context, { lossy: false }).getEncodedBuffer();
    if (!encoded) throw new Error("the JPEG-LS encoder gave nothing");
    if (encoded.length % 2 === 0) return encoded;
    const padded = new Uint8Array(encoded.length + 1); // a zero after the end marker, PS3.5 A.4
    padded.set(encoded);
    return padded;
  };
  return { transferSyntaxUid: jpegLsLossless, encoder };
}
