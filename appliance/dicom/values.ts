import { RefusedError } from "../base/errors.ts";
import type { Lps } from "../volume/grid.ts";
import { type DataSet, tagText } from "./data-set.ts";

/** The bytes of an element's value, as a view; null when the data set lacks it or it is empty. */
export function bytesOf({ elements, bytes }: DataSet, tag: number): Uint8Array | null {
  const element = elements.get(tag);
  return element && element.length > 0 ? bytes.subarray(element.offset, element.offset + element.length) : null;
}

/** A value in the default character set (codes, numbers, UIDs, dates), padding removed; null when it is missing or empty. */
export function textOf(dataSet: DataSet, tag: number): string | null {
  const bytes = bytesOf(dataSet, tag);
  if (!bytes) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, maxTextBytes)).toString("latin1");
  return text.replace(/[\0 ]+$/, "").trimStart() || null;
}

/** No value that is read here is longer; a hostile one is cut, then refused where it is parsed. */
const maxTextBytes = 4096;

/** The values of a multi-valued text element. */
export function textsOf(dataSet: DataSet, tag: number): string[] {
  return (
    textOf(dataSet, tag)
      ?.split("\\")
      .map((value) => value.trim()) ?? []
  );
}

/** The numbers of a DS or IS element; null when it is missing or empty, refused when it is no number. PS3.5 section 6.2 */
export function numbersOf(dataSet: DataSet, tag: number): number[] | null {
  const texts = textsOf(dataSet, tag);
  if (texts.length === 0) return null;
  return texts.map((text) => {
    // A decimal string has no hexadecimal or "Infinity" form, Number() reads both.
    // What stands there is not repeated: who misplaces a value may have put a name there.
    if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw invalid(tag, "a number", `${text.length} characters that are none`);
    return Number(text);
  });
}

/** The first number of a DS or IS element. */
export function numberOf(dataSet: DataSet, tag: number): number | null {
  return numbersOf(dataSet, tag)?.[0] ?? null;
}

/** What a reader gives, or null where it refuses: for what is only shown, or looked at again where it counts. */
export function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof RefusedError) return null;
    throw error;
  }
}

/** Exactly `count` numbers, or null when the element is missing. */
export function vectorOf(dataSet: DataSet, tag: number, count: number): number[] | null {
  const numbers = numbersOf(dataSet, tag);
  if (numbers && numbers.length !== count) throw invalid(tag, `${count} numbers`, `${numbers.length}`);
  return numbers;
}

/** Image Position (Patient) or another point. */
export function lpsOf(dataSet: DataSet, tag: number): Lps | null {
  const [x, y, z] = vectorOf(dataSet, tag, 3) ?? [];
  return x === undefined || y === undefined || z === undefined ? null : [x, y, z];
}

/** A US value; also where a sender wrote it with four bytes. */
export function unsignedOf(dataSet: DataSet, tag: number): number | null {
  const element = dataSet.elements.get(tag);
  if (!element || element.length === 0) return null;
  const { view, encoding } = dataSet;
  if (element.length === 2) return view.getUint16(element.offset, encoding.littleEndian);
  if (element.length === 4 && (element.vr === "UL" || element.vr === "")) return view.getUint32(element.offset, encoding.littleEndian);
  throw invalid(tag, "an unsigned 16-bit number", `${element.length} bytes`);
}

/** What an image can't do without: refused when it is missing. */
export function required<T>(value: T | null, tag: number, keyword: string): T {
  if (value === null) throw new RefusedError("attribute-missing", `${keyword} ${tagText(tag)} is missing or empty`);
  return value;
}

function invalid(tag: number, expected: string, found: string): RefusedError {
  return new RefusedError("attribute-invalid", `${tagText(tag)}: expected ${expected}, found ${found}`);
}
