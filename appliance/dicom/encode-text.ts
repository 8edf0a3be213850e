import { canonicalSet, decode, escapes, isDelimiter, registration, upperHalves, wholeEncodings } from "./character-set.ts";

/**
 * Text as bytes of a Specific Character Set (0008,0005), the way back of decodeText: with the code extensions of ISO 2022 where more than one set
 * is named, each name component starting anew. Null where a character is in none of the sets. PS3.5 6.1.2.
 *
 * @param characterSets the values of Specific Character Set; none means ASCII
 */
export function encodeText(text: string, characterSets: readonly string[]): Uint8Array | null {
  const [first = "", ...others] = characterSets.map(canonicalSet);
  const whole = wholeEncodings.get(first);
  if (whole === "utf-8") return Buffer.from(text, "utf8");
  if (whole) return encodeWhole(text, whole);
  const home = first === "" ? null : (upperHalves.get(registration(first)) ?? null);
  const extensions = others.flatMap((set) => extensionsOf(registration(set)));
  const toAscii = registration(first) === "13" ? "(J" : "(B"; // the lower half of JIS X 0201 is not quite ASCII; G0 goes back to what it was
  const bytes: number[] = [];
  let inG0 = "ascii";
  let inG1 = home;
  const announce = (sequence: string): void => void bytes.push(0x1b, ...Buffer.from(sequence, "latin1"));
  const leaveG0 = (): void => {
    if (inG0 !== "ascii") announce(toAscii);
    inG0 = "ascii";
  };
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) {
      leaveG0();
      if (isDelimiter(code)) inG1 = home; // PS3.5 6.1.2.5.3
      bytes.push(code);
      continue;
    }
    const ofHome = home === null ? undefined : bytesIn(home, character);
    if (ofHome && inG1 === home) {
      bytes.push(...ofHome);
      continue;
    }
    const extension = extensions.find(({ encoding }) => bytesIn(encoding, character));
    if (!extension) return null;
    const { encoding, half, sequence } = extension;
    if ((half === "g0" ? inG0 : inG1) !== encoding) announce(sequence);
    if (half === "g0") inG0 = encoding;
    else inG1 = encoding;
    bytes.push(...bytesIn(encoding, character)!);
  }
  leaveG0();
  return Uint8Array.from(bytes);
}

/** The Specific Character Set that says these texts with the fewest demands on who reads them: none for ASCII, Latin-1, else UTF-8. */
export function characterSetFor(texts: readonly string[]): readonly string[] {
  if (texts.every((text) => encodeText(text, []) !== null)) return [];
  return texts.every((text) => encodeText(text, ["ISO_IR 100"])) ? ["ISO_IR 100"] : ["ISO_IR 192"];
}

type Extension = { readonly encoding: string; readonly half: "g0" | "g1"; readonly sequence: string };

/** Which escape sequences a set of code extensions brings. PS3.3 tables C.12-3 and C.12-4 */
const sequences: Readonly<Record<string, readonly string[]>> = {
  "87": ["$B"],
  "159": ["$(D"],
  "13": [")I"],
  "149": ["$)C"],
  "58": ["$)A"],
  "100": ["-A"],
  "101": ["-B"],
  "109": ["-C"],
  "110": ["-D"],
  "144": ["-L"],
  "127": ["-G"],
  "126": ["-F"],
  "138": ["-H"],
  "148": ["-M"],
  "166": ["-T"],
  "203": ["-b"],
};

function extensionsOf(number: string): Extension[] {
  return (sequences[number] ?? []).map((sequence) => ({ ...escapes.get(sequence)!, sequence }));
}

function encodeWhole(text: string, encoding: string): Uint8Array | null {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const found = code < 0x80 ? [code] : bytesIn(encoding, character);
    if (!found) return null;
    bytes.push(...found);
  }
  return Uint8Array.from(bytes);
}

/** GB 18030 lists the planes after the first one in order, from 90 30 81 30 on. */
function beyondThePlane(code: number): readonly number[] {
  const place = code - 0x1_0000 + 189_000;
  return [
    0x81 + Math.floor(place / 12_600),
    0x30 + (Math.floor(place / 1_260) % 10),
    0x81 + (Math.floor(place / 10) % 126),
    0x30 + (place % 10),
  ];
}

const tables = new Map<string, ReadonlyMap<string, readonly number[]>>();

/** The bytes of a character outside ASCII in one encoding. The table is made by reading every byte sequence that the encoding has. */
function bytesIn(encoding: string, character: string): readonly number[] | undefined {
  const code = character.codePointAt(0)!;
  if (encoding === "gb18030" && code > 0xffff) return beyondThePlane(code);
  const table = tables.get(encoding) ?? tableOf(encoding);
  tables.set(encoding, table);
  return table.get(character);
}

function tableOf(encoding: string): Map<string, readonly number[]> {
  const table = new Map<string, readonly number[]>();
  const note = (...bytes: number[]): void => {
    const character = decode(encoding, Uint8Array.from(bytes));
    if (character.length <= 2 && [...character].length === 1 && !character.includes("\ufffd") && !table.has(character))
      table.set(character, bytes);
  };
  const isInG0 = encoding.startsWith("jis-x-");
  const pairs = isInG0 || ["euc-kr", "gbk", "gb18030"].includes(encoding);
  if (!pairs) for (let byte = 0xa0; byte <= 0xff; byte++) note(byte);
  // As the extensions of ISO 2022 both bytes are of one half; without them (GBK, GB18030) the second has more
  const [lead, lastLead] = isInG0 ? [0x21, 0x7e] : [0x81, 0xfe];
  const [trail, lastTrail] = isInG0 ? [0x21, 0x7e] : encoding === "euc-kr" ? [0xa1, 0xfe] : [0x40, 0xfe];
  if (pairs) for (let a = lead; a <= lastLead; a++) for (let b = trail; b <= lastTrail; b++) note(a, b);
  if (encoding === "gb18030")
    for (let a = 0x81; a <= 0x84; a++)
      for (let b = 0x30; b <= 0x39; b++) for (let c = 0x81; c <= 0xfe; c++) for (let d = 0x30; d <= 0x39; d++) note(a, b, c, d);
  return table;
}
