import type { Uid } from "../domain/ids.ts";
import { ByteWriter } from "./byte-writer.ts";
import { explicitVrLittleEndian, implicitVrLittleEndian } from "./transfer-syntaxes.ts";
import { implementationClassUid, implementationVersionName } from "./uids.ts";

export type Vr =
  | "AS"
  | "AT"
  | "CS"
  | "DA"
  | "DS"
  | "DT"
  | "IS"
  | "LO"
  | "LT"
  | "OB"
  | "PN"
  | "SH"
  | "SQ"
  | "ST"
  | "TM"
  | "UC"
  | "UI"
  | "UL"
  | "UN"
  | "US"
  | "UT";

/** A value too large to hold: its bytes come piece by piece. A piece may be overwritten once the next is asked for. */
export type Streamed = {
  /** Null for a sequence whose items' length is not known before; it is then closed by a delimiter. */
  readonly sizeBytes: number | null;
  readonly pieces: () => Iterable<Uint8Array>;
};
export type Item = readonly Element[];
/** A data element to be written. Bytes need no padding; items are sorted by tag when written. */
export type Element = { readonly tag: number; readonly vr: Vr; readonly value: Uint8Array | readonly Item[] | Streamed };
export type Encoding = "explicit" | "implicit";

/** The largest even length a 32-bit Value Length can say; FFFFFFFF means undefined. */
export const largestValueBytes = 0xffff_fffe;
const undefinedLength = 0xffff_ffff;
const longForm: ReadonlySet<Vr> = new Set<Vr>(["OB", "SQ", "UC", "UN", "UT"]);
const zeroPadded: ReadonlySet<Vr> = new Set<Vr>(["OB", "UI", "UN"]);

/** Text of our own making. ASCII only, so that it reads the same under whatever Specific Character Set the source has; see {@link plainText}. */
export function text(tag: number, vr: Vr, ...values: readonly string[]): Element {
  const joined = values.join("\\");
  if (/[^\t\n\f\r\x20-\x7e]/.test(joined)) throw new Error(`text for ${tagName(tag)} holds characters outside ASCII`);
  return { tag, vr, value: Buffer.from(joined, "latin1") };
}

/** Value bytes as they came, in the character set they came in. */
export function raw(tag: number, vr: Vr, bytes: Uint8Array): Element {
  return { tag, vr, value: bytes };
}

export function sequence(tag: number, ...items: readonly Item[]): Element {
  return { tag, vr: "SQ", value: items };
}

export function unsignedShort(tag: number, ...values: readonly number[]): Element {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, 2 * index);
  return { tag, vr: "US", value: bytes };
}

export function unsignedLong(tag: number, ...values: readonly number[]): Element {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return { tag, vr: "UL", value: bytes };
}

/** An element whose value is the tag of another one. */
export function attributeTag(tag: number, value: number): Element {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(value >>> 16, 0);
  bytes.writeUInt16LE(value & 0xffff, 2);
  return { tag, vr: "AT", value: bytes };
}

/** Decimal strings of at most 16 characters each, as exact as fits. PS3.5 table 6.2-1, DS. */
export function decimal(tag: number, ...values: readonly number[]): Element {
  return text(tag, "DS", ...values.map(decimalString));
}

export function decimalString(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`a decimal string cannot say ${value}`);
  if (value === 0) return "0";
  for (let digits = 17; ; digits--) {
    const rounded = value.toPrecision(digits);
    for (const shown of [String(Number(rounded)), rounded]) if (shown.length <= 16) return shown; // the second one for 1e17 to 1e21
  }
}

/** A text as it may stand in our own elements: accents taken off, other foreign characters and backslashes replaced, at most so many characters. */
export function plainText(from: string, maxCharacters: number): string {
  return from
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/\s+/g, " ")
    .replaceAll("\\", "/")
    .replace(/[^\x20-\x7e]/gu, "?")
    .trim()
    .slice(0, maxCharacters)
    .trimEnd();
}

export type Part10Content = {
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  readonly encoding: Encoding;
  /** Where it is not the plain one of that encoding: the pixels are encapsulated. */
  readonly transferSyntaxUid?: Uid;
  readonly elements: Item;
};

/** A DICOM file (PS3.10 section 7) in pieces of about a quarter of a megabyte, which the caller may keep. It can be iterated again and gives the same bytes. */
export function writePart10(content: Part10Content): Iterable<Uint8Array> {
  const { sopClassUid, sopInstanceUid, encoding, elements } = content;
  const plainSyntaxUid = encoding === "explicit" ? explicitVrLittleEndian : implicitVrLittleEndian;
  const meta = encodeElements(
    [
      raw(0x00020001, "OB", Uint8Array.of(0, 1)),
      text(0x00020002, "UI", sopClassUid),
      text(0x00020003, "UI", sopInstanceUid),
      text(0x00020010, "UI", content.transferSyntaxUid ?? plainSyntaxUid),
      text(0x00020012, "UI", implementationClassUid),
      text(0x00020013, "SH", implementationVersionName),
    ],
    "explicit",
  );
  const preamble = new Uint8Array(132);
  preamble.set(Buffer.from("DICM", "latin1"), 128);
  const groupLength = encodeElements([unsignedLong(0x00020000, meta.length)], "explicit");
  const pieces = function* (): Iterable<Uint8Array> {
    yield preamble;
    yield groupLength;
    yield meta;
    yield* dataSet(elements, encoding);
  };
  return { [Symbol.iterator]: () => inChunks(pieces(), 1 << 18) };
}

function* dataSet(elements: Item, encoding: Encoding): Iterable<Uint8Array> {
  for (const element of sorted(elements)) {
    const { tag, vr, value } = element;
    if (!isStreamed(value)) {
      yield encodeElements([element], encoding);
      continue;
    }
    const { sizeBytes, pieces } = value;
    const isOdd = sizeBytes !== null && sizeBytes % 2 === 1;
    if (sizeBytes !== null && sizeBytes > largestValueBytes) throw new Error(`${tagName(tag)} of ${sizeBytes} bytes is over 4 GiB`);
    const head = new ByteWriter(16);
    writeHead(head, tag, vr, sizeBytes === null ? undefinedLength : sizeBytes + (isOdd ? 1 : 0), encoding);
    yield head.bytes();
    let written = 0;
    for (const piece of pieces()) {
      written += piece.length;
      yield piece;
    }
    if (sizeBytes === null) {
      const end = new ByteWriter(8);
      end.tag(0xfffee0dd);
      end.u32(0);
      yield end.bytes();
    } else if (written !== sizeBytes) throw new Error(`${tagName(tag)} was to be ${sizeBytes} bytes and came to ${written}`);
    if (isOdd) yield Uint8Array.of(0);
  }
}

/** Elements one after the other, sorted by tag. */
export function encodeElements(elements: Item, encoding: Encoding): Uint8Array {
  const writer = new ByteWriter(256);
  writeElements(writer, elements, encoding);
  return writer.bytes();
}

/** An item with its head, as it stands in a sequence. */
export function encodeItem(item: Item, encoding: Encoding): Uint8Array {
  const writer = new ByteWriter(256);
  writeItem(writer, item, encoding);
  return writer.bytes();
}

function writeElements(writer: ByteWriter, elements: Item, encoding: Encoding): void {
  for (const { tag, vr, value } of sorted(elements)) {
    if (isStreamed(value)) throw new Error(`${tagName(tag)} is streamed, which only works at the top level`);
    if (value instanceof Uint8Array) {
      const isOdd = value.length % 2 === 1;
      writeHead(writer, tag, vr, value.length + (isOdd ? 1 : 0), encoding);
      writer.append(value);
      if (isOdd) writer.u8(zeroPadded.has(vr) ? 0 : 0x20);
    } else {
      const lengthAt = writeHead(writer, tag, vr, 0, encoding);
      const start = writer.length;
      for (const item of value) writeItem(writer, item, encoding);
      writer.patchU32(lengthAt, writer.length - start);
    }
  }
}

function writeItem(writer: ByteWriter, item: Item, encoding: Encoding): void {
  writer.tag(0xfffee000);
  const lengthAt = writer.length;
  writer.u32(0);
  writeElements(writer, item, encoding);
  writer.patchU32(lengthAt, writer.length - lengthAt - 4);
}

/** Tag, VR and length (PS3.5 section 7.1); gives the place of a 32-bit length. */
function writeHead(writer: ByteWriter, tag: number, vr: Vr, sizeBytes: number, encoding: Encoding): number {
  writer.tag(tag);
  if (encoding === "explicit") {
    // PS3.5 6.2.2: a value too long for its VR's 16-bit length is written as UN.
    const shown = sizeBytes > 0xfffe && !longForm.has(vr) ? "UN" : vr;
    writer.u8(shown.charCodeAt(0));
    writer.u8(shown.charCodeAt(1));
    if (!longForm.has(shown)) {
      writer.u16(sizeBytes);
      return -1;
    }
    writer.u16(0);
  }
  const lengthAt = writer.length;
  writer.u32(sizeBytes);
  return lengthAt;
}

function sorted(elements: Item): Item {
  const inOrder = elements.toSorted((a, b) => a.tag - b.tag);
  for (let index = 1; index < inOrder.length; index++)
    if (inOrder[index]!.tag === inOrder[index - 1]!.tag) throw new Error(`${tagName(inOrder[index]!.tag)} is given twice`);
  return inOrder;
}

function isStreamed(value: Element["value"]): value is Streamed {
  return "pieces" in value;
}

function tagName(tag: number): string {
  const hex = tag.toString(16).padStart(8, "0");
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}

/** Joins and cuts pieces into chunks of one size; the last is shorter. Copies, so that the makers of the pieces may reuse theirs. */
function* inChunks(pieces: Iterable<Uint8Array>, sizeBytes: number): Generator<Uint8Array, void, undefined> {
  let chunk = new Uint8Array(sizeBytes);
  let filled = 0;
  for (const piece of pieces)
    for (let at = 0; at < piece.length; ) {
      const taken = Math.min(piece.length - at, sizeBytes - filled);
      chunk.set(piece.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled === sizeBytes) {
        yield chunk;
        chunk = new Uint8Array(sizeBytes);
        filled = 0;
      }
    }
  if (filled > 0) yield chunk.subarray(0, filled);
}
