import { dictionaryTable } from "./dictionary-table.ts";

type Entry = { readonly vr: string; readonly keyword: string };
let entries: ReadonlyMap<number, Entry> | null = null; // made when it is first asked for: most processes need none of it

/**
 * The VR of a standard attribute, which implicit VR files do not tell; UN for one that is not listed, as PS3.5 6.2.2 has it for unknown ones, and for
 * one that other attributes decide on (US or SS). Of OW and others it is OW, as PS3.5 annex A.1 has it for implicit VR.
 */
export function vrOfTag(tag: number): string {
  const vr = entryOf(tag)?.vr ?? "UN";
  if (!vr.includes("|")) return vr;
  return vr.includes("OW") ? "OW" : "UN";
}

/** The keyword of a standard attribute: `PatientName`. */
export function keywordOfTag(tag: number): string | undefined {
  return entryOf(tag)?.keyword;
}

function entryOf(tag: number): Entry | undefined {
  entries ??= new Map(
    dictionaryTable.split("\n").map((line) => {
      const [hexadecimal = "", vr = "", keyword = ""] = line.split(" ");
      return [Number.parseInt(hexadecimal, 16), { vr, keyword }];
    }),
  );
  const group = tag >>> 16;
  const isRepeating = [0x5000, 0x6000].includes(group & 0xff01);
  return entries.get(isRepeating ? ((group & 0xff00) << 16) + (tag & 0xffff) : tag);
}
