import type { DeliverySummary } from "./deliveries.ts";
import type { Reason } from "./reason.ts";
import type { ReviewSummary } from "./review.ts";

/** What the worklist shows of one result. */
export type ResultSummary = {
  readonly id: number;
  readonly rule: string;
  readonly model: string;
  /** held: its deliveries wait until it is accepted. */
  readonly state:
    | "waiting"
    | "running"
    | "encoding"
    | "delivering"
    | "held"
    | "delivered"
    | "delivery-failed"
    | "done"
    | "failed"
    | "rejected"
    | "superseded";
  /** 0..1 while running, else null. */
  readonly progress: number | null;
  readonly reason: Reason | null;
  readonly deliveries: readonly DeliverySummary[];
};

/** A line of the worklist: GET /api/series answers the newest first, and the event stream sends one whenever it changed. */
export type SeriesSummary = {
  readonly id: number;
  readonly state: "receiving" | "complete" | "ignored";
  readonly reason: Reason | null;
  readonly patientName: string;
  readonly patientId: string;
  /** DICOM DA, `20260131`, or empty. */
  readonly studyDate: string;
  readonly studyDescription: string;
  readonly seriesDescription: string;
  readonly modality: string;
  readonly callingAeTitle: string;
  readonly instanceCount: number;
  /** Images that came under the SOP Instance UID of another one of the series, with other bytes; both are kept. */
  readonly differingCopies: number;
  /** Images whose file was lost or damaged here, which is not to be; the same image again mends it. */
  readonly missingImages: number;
  /** When the images that its results are made from were deleted; those that are here came later. Null: none were. */
  readonly imagesRemovedAt: number | null;
  readonly firstReceivedAt: number;
  readonly lastReceivedAt: number;
  readonly results: readonly ResultSummary[];
};

/** A plausibility rule that a result does not meet. */
export type PlausibilityFlag = {
  readonly code: string;
  readonly severity: "info" | "warning";
  readonly title: string;
  /** With what was found and expected. */
  readonly message: string;
  /** Why there is such a rule. */
  readonly explanation: string;
  /** Where the expectation is from; null where the explanation says it. */
  readonly source: string | null;
};

/** One structure in a result. */
export type Structure = {
  readonly value: number;
  readonly name: string;
  readonly title: string;
  readonly color: readonly [number, number, number];
  readonly volumeMl: number;
  readonly meanHu: number;
  readonly touchesBorder: boolean;
  readonly centreIjk: readonly [number, number, number];
};

/** GET /api/series/ID: the line of the worklist and what its page shows. */
export type SeriesDetail = SeriesSummary & {
  readonly seriesInstanceUid: string;
  readonly studyInstanceUid: string;
  /** When all that was here of it before was deleted, so that it began anew; null: nothing was. */
  readonly earlierRemovedAt: number | null;
  /** Each time it was judged complete, and by what; the last one counts. */
  readonly completions: readonly SeriesCompletion[];
  readonly resultDetails: readonly ResultDetail[];
  /** What a result's plausibility is judged by, and why. */
  readonly plausibilityRules: readonly PlausibilityRule[];
};

export type SeriesCompletion = {
  /**
   * source: as many images as the node that it comes from has. declared: as many as the images themselves say. quiet: nothing came for a while.
   * forced: images kept coming for too long.
   */
  readonly how: "source" | "declared" | "quiet" | "forced";
  readonly instances: number;
  /** What had to be reached, and the node or attribute that said so; null where nothing did. */
  readonly expected: number | null;
  readonly saidBy: string | null;
  /** Quiet time, or time since the first image. */
  readonly waitedMs: number | null;
  /** UTC epoch ms. */
  readonly at: number;
};

export type PlausibilityRule = { readonly code: string; readonly title: string; readonly explanation: string };

export type ResultDetail = ResultSummary & {
  readonly modelTitle: string;
  readonly modelVersion: string;
  readonly intendedUse: string;
  readonly notFor: string;
  readonly createdAt: number;
  /** What a person should know before trusting it: rules that it does not meet; null where they could not be asked. */
  readonly flags: readonly PlausibilityFlag[] | null;
  /** Null before anybody has judged it. */
  readonly review: ReviewSummary | null;
  /** Null until the label map is there. */
  readonly structures: readonly Structure[] | null;
  /** Null until the label map is there. */
  readonly images: ImagesInfo | null;
  /** Names of the files that can be downloaded: none until they are written; no DICOM objects where nothing was found. */
  readonly files: readonly string[];
  readonly record: {
    readonly provider: string;
    readonly precision: string;
    readonly patches: number;
    readonly inferenceMs: number;
    readonly wallMs: number;
    readonly peakMemoryBytes: number;
    readonly notes: readonly string[];
  } | null;
};

/**
 * The grid whose slices can be fetched: GET /api/results/ID/slices/K answers ni*nj int16 little endian HU values, then ni*nj uint8 label
 * numbers, i fastest; `x` and `y` on the screen are i and j for an axial series as received.
 */
export type ImagesInfo = {
  readonly dims: readonly [number, number, number];
  readonly spacingMm: readonly [number, number, number];
  /** LPS direction of i, j and k, unit vectors. */
  readonly directions: readonly [readonly number[], readonly number[], readonly number[]];
};
