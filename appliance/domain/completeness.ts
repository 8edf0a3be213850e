import { isComplete } from "./series.ts";

/** By what a series was judged complete. */
export type Completion = {
  /**
   * source: as many as the node that it comes from has. declared: as many as the images themselves say. quiet: nothing came for a while.
   * forced: images kept coming for too long.
   */
  readonly how: "source" | "declared" | "quiet" | "forced";
  readonly instances: number;
  /** What had to be reached; null where nothing said so. */
  readonly expected: number | null;
  /** The node, or the attribute, that said so. */
  readonly saidBy: string | null;
  /** Quiet time, or time since the first image. */
  readonly waitedMs: number | null;
};

/** What a node says that it has of a series. */
export type SourceCount = { readonly node: string; readonly count: number; readonly countedAt: number };

/** What the images say how many there are. `acquisitions`: of each acquisition, so that another one may still follow. */
export type Declared = { readonly by: "series" | "acquisitions"; readonly expected: number; readonly found: number };

export type Arrived = {
  readonly instanceCount: number;
  readonly lastReceivedAt: number;
  readonly lastAssociationEndedAt: number | null;
  readonly receivingSince: number;
  readonly source: SourceCount | null;
  readonly declared: Declared | null;
};

/**
 * Whether a series is complete, and by what; null: not yet. A count at the source counts only if it was taken after the last image came, since the
 * source may be receiving the series itself. Images of one acquisition do not know of the next, so their number counts only when no association
 * that brought some is open.
 */
export function judgeCompleteness(
  arrived: Arrived,
  {
    associationsOpen,
    quietMs,
    forceMs,
    now,
  }: { readonly associationsOpen: number; readonly quietMs: number; readonly forceMs: number; readonly now: number },
): Completion | null {
  const { instanceCount: instances, source, declared, receivingSince } = arrived;
  if (source && source.countedAt >= arrived.lastReceivedAt && source.count > 0 && instances >= source.count)
    return { how: "source", instances, expected: source.count, saidBy: source.node, waitedMs: null };
  if (declared && declared.found === declared.expected && (declared.by === "series" || associationsOpen === 0))
    return { how: "declared", instances, expected: declared.expected, saidBy: attributeNames[declared.by], waitedMs: null };
  if (isComplete(arrived, associationsOpen, quietMs, now))
    return { how: "quiet", instances, expected: source?.count ?? null, saidBy: source?.node ?? null, waitedMs: quietMs };
  if (now - receivingSince >= forceMs)
    return { how: "forced", instances, expected: source?.count ?? null, saidBy: source?.node ?? null, waitedMs: forceMs };
  return null;
}

const attributeNames = { series: "Number of Series Related Instances", acquisitions: "Images in Acquisition" } as const;
