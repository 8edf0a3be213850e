import type { DataElement } from "./data-set.ts";
import { vrOfTag } from "./dictionary.ts";

/** Size of the numbers of a binary VR; 1 for texts and bytes, which have no order to change. PS3.5 section 7.3 */
export function wordBytesOf(vr: string): number {
  return wordBytes.get(vr) ?? 1;
}

const wordBytes = new Map([
  ...["AT", "OW", "SS", "US"].map((vr) => [vr, 2] as const),
  ...["FL", "OF", "OL", "SL", "UL"].map((vr) => [vr, 4] as const),
  ...["FD", "OD", "OV", "SV", "UV"].map((vr) => [vr, 8] as const),
]);

/** The VR of an element: as written, else by the dictionary, else UN. A private creator is an LO. PS3.5 7.8.1 */
export function vrOfElement({ tag, vr }: Pick<DataElement, "tag" | "vr">): string {
  if (vr !== "" && vr !== "UN") return vr;
  const isPrivate = (tag >>> 16) % 2 === 1;
  if (isPrivate) return (tag & 0xffff) >= 0x10 && (tag & 0xffff) <= 0xff ? "LO" : "UN";
  return vrOfTag(tag);
}
