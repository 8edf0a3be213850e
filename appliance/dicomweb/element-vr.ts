import type { DataElement } from "../dicom/data-set.ts";
import { vrOfTag } from "../dicom/vr-of-tag.ts";

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
  const listed = vrOfTag(tag);
  return listed === "UN" ? (further.get(tag) ?? "UN") : listed;
}

/** Beside those of CT images: what stands in the structure sets that we write in Implicit VR. PS3.6 section 6 */
const furtherByVr: Readonly<Record<string, string>> = {
  CS: "30060036 30060042 300600a4",
  DA: "30060008",
  DS: "3006002c 30060050",
  IS: "30060022 3006002a 30060046 30060048 30060082 30060084",
  LO: "30060004 30060026 30060038",
  PN: "300600a6",
  SH: "30060002",
  SQ: "30060010 30060012 30060014 30060016 30060020 30060037 30060039 30060040 30060080 30060086 00620011",
  ST: "30060006 30060028",
  TM: "30060009",
  UI: "30060024",
};
const further = new Map(
  Object.entries(furtherByVr).flatMap(([vr, tags]) => tags.split(" ").map((tag) => [Number.parseInt(tag, 16), vr] as const)),
);
