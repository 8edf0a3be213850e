import type { Color } from "./picture.ts";

/** A structure as legends and tables show it. */
export type ReportStructure = {
  /** Its label. */
  readonly value: number;
  readonly title: string;
  readonly color: Color;
  readonly volumeMl: number;
  readonly meanHu: number;
  /** Cut off by the field of view: the volume is a lower bound. */
  readonly isTruncated: boolean;
  /** What else a reader should know of it, a few words each. */
  readonly flags: readonly string[];
};
