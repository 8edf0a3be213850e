import type { Lane, Step } from "../jobs/runner.ts";
import { announceRejectionStep } from "./announce-rejection.ts";
import { type CloseOptions, closeSeriesStep } from "./close-series.ts";
import { type CommitOptions, requestCommitmentStep } from "./commit-delivery.ts";
import { type CountOptions, countAtSourceStep } from "./count-at-source.ts";
import { type DeliverOptions, deliverStep } from "./deliver.ts";
import { type EncodeOptions, encodeStep } from "./encode.ts";
import { type PullOptions, pullStep } from "./pull.ts";
import { type SegmentOptions, segmentStep } from "./segment.ts";
import { type SelectOptions, selectStep } from "./select.ts";

/** The story of a series: each job kind and who does it. */
export function createSteps(
  options: CloseOptions & SelectOptions & SegmentOptions & EncodeOptions & DeliverOptions & PullOptions & CommitOptions & CountOptions,
): ReadonlyMap<string, Step> {
  return new Map([
    ["close-series", closeSeriesStep(options)],
    ["count-at-source", countAtSourceStep(options)],
    ["select", selectStep(options)],
    ["segment", segmentStep(options)],
    ["encode", encodeStep(options)],
    ["deliver", deliverStep(options)],
    ["announce-rejection", announceRejectionStep(options)],
    ["request-commitment", requestCommitmentStep(options)],
    ["pull", pullStep(options)],
  ]);
}

/** One inference at a time, since it takes all cores and the most memory; a destination that hangs should not hold up the others. */
export const lanes: readonly Lane[] = [
  { kinds: ["close-series", "select"], width: 1 },
  { kinds: ["count-at-source"], width: 2 },
  { kinds: ["segment"], width: 1 },
  { kinds: ["encode", "announce-rejection"], width: 1 },
  { kinds: ["deliver"], width: 4 },
  { kinds: ["request-commitment"], width: 2 },
  { kinds: ["pull"], width: 2 },
];
