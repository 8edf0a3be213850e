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

/**
 * Makes frames of one byte per pixel RLE Lossless: a header, one PackBits segment, padded to an even length. A run never crosses the end of
 * a row. PS3.5 annex G. What it returns is overwritten by the next call.
 */
export function rleEncoder(rows: number, columns: number): (frame: Uint8Array) => Uint8Array {
  const headerBytes = 64;
  const encoded = new Uint8Array(headerBytes + rows * (columns + Math.ceil(columns / 128)) + 1);
  const header = new DataView(encoded.buffer);
  header.setUint32(0, 1, true); // segments
  header.setUint32(4, headerBytes, true); // where the first one starts
  return (frame) => {
    let to = headerBytes;
    for (let row = 0; row < rows; row++) to = packRow(frame, row * columns, (row + 1) * columns, encoded, to);
    if (to % 2 === 1) encoded[to++] = 0;
    return encoded.subarray(0, to);
  };
}

/** Packs `from[start..end)` to `into[to..]` and gives the next free place there: a byte for every 128 more than were read, at worst. */
function packRow(from: Uint8Array, start: number, end: number, into: Uint8Array, to: number): number {
  let literalAt = start; // of bytes read and not yet written
  for (let at = start; at < end; ) {
    const value = from[at]!;
    let next = at + 1;
    while (next < end && from[next]! === value) next++;
    // A run of two within other bytes would cost one byte more as a run of its own.
    if (next - at > 2 || (next - at === 2 && literalAt === at)) {
      to = packLiteral(from, literalAt, at, into, to);
      for (let left = next - at; left > 0; left -= 128) {
        const run = Math.min(left, 128);
        into[to++] = 257 - run; // of a run of one a byte keeps 0, which means one literal
        into[to++] = value;
      }
      literalAt = next;
    }
    at = next;
  }
  return packLiteral(from, literalAt, end, into, to);
}

function packLiteral(from: Uint8Array, start: number, end: number, into: Uint8Array, to: number): number {
  for (let at = start; at < end; ) {
    const count = Math.min(end - at, 128);
    into[to++] = count - 1;
    for (const last = at + count; at < last; at++) into[to++] = from[at]!;
  }
  return to;
}
