import { vrOfTag } from "./dictionary.ts";
import { wordBytesOf } from "./element-vr.ts";
import { openPart10 } from "./part10.ts";
import type { SourceAttributes } from "./source.ts";

/** Longer values (private data, icons, lookup tables) belong to the image they came with, not to a result. */
const maxValueBytes = 64 * 1024;

/**
 * The attributes of an instance as they came, top level only: no sequences, no private groups, no group lengths, no pixels, no value over 64 KiB.
 * The bytes are copies, so the file can be let go.
 */
export function readSourceAttributes(part10: Uint8Array): SourceAttributes {
  const { dataSet } = openPart10(part10);
  const attributes = new Map<number, { readonly vr: string; readonly bytes: Uint8Array }>();
  for (const { tag, vr: writtenVr, offset, length, undefinedLength } of dataSet.elements.values()) {
    const isPrivate = (tag >>> 16) % 2 === 1;
    const vr = writtenVr === "" || writtenVr === "UN" ? vrOfTag(tag) : writtenVr;
    if (isPrivate || (tag & 0xffff) === 0 || vr === "SQ" || undefinedLength || length > maxValueBytes) continue;
    // Not slice(): on a Buffer that is a view of the file.
    const bytes = Uint8Array.from(dataSet.bytes.subarray(offset, offset + length));
    if (!dataSet.encoding.littleEndian) swapBytes(bytes, wordBytesOf(vr));
    attributes.set(tag, { vr, bytes });
  }
  return attributes;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  if (size > 1) for (let at = 0; at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}
