import { messageOf, RefusedError } from "../base/errors.ts";
import { loadCodecs } from "./codecs.ts";
import { readJpeg2000Header, readJpegHeader, type StreamHeader } from "./codestream.ts";
import type { PixelFormat } from "./ct-instance.ts";
import { decodeRle } from "./rle.ts";
import type { TransferSyntax } from "./transfer-syntaxes.ts";

/**
 * The stored words of a frame, rows x columns, bits as they are stored (the sign is not yet extended). Refused when the coded stream is truncated,
 * or is another image than the header says in size or depth.
 */
export async function decodeFrame(coded: Uint8Array, syntax: TransferSyntax, format: PixelFormat): Promise<Uint16Array> {
  const { rows, columns, bitsAllocated } = format;
  const pixels = rows * columns;
  const bytesPerPixel = bitsAllocated === 8 ? 1 : 2;
  switch (syntax.coding) {
    case "native":
      return words(coded, pixels, bytesPerPixel);
    case "rle":
      return words(decodeRle(coded, pixels, bytesPerPixel), pixels, bytesPerPixel);
    case "jpeg-lossless":
      return await decodeStream(coded, readJpegHeader(coded, 0xffc3), format, "decodeJpeg");
    case "jpeg-ls":
      return await decodeStream(coded, readJpegHeader(coded, 0xfff7), format, "decodeJpegLs");
    case "jpeg-2000":
      return await decodeStream(coded, readJpeg2000Header(coded), format, "decodeJpeg2000");
    case "htj2k":
      return await decodeStream(coded, readJpeg2000Header(coded), format, "decodeHtJpeg2000");
    default:
      return syntax.coding satisfies never;
  }
}

function words(bytes: Uint8Array, pixels: number, bytesPerPixel: 1 | 2): Uint16Array {
  if (bytesPerPixel === 1) return Uint16Array.from(bytes.subarray(0, pixels));
  const { buffer, byteOffset } = bytes;
  return new Uint16Array(
    byteOffset % 2 === 0 ? buffer : buffer.slice(byteOffset, byteOffset + pixels * 2),
    byteOffset % 2 === 0 ? byteOffset : 0,
    pixels,
  );
}

type Codecs = Awaited<ReturnType<typeof loadCodecs>>;
type Decoder = "decodeJpeg" | "decodeJpegLs" | "decodeJpeg2000" | "decodeHtJpeg2000";

async function decodeStream(coded: Uint8Array, header: StreamHeader, format: PixelFormat, decoder: Decoder): Promise<Uint16Array> {
  const { rows, columns, bitsAllocated } = format;
  const found = `${header.columns} x ${header.rows}, ${header.components} component(s), ${header.precision} bits`;
  const expected = `${columns} x ${rows}, 1 component(s), at most ${bitsAllocated} bits`;
  if (header.columns !== columns || header.rows !== rows || header.components !== 1 || header.precision > bitsAllocated)
    throw new RefusedError("pixel-data-mismatch", `expected an image of ${expected} in the coded pixels, found ${found}`);
  const decoded = run(await loadCodecs(), coded, header, format, decoder);
  const stored = words(decoded, rows * columns, bitsAllocated === 8 ? 1 : 2);
  requireOneSign(stored, header, format);
  return stored;
}

function run(
  { Context, NativeCodecs }: Codecs,
  coded: Uint8Array,
  header: StreamHeader,
  format: PixelFormat,
  decoder: Decoder,
): Uint8Array {
  const { rows, columns, bitsAllocated } = format;
  const context = new Context({
    width: columns,
    height: rows,
    bitsAllocated,
    bitsStored: header.precision,
    samplesPerPixel: 1,
    pixelRepresentation: header.signed ? 1 : 0,
    planarConfiguration: 0,
    photometricInterpretation: "MONOCHROME2",
    encodedBuffer: coded,
  });
  let decoded: Uint8Array | undefined;
  try {
    decoded = NativeCodecs[decoder](context).getDecodedBuffer();
  } catch (error) {
    // A throw leaves the decoder's WebAssembly memory as it was in mid-flight: the next image gets a fresh one.
    NativeCodecs.release();
    throw new RefusedError("pixel-data-malformed", `the coded pixels can't be decoded: ${messageOf(error)}`, { cause: error });
  }
  const size = (rows * columns * bitsAllocated) / 8;
  if (decoded?.length !== size)
    throw new RefusedError("pixel-data-malformed", `expected ${size} decoded bytes, found ${decoded?.length ?? 0}`);
  return decoded;
}

/**
 * Refuses streams whose samples have another sign than the header says, where that makes a difference. A stream of unsigned samples under a signed
 * header is common and clear when it has as many bits as are stored: the top bit is the sign.
 */
function requireOneSign(stored: Uint16Array, { precision, signed }: StreamHeader, format: PixelFormat): void {
  if (signed === format.signed || (format.signed && precision === format.bitsStored)) return;
  const topBit = signed ? 0x8000 : 1 << (precision - 1);
  for (let at = 0; at < stored.length; at++)
    if ((stored[at]! & topBit) !== 0)
      throw new RefusedError(
        "pixel-sign-contradiction",
        `the header says ${format.signed ? "signed" : "unsigned"} pixels of ${format.bitsStored} bits, the coded pixels are ${signed ? "signed" : "unsigned"} with ${precision}`,
      );
}
