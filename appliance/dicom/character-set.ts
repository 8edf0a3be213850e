import { isAscii } from "node:buffer";

/** Begins a code extension of ISO 2022. */
const escapeByte = 0x1b;

/**
 * Text in its Specific Character Set (0008,0005) as a JavaScript string, for display. PS3.3 C.12.1.1.2, PS3.5 6.1.2.
 *
 * Single-byte and multi-byte sets without code extensions, and ISO 2022 code extensions as Japanese, Korean and Chinese senders use them. A byte
 * that fits no character becomes U+FFFD, an unknown set is read as Latin-1: a name on a screen is better shown with a mark than not at all.
 *
 * @param bytes the value with its padding
 * @param characterSets the values of Specific Character Set; none means ASCII
 */
export function decodeText(bytes: Uint8Array, characterSets: readonly string[]): string {
  if (isAscii(bytes) && !bytes.includes(escapeByte))
    return Buffer.from(bytes)
      .toString("latin1")
      .replace(/[\0 ]+$/, ""); // the same in every set
  const [first = ""] = characterSets.map(canonicalSet);
  const whole = wholeEncodings.get(first);
  const text = whole ? decode(whole, bytes) : decodeWithExtensions(bytes, first);
  return text.replace(/[\0 ]+$/, "");
}

/** A value of Specific Character Set as the standard writes it; some senders write a hyphen. */
export const canonicalSet = (set: string): string => set.trim().replace(/^ISO-IR /, "ISO_IR ");

/** The number of ISO-IR in a value of Specific Character Set; empty where it has none. */
export const registration = (set: string): string => /(\d+)$/.exec(set)?.[1] ?? "";

/** Sets that replace ASCII altogether and allow no code extensions. PS3.3 table C.12-5 */
export const wholeEncodings: ReadonlyMap<string, string> = new Map([
  ["ISO_IR 192", "utf-8"],
  ["GB18030", "gb18030"],
  ["GBK", "gbk"],
]);

/** The upper half (G1) that a value of Specific Character Set starts with; the numbers are those of ISO-IR. PS3.3 tables C.12-2 and C.12-3 */
export const upperHalves: ReadonlyMap<string, string> = new Map([
  ["100", "latin1"],
  ["101", "iso-8859-2"],
  ["109", "iso-8859-3"],
  ["110", "iso-8859-4"],
  ["144", "iso-8859-5"],
  ["127", "iso-8859-6"],
  ["126", "iso-8859-7"],
  ["138", "iso-8859-8"],
  // WHATWG's name for Turkish Latin-5; the standard's ISO 8859-9 differs from it in C1 controls only.
  ["148", "windows-1254"],
  ["203", "iso-8859-15"],
  // TIS 620-2533; windows-874 adds only C1 positions.
  ["166", "windows-874"],
  // JIS X 0201: the upper half is half-width katakana, as in Shift JIS.
  ["13", "shift_jis"],
  ["149", "euc-kr"],
  ["58", "gbk"],
]);

/** Escape sequences after ESC: which half they set, to what. PS3.3 tables C.12-3 and C.12-4 */
export const escapes: ReadonlyMap<string, { readonly half: "g0" | "g1"; readonly encoding: string }> = new Map([
  ["(B", { half: "g0", encoding: "ascii" }],
  ["(J", { half: "g0", encoding: "ascii" }],
  ["$B", { half: "g0", encoding: "jis-x-0208" }],
  ["$@", { half: "g0", encoding: "jis-x-0208" }],
  ["$(D", { half: "g0", encoding: "jis-x-0212" }],
  [")I", { half: "g1", encoding: "shift_jis" }],
  ["-A", { half: "g1", encoding: "latin1" }],
  ["-B", { half: "g1", encoding: "iso-8859-2" }],
  ["-C", { half: "g1", encoding: "iso-8859-3" }],
  ["-D", { half: "g1", encoding: "iso-8859-4" }],
  ["-L", { half: "g1", encoding: "iso-8859-5" }],
  ["-G", { half: "g1", encoding: "iso-8859-6" }],
  ["-F", { half: "g1", encoding: "iso-8859-7" }],
  ["-H", { half: "g1", encoding: "iso-8859-8" }],
  ["-M", { half: "g1", encoding: "windows-1254" }],
  ["-T", { half: "g1", encoding: "windows-874" }],
  ["-b", { half: "g1", encoding: "iso-8859-15" }],
  ["$)C", { half: "g1", encoding: "euc-kr" }],
  ["$)A", { half: "g1", encoding: "gbk" }],
]);

function decodeWithExtensions(bytes: Uint8Array, firstSet: string): string {
  const initialG1 = upperHalves.get(registration(firstSet)) ?? "latin1";
  let g0 = "ascii";
  let g1 = initialG1;
  let text = "";
  let run: number[] = [];
  let runEncoding = "ascii";
  const flush = (): void => {
    if (run.length > 0) text += decode(runEncoding, Uint8Array.from(run));
    run = [];
  };
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === escapeByte) {
      const escaped = escapeAt(bytes, at + 1);
      if (escaped) {
        flush();
        if (escaped.half === "g0") g0 = escaped.encoding;
        else g1 = escaped.encoding;
        at += escaped.bytes;
        continue;
      }
    }
    const twoByteG0 = g0.startsWith("jis-x-") && byte >= 0x21 && byte <= 0x7e;
    // Delimiters and line ends bring the initial sets back: PS3.5 6.1.2.5.3. Inside a two-byte set the same byte is half a character.
    if (!twoByteG0 && isDelimiter(byte)) {
      g0 = "ascii";
      g1 = initialG1;
    }
    const encoding = byte >= 0x80 ? g1 : twoByteG0 ? g0 : "ascii";
    if (encoding !== runEncoding) flush();
    runEncoding = encoding;
    run.push(byte);
  }
  flush();
  return text;
}

function escapeAt(bytes: Uint8Array, at: number): { half: "g0" | "g1"; encoding: string; bytes: number } | null {
  for (const length of [2, 3]) {
    const found = escapes.get(String.fromCharCode(...bytes.subarray(at, at + length)));
    if (found) return { ...found, bytes: length };
  }
  return null;
}

/** Backslash, caret, equals sign, tab and line ends. */
export function isDelimiter(byte: number): boolean {
  return byte === 0x5c || byte === 0x5e || byte === 0x3d || (byte >= 0x09 && byte <= 0x0d);
}

const decoders = new Map<string, InstanceType<typeof TextDecoder>>();

/** Bytes of one encoding by its name in the tables above. */
export function decode(encoding: string, bytes: Uint8Array): string {
  // Not TextDecoder's "iso-8859-1", which is windows-1252.
  if (encoding === "latin1" || encoding === "ascii") return Buffer.from(bytes).toString("latin1");
  if (encoding === "jis-x-0208")
    return decode(
      "euc-jp",
      bytes.map((byte) => byte | 0x80),
    );
  if (encoding === "jis-x-0212") return decode("euc-jp", eucThreeBytes(bytes));
  const decoder = decoders.get(encoding) ?? new TextDecoder(encoding);
  decoders.set(encoding, decoder);
  return decoder.decode(bytes);
}

/** JIS X 0212 pairs in EUC-JP: each led by 8F. */
function eucThreeBytes(pairs: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < pairs.length; at += 2) bytes.push(0x8f, pairs[at]! | 0x80, (pairs[at + 1] ?? 0) | 0x80);
  return Uint8Array.from(bytes);
}
