import { RefusedError } from "../base/errors.ts";

/** How the elements of a data set are written down. */
export type Encoding = { readonly explicitVr: boolean; readonly littleEndian: boolean };

/** Where the value of a data element lies. */
export type DataElement = {
  readonly tag: number;
  /** Empty where the file does not tell it (implicit VR). */
  readonly vr: string;
  readonly offset: number;
  /** Value bytes without the delimiter that closes an undefined length. */
  readonly length: number;
  readonly undefinedLength: boolean;
};

/** One level of a data set: its elements by tag. Sequences are read when asked for, with {@link readItems}. */
export type DataSet = {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly encoding: Encoding;
  readonly elements: ReadonlyMap<number, DataElement>;
  /** Where reading stopped: the end, or the first element at or past `untilTag`. */
  readonly next: number;
  readonly budget: Budget;
};

/** What is still allowed of a file; shared by all levels of its data set. */
export type Budget = { elements: number };

/** More than any CT has (an enhanced one with 10,000 frames has about a million) and read in under a second. */
const maxElements = 4_000_000;
/** Sequences inside sequences; structured reports reach about 15. */
const maxNesting = 64;

const item = 0xfffee000;
const itemDelimiter = 0xfffee00d;
const sequenceDelimiter = 0xfffee0dd;
const undefinedLengthMark = 0xffffffff;

/** Value representations with a 32-bit length in explicit VR. PS3.5 table 7.1-1 */
const longForms = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const shortForms = new Set([
  "AE",
  "AS",
  "AT",
  "CS",
  "DA",
  "DS",
  "DT",
  "FL",
  "FD",
  "IS",
  "LO",
  "LT",
  "PN",
  "SH",
  "SL",
  "SS",
  "ST",
  "TM",
  "UI",
  "UL",
  "US",
]);

/**
 * The elements of a data set from `start` to `end`, one level deep; sequences are stepped over in a loop, not by recursion, so that no nesting
 * can exhaust the stack. Refuses what does not fit into the bytes, more elements and deeper nesting than any image has.
 *
 * @param untilTag stop before the first element with this tag or a higher one
 */
export function readDataSet(
  bytes: Uint8Array,
  start: number,
  encoding: Encoding,
  { end = bytes.length, untilTag = Number.POSITIVE_INFINITY, budget = { elements: maxElements } } = {},
): DataSet {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { elements, next } = readLevel({ bytes, view, encoding, budget }, start, end, encoding.explicitVr, untilTag, false);
  return { bytes, view, encoding, elements, next, budget };
}

/** The items of a sequence; none when the data set lacks it. PS3.5 section 7.5 */
export function readItems(dataSet: DataSet, tag: number): DataSet[] {
  const sequence = dataSet.elements.get(tag);
  if (!sequence) return [];
  const end = sequence.offset + sequence.length;
  const items: DataSet[] = [];
  for (let at = sequence.offset; at < end; at = items.at(-1)!.next) items.push(readItem(dataSet, sequence, at, end));
  return items;
}

/** The first item of the sequence that a data set stopped before, while what follows it need not be in the bytes; null when there is none. */
export function readFirstItemOfNext(dataSet: DataSet, tag: number): DataSet | null {
  const head = nextElement(dataSet);
  if (head === null || head.tag !== tag || head.length === 0) return null;
  const undefinedLength = head.length === undefinedLengthMark;
  if (undefinedLength && readHead(dataSet, head.valueAt, dataSet.bytes.length, false).tag === sequenceDelimiter) return null;
  return readItem(dataSet, { ...head, undefinedLength }, head.valueAt, dataSet.bytes.length);
}

function readItem(dataSet: DataSet, sequence: Pick<DataElement, "tag" | "vr" | "undefinedLength">, at: number, end: number): DataSet {
  // A sequence that hides in an UN of undefined length is written in implicit VR. PS3.5 6.2.2, note on UN
  const explicitVr = dataSet.encoding.explicitVr && !(sequence.vr === "UN" && sequence.undefinedLength);
  const source = { ...dataSet, encoding: { ...dataSet.encoding, explicitVr } };
  const head = readHead(source, at, end, explicitVr);
  if (head.tag !== item) throw malformed(`expected an item in sequence ${tagText(sequence.tag)}, found ${tagText(head.tag)}`, at);
  const open = head.length === undefinedLengthMark;
  if (!open) requireRoom(head.length, head.valueAt, end, item);
  const itemEnd = open ? end : head.valueAt + head.length;
  return { ...source, ...readLevel(source, head.valueAt, itemEnd, explicitVr, Number.POSITIVE_INFINITY, open) };
}

/** The element a data set stopped before, its value not yet looked at; null at the end. */
export function nextElement(dataSet: DataSet): Head | null {
  return dataSet.next < dataSet.bytes.length ? readHead(dataSet, dataSet.next, dataSet.bytes.length, dataSet.encoding.explicitVr) : null;
}

/** The fragments of encapsulated pixels, the offset table's item first. A missing delimiter at the end of the file is let through. PS3.5 A.4 */
export function readFragments(dataSet: DataSet, start: number): Uint8Array[] {
  const { bytes } = dataSet;
  const fragments: Uint8Array[] = [];
  for (let at = start; at < bytes.length; ) {
    const head = readHead(dataSet, at, bytes.length, false);
    if (head.tag === sequenceDelimiter) break;
    if (head.tag !== item || head.length === undefinedLengthMark)
      throw malformed(`expected a fragment of pixel data, found ${tagText(head.tag)}`, at);
    requireRoom(head.length, head.valueAt, bytes.length, head.tag);
    at = head.valueAt + head.length;
    fragments.push(bytes.subarray(head.valueAt, at));
  }
  return fragments;
}

type Source = Pick<DataSet, "bytes" | "view" | "encoding" | "budget">;
/** What stands before an element's value. */
export type Head = { readonly tag: number; readonly vr: string; readonly length: number; readonly valueAt: number };

function readLevel(
  source: Source,
  start: number,
  end: number,
  explicitVr: boolean,
  untilTag: number,
  untilItemDelimiter: boolean,
): { elements: Map<number, DataElement>; next: number } {
  const elements = new Map<number, DataElement>();
  let at = start;
  while (at < end) {
    const head = readHead(source, at, end, explicitVr);
    if (untilItemDelimiter && head.tag === itemDelimiter) return { elements, next: head.valueAt };
    if (head.tag >= untilTag) return { elements, next: at };
    if (head.tag >>> 16 === 0xfffe) throw malformed(`a stray ${tagText(head.tag)} between elements`, at);
    if (elements.has(head.tag)) throw malformed(`element ${tagText(head.tag)} stands there twice`, at);
    const undefinedLength = head.length === undefinedLengthMark;
    let length = head.length;
    if (undefinedLength) {
      const next = skipUndefinedLength(source, head, end, explicitVr);
      length = next - 8 - head.valueAt;
      at = next;
    } else {
      requireRoom(length, head.valueAt, end, head.tag);
      at = head.valueAt + length;
    }
    elements.set(head.tag, { tag: head.tag, vr: head.vr, offset: head.valueAt, length, undefinedLength });
  }
  if (untilItemDelimiter) throw truncated("an item is not closed", end);
  return { elements, next: at };
}

/**
 * Steps over a sequence, or the fragments of encapsulated pixels, of undefined length: gives the offset behind its delimiter. Only containers of
 * undefined length need walking, and they alternate (sequence, item, sequence, …), so a depth is all the state there is.
 */
function skipUndefinedLength(source: Source, { tag, vr, valueAt }: Head, end: number, explicitVr: boolean): number {
  let depth = 1; // odd: inside a sequence, even: inside an item
  let implicitFromDepth = explicitVr && vr !== "UN" ? Number.POSITIVE_INFINITY : 1;
  for (let at = valueAt; ; ) {
    const head = readHead(source, at, end, depth < implicitFromDepth);
    const open = head.length === undefinedLengthMark;
    at = head.valueAt;
    if (depth % 2 === 1) {
      if (head.tag === sequenceDelimiter) {
        depth -= 1;
        if (depth < implicitFromDepth) implicitFromDepth = explicitVr ? Number.POSITIVE_INFINITY : 1;
        if (depth === 0) return at;
        continue;
      }
      if (head.tag !== item) throw malformed(`expected an item inside ${tagText(tag)}, found ${tagText(head.tag)}`, at);
    } else if (head.tag === itemDelimiter) {
      depth -= 1;
      continue;
    } else if (head.tag >>> 16 === 0xfffe) {
      throw malformed(`a stray ${tagText(head.tag)} inside ${tagText(tag)}`, at);
    }
    if (!open) {
      requireRoom(head.length, at, end, head.tag);
      at += head.length;
      continue;
    }
    depth += 1;
    if (depth > 2 * maxNesting)
      throw new RefusedError("dicom-nested-too-deep", `sequences nest deeper than ${maxNesting} inside ${tagText(tag)}`);
    if (depth % 2 === 1 && head.vr === "UN" && depth < implicitFromDepth) implicitFromDepth = depth;
  }
}

/** Tag, VR and length of the element at `at`. PS3.5 section 7.1 */
function readHead({ bytes, view, encoding: { littleEndian }, budget }: Source, at: number, end: number, explicitVr: boolean): Head {
  if (--budget.elements < 0) throw new RefusedError("dicom-too-many-elements", `more than ${maxElements} data elements`);
  if (at + 8 > end) throw truncated("a data element is cut off", at);
  const tag = view.getUint16(at, littleEndian) * 0x10000 + view.getUint16(at + 2, littleEndian);
  const first = bytes[at + 4]!;
  const second = bytes[at + 5]!;
  // Some senders put implicit elements into items of an explicit data set; two capital letters tell which it is.
  if (!explicitVr || tag >= 0xfffe0000 || !isCapital(first) || !isCapital(second))
    return { tag, vr: "", length: view.getUint32(at + 4, littleEndian), valueAt: at + 8 };
  const vr = String.fromCharCode(first, second);
  // A VR of a later edition has a 32-bit length and two reserved zero bytes. PS3.5 7.1.2
  if (longForms.has(vr) || (!shortForms.has(vr) && view.getUint16(at + 6) === 0)) {
    if (at + 12 > end) throw truncated("a data element is cut off", at);
    return { tag, vr, length: view.getUint32(at + 8, littleEndian), valueAt: at + 12 };
  }
  return { tag, vr, length: view.getUint16(at + 6, littleEndian), valueAt: at + 8 };
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

function requireRoom(length: number, at: number, end: number, tag: number): void {
  if (length > end - at) throw truncated(`${tagText(tag)} says ${length} bytes, ${Math.max(0, end - at)} are there`, at);
}

/** A tag as people write it: (0010,0020). */
export function tagText(tag: number): string {
  const hex = tag.toString(16).padStart(8, "0").toUpperCase();
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}

function truncated(what: string, at: number): RefusedError {
  return new RefusedError("dicom-truncated", `${what}, at byte ${at}`);
}

function malformed(what: string, at: number): RefusedError {
  return new RefusedError("dicom-malformed", `${what}, at byte ${at}`);
}
