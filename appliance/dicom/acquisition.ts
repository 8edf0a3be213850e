import type { DataSet } from "./data-set.ts";
import { orNull, textsOf } from "./values.ts";

/** An attribute that tells images of one place apart, and where it stands; the first that an image has counts. */
type Attribute = {
  readonly name: string;
  readonly order: "number" | "text";
  readonly tags: readonly (readonly [tag: number, vr: "text" | "US" | "UL" | "FD"])[];
};

/**
 * What may differ between two stacks of images in one series, in the order in which it is asked: what says outright that they are another phase or
 * acquisition, then how they were reconstructed, then when. PS3.3 C.7.6.2, C.7.6.18 and C.8.2.1; of multi-frame images C.7.6.16.2 and C.8.15.3
 */
const attributes = [
  { name: "Temporal Position Index", order: "number", tags: [[0x00209128, "UL"]] },
  { name: "Temporal Position Identifier", order: "number", tags: [[0x00200100, "text"]] },
  { name: "Nominal Percentage of Cardiac Phase", order: "number", tags: [[0x00209241, "FD"]] },
  { name: "Nominal Percentage of Respiratory Phase", order: "number", tags: [[0x00209245, "FD"]] },
  {
    name: "Trigger Time",
    order: "number",
    tags: [
      [0x00181060, "text"],
      [0x00209153, "FD"],
    ],
  },
  {
    name: "Acquisition Number",
    order: "number",
    tags: [
      [0x00200012, "text"],
      [0x00209156, "US"],
    ],
  },
  { name: "Stack ID", order: "text", tags: [[0x00209056, "text"]] },
  { name: "KVP", order: "number", tags: [[0x00180060, "text"]] },
  { name: "Convolution Kernel", order: "text", tags: [[0x00181210, "text"]] },
  {
    name: "Image Type",
    order: "text",
    tags: [
      [0x00089007, "text"],
      [0x00080008, "text"],
    ],
  },
  { name: "Slice Thickness", order: "number", tags: [[0x00180050, "text"]] },
  {
    name: "Acquisition Time",
    order: "number",
    tags: [
      [0x00189074, "text"],
      [0x0008002a, "text"],
      [0x00080032, "text"],
    ],
  },
  { name: "Content Time", order: "number", tags: [[0x00080033, "text"]] },
] as const satisfies readonly Attribute[];

export type AcquisitionAttribute = (typeof attributes)[number]["name"];
export const acquisitionAttributes: readonly { readonly name: AcquisitionAttribute; readonly order: "number" | "text" }[] = attributes;

/** Those attributes that an image has, as text; only compared with those of other images, and named in notes. */
export type Acquisition = ReadonlyMap<AcquisitionAttribute, string>;

/** @param levels data sets that hold for the image, what is said of it alone first */
export function readAcquisition(levels: readonly DataSet[]): Acquisition {
  const found = new Map<AcquisitionAttribute, string>();
  for (const { name, tags } of attributes) {
    const value = levels.flatMap((level) => tags.flatMap(([tag, vr]) => textAt(level, tag, vr) ?? []))[0];
    if (value !== undefined) found.set(name, value.slice(0, 64));
  }
  return found;
}

function textAt(dataSet: DataSet, tag: number, vr: "text" | "US" | "UL" | "FD"): string | null {
  if (vr === "text") return orNull(() => textsOf(dataSet, tag).join("\\")) || null;
  const element = dataSet.elements.get(tag);
  if (!element || element.length !== { US: 2, UL: 4, FD: 8 }[vr]) return null;
  const { view, encoding } = dataSet;
  const read = { US: () => view.getUint16, UL: () => view.getUint32, FD: () => view.getFloat64 }[vr]();
  return String(read.call(view, element.offset, encoding.littleEndian));
}

/** The macros of a multi-frame image's functional groups that hold such attributes: frame content, cardiac and respiratory position, frame type, reconstruction, X-ray details, measures. */
export const acquisitionMacros: readonly number[] = [0x00209111, 0x00189118, 0x00209253, 0x00189329, 0x00189314, 0x00189325, 0x00289110];
