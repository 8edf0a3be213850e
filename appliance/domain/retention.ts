import type { DeliveryId, ResultId, SeriesId } from "./ids.ts";
import type { Delivery, ResultState, Review } from "./result.ts";
import type { Reason, SeriesState } from "./series.ts";

/** How long something is kept after the last thing that happened to it; `never`: it is not deleted by age. */
export type Days = number | "never";

export type RetentionSettings = {
  /** The received images of a series. */
  readonly imageDays: Days;
  /** The results of a series, and whatever else is here of it. */
  readonly resultDays: Days;
  /** How a result was made, once the result is deleted: without a name, so that an object in the archive can still be explained. */
  readonly traceDays: Days;
  /** With less free space, what may go is deleted before its time, the oldest first, until half as much again is free. */
  readonly startFreeBytes: number;
};

/** All that is here of one series, and what has become of it. Times are UTC epoch ms. */
export type Holding = {
  readonly seriesId: SeriesId;
  readonly state: SeriesState;
  readonly lastReceivedAt: number;
  readonly images: number;
  readonly imageBytes: number;
  readonly resultBytes: number;
  /** Something is being done for it, or waits to be: judging, segmenting, writing, sending. */
  readonly hasOpenJobs: boolean;
  /** The rules could not be asked, by a fault of ours. */
  readonly isUnjudged: boolean;
  /** When a person said that nothing more is to be done about what failed of it, or has no destination. */
  readonly settledAt: number | null;
  readonly results: readonly HeldResult[];
};

export type HeldResult = {
  readonly id: ResultId;
  readonly state: ResultState;
  readonly createdAt: number;
  readonly review: Pick<Review, "verdict" | "at"> | null;
  readonly deliveries: readonly (Pick<Delivery, "state" | "commitment" | "destination" | "deliveredAt"> & { readonly id: DeliveryId })[];
};

/** images: the received images. everything: images, results and rows; what stays is how the results were made. */
export type Removed = "images" | "everything";

/** Why something goes. disk: there is too little room. ordered: a person said so, whatever its age. */
export type RemovalCause = "age" | "disk" | "ordered";

export type Removal = {
  readonly seriesId: SeriesId;
  readonly what: Removed;
  readonly cause: RemovalCause;
  /** The last thing that happened to it. */
  readonly since: number;
  readonly images: number;
  readonly results: number;
  readonly bytes: number;
};

/** Its time is over, or its room is wanted, and it stays. */
export type Kept = {
  readonly seriesId: SeriesId;
  readonly reason: Reason;
  readonly cause: RemovalCause;
  readonly since: number;
  readonly bytes: number;
  /** Whether a person may say that nothing more is to be done about it, after which it may go. */
  readonly canBeSettled: boolean;
};

export type RetentionPlan = { readonly removals: readonly Removal[]; readonly kept: readonly Kept[]; readonly bytes: number };

const dayMs = 86_400_000;

/** Why a series must stay, whatever its age and however full the disk is; null: it may go. */
export function whyKept({ state, images, hasOpenJobs, isUnjudged, settledAt, results }: Holding): Reason | null {
  if (state === "receiving") return { code: "receiving", message: "its images are arriving" };
  if (hasOpenJobs) return { code: "in-work", message: "it is being worked on, or waits for that" };
  if (isUnjudged) return { code: "not-judged", message: "the rules could not be asked about it; send it again" };
  if (state === "complete" && results.length === 0 && images > 0) return { code: "not-judged", message: "the rules were not asked yet" };
  for (const result of results) {
    const reason = whyResultKept(result, settledAt);
    if (reason) return reason;
  }
  return null;
}

function whyResultKept({ id, state, createdAt, deliveries }: HeldResult, settledAt: number | null): Reason | null {
  const isSettled = settledAt !== null && settledAt >= createdAt;
  switch (state) {
    case "pending":
    case "segmented":
      return { code: "in-work", message: `result ${id} is not finished` };
    case "failed":
      if (!isSettled) return { code: "result-failed", message: `result ${id} failed; try it again, or settle it` };
      break;
    case "ready":
      if (deliveries.length === 0 && !isSettled)
        return { code: "only-copy", message: `result ${id} went nowhere: this is the only copy; settle it where that is all right` };
      break;
    case "superseded":
      break;
    default:
      return state satisfies never;
  }
  for (const delivery of deliveries) {
    const reason = whyDeliveryKept(delivery);
    if (reason) return reason;
  }
  return null;
}

function whyDeliveryKept({ id, state, commitment, destination }: HeldResult["deliveries"][number]): Reason | null {
  switch (state) {
    case "waiting":
      return { code: "not-delivered", message: `delivery ${id} to ${destination} is not delivered yet` };
    case "held":
      return { code: "held", message: `delivery ${id} to ${destination} waits until the result is accepted or rejected` };
    case "failed":
      return { code: "delivery-failed", message: `delivery ${id} to ${destination} failed; send it again, or settle it` };
    case "delivered":
      return commitment === null || commitment === "committed"
        ? null
        : { code: "not-committed", message: `${destination} has not committed itself to keep delivery ${id}` };
    case "withdrawn":
      return null;
    default:
      return state satisfies never;
  }
}

/** Reasons that a person's word ends. */
const settleable: readonly string[] = ["result-failed", "delivery-failed", "only-copy"];

/** When something happened to it last: an image came, a result was made, delivered or judged, somebody settled it. UTC epoch ms. */
export function lastEventAt({ lastReceivedAt, settledAt, results }: Holding): number {
  const times = results.flatMap(({ createdAt, review, deliveries }) => [
    createdAt,
    review?.at ?? 0,
    ...deliveries.map(({ deliveredAt }) => deliveredAt ?? 0),
  ]);
  return Math.max(lastReceivedAt, settledAt ?? 0, ...times);
}

/**
 * What is to be deleted, in that order, and what stays though its time is over or its room is wanted.
 *
 * First what is over age. Where that leaves too little room, or a person has ordered it (`isOrdered`), all else that may go: first images, since
 * their sender has them, then results, those that were accepted before those that nobody judged, and rejected ones last, since somebody may ask
 * what was wrong with them; the oldest first. What is not delivered, or not committed where that was asked for, is never on the list.
 *
 * @param freeBytes of the data folder's file system; null: room has no say
 */
export function planRetention(
  holdings: readonly Holding[],
  {
    settings,
    now,
    freeBytes,
    isOrdered = false,
  }: { readonly settings: RetentionSettings; readonly now: number; readonly freeBytes: number | null; readonly isOrdered?: boolean },
): RetentionPlan {
  const isLow = freeBytes !== null && freeBytes < settings.startFreeBytes;
  const candidates: Candidate[] = [];
  const kept: Kept[] = [];
  for (const holding of holdings) {
    const due = dueNow(holding, settings, now);
    const reason = whyKept(holding);
    if (!reason) candidates.push({ holding, since: lastEventAt(holding), due });
    else if (due || isLow || isOrdered)
      kept.push({
        seriesId: holding.seriesId,
        reason,
        cause: isOrdered ? "ordered" : due ? "age" : "disk",
        since: lastEventAt(holding),
        bytes: holding.imageBytes + holding.resultBytes,
        canBeSettled: settleable.includes(reason.code),
      });
  }
  candidates.sort(byLoss);
  const removals = candidates.flatMap(({ holding, since, due }) => (due ? [removalOf(holding, since, due, "age")] : []));
  let bytes = removals.reduce((sum, removal) => sum + removal.bytes, 0);
  const wanted = isOrdered ? Number.POSITIVE_INFINITY : isLow ? Math.ceil(settings.startFreeBytes * 1.5) - freeBytes : 0;
  for (const what of ["images", "everything"] as const)
    for (const { holding, since, due } of candidates) {
      if (bytes >= wanted) break;
      const removal = laterRemoval(holding, since, due, what, isOrdered ? "ordered" : "disk");
      if (!removal) continue;
      removals.push(removal);
      bytes += removal.bytes;
    }
  return { removals, kept: kept.toSorted((a, b) => a.since - b.since), bytes };
}

type Candidate = { readonly holding: Holding; readonly since: number; readonly due: Removed | null };

/** What of a series is over age. */
function dueNow(holding: Holding, { imageDays, resultDays }: RetentionSettings, now: number): Removed | null {
  const ageMs = now - lastEventAt(holding);
  const isOver = (days: Days): boolean => days !== "never" && ageMs >= days * dayMs;
  if (holding.results.length === 0) return isOver(imageDays) ? "everything" : null;
  if (isOver(resultDays)) return "everything";
  return isOver(imageDays) && holding.images > 0 ? "images" : null;
}

/** What else of it goes when room is wanted: its images first; then the rest. Null where that has gone already. */
function laterRemoval(holding: Holding, since: number, due: Removed | null, what: Removed, cause: RemovalCause): Removal | null {
  const { results, images } = holding;
  if (due === "everything") return null;
  if (what === "images") {
    if (due === "images" || images === 0) return null;
    return removalOf(holding, since, results.length === 0 ? "everything" : "images", cause);
  }
  if (results.length === 0) return images === 0 ? removalOf(holding, since, "everything", cause) : null;
  return removalOf({ ...holding, images: 0, imageBytes: 0 }, since, "everything", cause); // its images stand above it in the list
}

function removalOf(holding: Holding, since: number, what: Removed, cause: RemovalCause): Removal {
  const { seriesId, images, imageBytes, results, resultBytes } = holding;
  const isAll = what === "everything";
  return { seriesId, what, cause, since, images, results: isAll ? results.length : 0, bytes: imageBytes + (isAll ? resultBytes : 0) };
}

/** Whatever is missed least goes first: accepted results, then those that nobody judged, then rejected ones; the oldest first. */
function byLoss(a: Candidate, b: Candidate): number {
  return rankOf(a.holding) - rankOf(b.holding) || a.since - b.since || a.holding.seriesId - b.holding.seriesId;
}

function rankOf({ results }: Holding): number {
  if (results.some(({ review }) => review?.verdict === "rejected")) return 2;
  return results.some(({ state, review }) => state === "ready" && review === null) ? 1 : 0;
}
