import { constants, inflateRawSync } from "node:zlib";
import { RefusedError } from "../base/errors.ts";
import { type AeTitle, parseAeTitle, parseUid, type Uid } from "../domain/ids.ts";
import { type DataSet, readDataSet } from "./data-set.ts";
import { dataSetEncodingOf, explicitVrLittleEndian, implicitVrLittleEndian } from "./transfer-syntaxes.ts";
import { implementationClassUid, implementationVersionName } from "./uids.ts";
import { textOf } from "./values.ts";

export type FileMeta = {
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly transferSyntaxUid: Uid;
};

const preambleBytes = 128;
const explicitLittle = { explicitVr: true, littleEndian: true } as const;

/** Preamble, DICM and file meta information (group 2, explicit VR little endian) for a data set stored byte-exact as it came. PS3.10 section 7.1 */
export function encodeFileMeta(meta: FileMeta & { readonly sourceAeTitle?: AeTitle }): Uint8Array {
  const elements = Buffer.concat([
    // File Meta Information Version: a long form element with the two bytes 00 01.
    Buffer.from([0x02, 0, 0x01, 0, 0x4f, 0x42, 0, 0, 2, 0, 0, 0, 0, 1]),
    metaText(0x0002, "UI", meta.sopClassUid),
    metaText(0x0003, "UI", meta.sopInstanceUid),
    metaText(0x0010, "UI", meta.transferSyntaxUid),
    metaText(0x0012, "UI", implementationClassUid),
    metaText(0x0013, "SH", implementationVersionName),
    ...(meta.sourceAeTitle === undefined ? [] : [metaText(0x0016, "AE", meta.sourceAeTitle)]),
  ]);
  const start = Buffer.alloc(preambleBytes + 4 + 12);
  start.write("DICM", preambleBytes, "latin1");
  start.set([0x02, 0, 0, 0, 0x55, 0x4c, 4, 0], preambleBytes + 4);
  start.writeUInt32LE(elements.length, preambleBytes + 12);
  return Buffer.concat([start, elements]);
}

function metaText(element: number, vr: "UI" | "SH" | "AE", value: string): Buffer {
  const even = value.length % 2 === 0 ? value : `${value}${vr === "UI" ? "\0" : " "}`;
  const bytes = Buffer.alloc(8 + even.length);
  bytes.writeUInt16LE(0x0002, 0);
  bytes.writeUInt16LE(element, 2);
  bytes.write(vr, 4, "latin1");
  bytes.writeUInt16LE(even.length, 6);
  bytes.write(even, 8, "latin1");
  return bytes;
}

/**
 * The file meta information of a Part 10 file, and where its data set starts. A missing group length is let through, and so is a file without
 * preamble or without any file meta: then the data set itself says which instance it is, and its first element how it is written.
 *
 * @param head the first bytes of the file; a few kilobytes are enough
 */
export function readFileMeta(head: Uint8Array): FileMeta & { readonly dataSetOffset: number } {
  const start = metaStart(head);
  const meta = readMetaGroup(head, start);
  const transferSyntaxUid = textOf(meta, 0x00020010) ?? (meta.elements.size === 0 ? guessTransferSyntax(head, start) : null);
  if (transferSyntaxUid === null) throw new RefusedError("transfer-syntax-missing", "the file meta information has no Transfer Syntax UID");
  const dataSetOffset = meta.next;
  let sopClassUid = textOf(meta, 0x00020002);
  let sopInstanceUid = textOf(meta, 0x00020003);
  if (sopClassUid === null || sopInstanceUid === null) {
    const encoding = dataSetEncodingOf(transferSyntaxUid);
    if (encoding.deflated) throw new RefusedError("file-meta-incomplete", "the file meta information does not name its instance");
    const dataSet = readDataSet(head, dataSetOffset, encoding, { untilTag: 0x00080019 });
    sopClassUid ??= textOf(dataSet, 0x00080016);
    sopInstanceUid ??= textOf(dataSet, 0x00080018);
  }
  if (sopClassUid === null || sopInstanceUid === null)
    throw new RefusedError("file-meta-incomplete", "neither file meta information nor data set name the SOP class and instance");
  return {
    sopClassUid: parseUid(sopClassUid),
    sopInstanceUid: parseUid(sopInstanceUid),
    transferSyntaxUid: parseUid(transferSyntaxUid),
    dataSetOffset,
  };
}

/** Source Application Entity Title (0002,0016) of a file's meta information: who sent it; null where it does not say. */
export function readSourceAeTitle(head: Uint8Array): AeTitle | null {
  const title = textOf(readMetaGroup(head, metaStart(head)), 0x00020016);
  return title === null || title.trim() === "" ? null : parseAeTitle(title);
}

/** Where group 2, or lacking that the data set, begins. */
function metaStart(head: Uint8Array): number {
  if (Buffer.from("DICM").equals(head.subarray(preambleBytes, preambleBytes + 4))) return preambleBytes + 4;
  // Without preamble: only what starts like a DICOM data set, with a low element of group 2 or 8.
  if (head.length >= 8 && (head[0] === 2 || head[0] === 8) && head[1] === 0 && head[3] === 0) return 0;
  throw new RefusedError("not-dicom", "expected a DICOM Part 10 file with DICM at byte 128, found something else");
}

function readMetaGroup(head: Uint8Array, start: number): DataSet {
  if (head.length < start + 8) throw new RefusedError("dicom-truncated", `the file ends after ${head.length} bytes`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  // A group length that is there bounds the group: deflated data behind it may by chance look like an element of group 2.
  const counted = view.getUint32(start, true) === 0x00000002 && view.getUint16(start + 6, true) === 4 && head.length >= start + 12;
  const end = counted ? start + 12 + view.getUint32(start + 8, true) : head.length;
  if (counted && end <= head.length) {
    try {
      const meta = readDataSet(head, start, explicitLittle, { end, untilTag: 0x00030000 });
      if (meta.next === end && !isGroupTwo(view, end)) return meta;
    } catch (error) {
      // A wrong group length is common enough to be let through: then the tags decide where the group ends.
      if (!(error instanceof RefusedError)) throw error;
    }
  }
  return readDataSet(head, start, explicitLittle, { untilTag: 0x00030000 });
}

function isGroupTwo(view: DataView, at: number): boolean {
  return at + 8 <= view.byteLength && view.getUint16(at, true) === 2 && isVr(view, at) && view.getUint16(at + 2, true) < 0x0103;
}

function isVr(view: DataView, at: number): boolean {
  return /^[A-Z]{2}$/.test(String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5)));
}

/** Of a data set without file meta: its first element has a VR, or not. PS3.10 has no such files; scanners' export folders do. */
function guessTransferSyntax(head: Uint8Array, at: number): string {
  return isVr(new DataView(head.buffer, head.byteOffset, head.byteLength), at) ? explicitVrLittleEndian : implicitVrLittleEndian;
}

export type Part10 = { readonly meta: FileMeta; readonly dataSet: DataSet };

/** Pixel Data and its float forms; what precedes them is the header. */
export const firstPixelTag = 0x7fe00008;
/** A deflated data set that grows beyond this is a bomb, not a CT. */
const maxInflatedBytes = 1 << 30;
/** What stands before the pixels, inflated: thousands of frames describe themselves in a few MB. */
const longestHead = 64 << 20;

/**
 * The data set of a Part 10 file up to and without its pixels, or up to `untilTag`.
 *
 * @param whole inflate a deflated data set to its end, so that the pixels behind `dataSet.next` are there
 * @param maxHeadBytes without `whole`: how much of a deflated data set is ever inflated to get there
 */
export function openPart10(file: Uint8Array, { untilTag = firstPixelTag, whole = false, maxHeadBytes = longestHead } = {}): Part10 {
  const { dataSetOffset, ...meta } = readFileMeta(file);
  const encoding = dataSetEncodingOf(meta.transferSyntaxUid);
  if (!encoding.deflated) return { meta, dataSet: readDataSet(file, dataSetOffset, encoding, { untilTag }) };
  const deflated = file.subarray(dataSetOffset);
  if (!whole) return { meta, dataSet: readDeflated(deflated, untilTag, maxHeadBytes) };
  return { meta, dataSet: readDataSet(inflate(deflated, maxInflatedBytes), 0, explicitLittle, { untilTag }) };
}

/**
 * The elements before `untilTag` of a deflated data set, without ever holding more than `maxHeadBytes` of it: of the file's first bytes more and
 * more are inflated, and where those grow too large (deflate grows up to 1032-fold, as black pixels right behind the head do), the most that
 * does not.
 */
function readDeflated(deflated: Uint8Array, untilTag: number, maxHeadBytes: number): DataSet {
  let [tooFew, tooMany] = [0, Number.POSITIVE_INFINITY];
  for (let step = Math.min(4 * 1024, deflated.length); ; ) {
    const bytes = inflateWithin(deflated.subarray(0, step), maxHeadBytes);
    const dataSet = bytes && readHead(bytes, untilTag, step === deflated.length);
    if (dataSet) return dataSet;
    if (bytes) tooFew = step;
    else tooMany = step;
    if (tooMany - tooFew <= 16)
      throw new RefusedError("dicom-too-large", `a deflated data set whose head takes more than ${maxHeadBytes} bytes`);
    step = tooMany < Number.POSITIVE_INFINITY ? (tooFew + tooMany) >> 1 : Math.min(4 * step, deflated.length);
  }
}

/** Null where the bytes end before `untilTag`, and more follow. */
function readHead(bytes: Uint8Array, untilTag: number, isAll: boolean): DataSet | null {
  try {
    const dataSet = readDataSet(bytes, 0, explicitLittle, { untilTag });
    return dataSet.next < bytes.length || isAll ? dataSet : null;
  } catch (error) {
    if (error instanceof RefusedError && error.code === "dicom-truncated" && !isAll) return null;
    throw error;
  }
}

/** Null where there is more. */
function inflateWithin(deflated: Uint8Array, maxBytes: number): Uint8Array | null {
  try {
    return inflate(deflated, maxBytes);
  } catch (error) {
    if (error instanceof RefusedError && error.code === "dicom-too-large") return null;
    throw error;
  }
}

function inflate(deflated: Uint8Array, maxOutputLength: number): Uint8Array {
  try {
    // With a flush instead of a finish, a cut-off stream gives what it holds; its end is then missed by the data set reader.
    return inflateRawSync(deflated, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    if (error instanceof RangeError)
      throw new RefusedError("dicom-too-large", `a deflated data set of more than ${maxOutputLength} bytes`, { cause: error });
    if (error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("Z_"))
      throw new RefusedError("dicom-malformed", `the deflated data set is broken: ${error.message}`, { cause: error });
    throw error;
  }
}
