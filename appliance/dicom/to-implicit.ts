import { ByteWriter } from "./byte-writer.ts";
import { type DataElement, type DataSet, nextElement, readItems } from "./data-set.ts";
import { firstPixelTag, openPart10 } from "./part10.ts";

/** The start of a data set rewritten in Implicit VR Little Endian, and where the rest of the file follows as it is; null: there is no rest. */
export type Rewritten = { readonly start: Uint8Array; readonly restAt: number | null };

/**
 * Rewrites the head of a file in Explicit VR Little Endian, up to the head of its plain pixels, in Implicit VR: what every archive takes. Values
 * stay as they are, byte for byte; sequences and items get the lengths that they have. PS3.5 section 7.1.3. Refused where the bytes do not reach
 * the pixels (`dicom-truncated`): then more of the file is needed.
 *
 * @param file the first bytes of a Part 10 file, or all of it
 * @param isWhole whether it is all of it
 */
export function rewriteImplicit(file: Uint8Array, isWhole: boolean): Rewritten | null {
  const { dataSet } = openPart10(file, { untilTag: firstPixelTag });
  const pixels = nextElement(dataSet);
  if (pixels === null && !isWhole) return null; // the bytes end between two elements
  const writer = new ByteWriter(file.length);
  writeImplicit(writer, dataSet);
  if (pixels === null) return { start: writer.bytes(), restAt: null };
  writer.tag(pixels.tag);
  writer.u32(pixels.length);
  return { start: writer.bytes(), restAt: pixels.valueAt };
}

function writeImplicit(writer: ByteWriter, dataSet: DataSet): void {
  for (const element of dataSet.elements.values()) {
    if ((element.tag & 0xffff) === 0) continue; // a group length, retired (PS3.5 section 7.2): it would be wrong now
    writer.tag(element.tag);
    const lengthAt = writer.length;
    writer.u32(element.length);
    if (!isSequence(element)) {
      writer.append(dataSet.bytes.subarray(element.offset, element.offset + element.length));
      continue;
    }
    for (const item of readItems(dataSet, element.tag)) {
      writer.tag(0xfffee000);
      const itemLengthAt = writer.length;
      writer.u32(0);
      writeImplicit(writer, item);
      writer.patchU32(itemLengthAt, writer.length - itemLengthAt - 4);
    }
    writer.patchU32(lengthAt, writer.length - lengthAt - 4);
  }
}

function isSequence({ vr, undefinedLength }: DataElement): boolean {
  return vr === "SQ" || (vr === "UN" && undefinedLength);
}
