import { RefusedError } from "../base/errors.ts";

/**
 * Decodes a frame of grey values from RLE Lossless: a header of segment offsets, then one PackBits segment per byte plane, the most significant
 * first. Every segment must give exactly its plane: a truncated one is refused, not filled up. PS3.5 annex G
 *
 * @param bytesPerPixel 1 or 2
 * @returns little endian
 */
export function decodeRle(stream: Uint8Array, pixels: number, bytesPerPixel: 1 | 2): Uint8Array {
  if (stream.length < 64)
    throw new RefusedError("pixel-data-truncated", `an RLE frame of ${stream.length} bytes is shorter than its header`);
  const header = new DataView(stream.buffer, stream.byteOffset, 64);
  const segments = header.getUint32(0, true);
  if (segments !== bytesPerPixel)
    throw new RefusedError("pixel-data-malformed", `expected ${bytesPerPixel} RLE segments, found ${segments}`);
  const decoded = new Uint8Array(pixels * bytesPerPixel);
  for (let segment = 0; segment < segments; segment++) {
    const start = header.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < segments ? header.getUint32(8 + 4 * segment, true) : stream.length;
    if (start < 64 || start > end || end > stream.length)
      throw new RefusedError("pixel-data-truncated", `RLE segment ${segment + 1} lies at bytes ${start} to ${end} of ${stream.length}`);
    const count = unpackBits(stream.subarray(start, end), decoded, bytesPerPixel - 1 - segment, bytesPerPixel);
    if (count !== pixels)
      throw new RefusedError("pixel-data-truncated", `expected ${pixels} pixels in RLE segment ${segment + 1}, found ${count}`);
  }
  return decoded;
}

/** Unpacks into every `step`-th byte from `to` on, and gives how many bytes the segment really holds, up to the first that is one too many. */
function unpackBits(packed: Uint8Array, into: Uint8Array, to: number, step: number): number {
  const capacity = into.length / step;
  let count = 0;
  for (let at = 0; at < packed.length; ) {
    const control = packed[at]!;
    at += 1;
    if (control === 128) continue;
    const run = control < 128 ? control + 1 : 257 - control;
    const literal = control < 128;
    // Segments are padded to an even length by a zero, which looks like the start of a run of one.
    if (count === capacity && at === packed.length && control === 0) break;
    if (at + (literal ? run : 1) > packed.length) return count;
    if (count + run > capacity) return count + run;
    for (let n = 0; n < run; n++) into[to + (count + n) * step] = packed[literal ? at + n : at]!;
    at += literal ? run : 1;
    count += run;
  }
  return count;
}
