import { RefusedError } from "../base/errors.ts";
import { type DataElement, type DataSet, nextElement, readItems } from "../dicom/data-set.ts";
import { vrOfElement } from "../dicom/element-vr.ts";
import { encodeFileMeta, type Part10 } from "../dicom/part10.ts";
import { explicitVrLittleEndian } from "../dicom/transfer-syntaxes.ts";
import { littleEndian } from "./dicom-json.ts";
import { decodedFrame, readStoredFrames } from "./frames.ts";

const longForms = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const undefinedLength = 0xffffffff;
const item = 0xfffee000;
const itemDelimiter = 0xfffee00d;
const sequenceDelimiter = 0xfffee0dd;
const maxNesting = 64;

/**
 * An object written anew in Explicit VR Little Endian, pixels without compression, as a Part 10 file in pieces. What the dictionary does not
 * know of an implicit object is UN, as PS3.5 6.2.2 has it. Refused where the pixels can't be read.
 *
 * @param opened a whole file, up to its pixels
 */
export async function* toExplicitLittle(opened: Part10): AsyncGenerator<Uint8Array, void, undefined> {
  const { dataSet, meta } = opened;
  yield encodeFileMeta({ ...meta, transferSyntaxUid: explicitVrLittleEndian });
  for (const element of dataSet.elements.values()) yield* elementPieces(dataSet, element, 0);
  const pixels = nextElement(dataSet);
  if (!pixels) return;
  if (pixels.tag > 0x7fe00010) throw new RefusedError("dicom-malformed", "expected Pixel Data or the end of the object");
  if (pixels.length !== undefinedLength) {
    const end = pixels.valueAt + pixels.length;
    if (end > dataSet.bytes.length)
      throw new RefusedError(
        "pixel-data-truncated",
        `expected ${pixels.length} bytes of pixels, found ${dataSet.bytes.length - pixels.valueAt}`,
      );
    const vr = pixels.vr || "OW";
    yield head(pixels.tag, vr, pixels.length);
    const value = dataSet.bytes.subarray(pixels.valueAt, end);
    yield dataSet.encoding.littleEndian ? value : littleEndian(value, dataSet, vr);
    return;
  }
  const stored = readStoredFrames(opened);
  const { rows, columns, bitsAllocated } = stored.layout;
  const size = ((rows * columns * bitsAllocated) / 8) * stored.frames.length;
  if (size >= undefinedLength) throw new RefusedError("object-too-large", `${size} bytes of pixels do not fit into one element`);
  yield head(pixels.tag, "OW", size + (size % 2));
  for (const index of stored.frames.keys()) yield await decodedFrame(opened, stored, index);
  if (size % 2 === 1) yield Uint8Array.of(0);
}

function* elementPieces(dataSet: DataSet, element: DataElement, depth: number): Generator<Uint8Array, void, undefined> {
  if ((element.tag & 0xffff) === 0) return; // group lengths are retired, and would be wrong
  const vr = vrOfElement(element);
  if (vr === "SQ") {
    if (depth >= maxNesting) throw new RefusedError("dicom-nested-too-deep", `sequences nest deeper than ${maxNesting}`);
    yield head(element.tag, vr, undefinedLength);
    for (const level of readItems(dataSet, element.tag)) {
      yield mark(item, undefinedLength);
      for (const inner of level.elements.values()) yield* elementPieces(level, inner, depth + 1);
      yield mark(itemDelimiter, 0);
    }
    yield mark(sequenceDelimiter, 0);
    return;
  }
  const value = dataSet.bytes.subarray(element.offset, element.offset + element.length);
  // A sequence that the dictionary does not know: its items stay in implicit VR. PS3.5 6.2.2, note on UN
  if (element.undefinedLength) {
    yield head(element.tag, "UN", undefinedLength);
    yield value;
    yield mark(sequenceDelimiter, 0);
    return;
  }
  yield head(element.tag, vr, element.length);
  yield dataSet.encoding.littleEndian ? value : littleEndian(value, dataSet, vr);
}

/** PS3.5 7.1.2; a value too long for the 16-bit length of its VR is UN. */
function head(tag: number, vr: string, length: number): Buffer {
  const shown = !longForms.has(vr) && length > 0xffff ? "UN" : vr;
  const bytes = Buffer.alloc(longForms.has(shown) ? 12 : 8);
  bytes.writeUInt16LE(tag >>> 16, 0);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  bytes.write(shown, 4, "latin1");
  if (bytes.length === 12) bytes.writeUInt32LE(length, 8);
  else bytes.writeUInt16LE(length, 6);
  return bytes;
}

function mark(tag: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(tag >>> 16, 0);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}
