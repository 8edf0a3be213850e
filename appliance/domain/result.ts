import type { FormEvidence } from "./form-evidence.ts";
import type { DeliveryId, DocumentId, ResultId, SeriesId, Uid } from "./ids.ts";
import type { ObjectKind, ResultOutput, Rule } from "./rule.ts";
import type { Reason } from "./series.ts";

export const resultStates = ["pending", "segmented", "ready", "failed", "superseded"] as const;
/**
 * pending: waits for or is in inference. segmented: the label map is on disk. ready: its DICOM objects are on disk and on their way.
 * failed: set aside with a reason. superseded: more images came; the fuller series is judged anew, or its result has taken this one's place.
 */
export type ResultState = (typeof resultStates)[number];

const moves: Record<ResultState, readonly ResultState[]> = {
  pending: ["segmented", "failed", "superseded"],
  segmented: ["ready", "failed", "superseded"],
  ready: ["superseded"],
  failed: ["pending"],
  superseded: [],
};

/** Whether a result may go from one state to the other. */
export function mayMove(from: ResultState, to: ResultState): boolean {
  return moves[from].includes(to);
}

/** UIDs of a result's DICOM objects, minted once when the result is made, so that a retry writes the same object again. */
export type ResultUids = { readonly [output in ResultOutput]: ObjectUids };
export type ObjectUids = { readonly seriesInstanceUid: Uid; readonly sopInstanceUid: Uid };

/**
 * A report or rejection note of a result. What it has to say depends on who gets it and when, so there may be several, each with UIDs of its
 * own, which are minted before it is written.
 */
export type ResultDocument = {
  readonly id: DocumentId;
  readonly resultId: ResultId;
  readonly kind: "sr" | "rejection-note";
  /** What makes it another one than others of its kind. */
  readonly says: object;
  readonly uids: ObjectUids;
  /** In the result's folder. */
  readonly file: string;
  /** UTC epoch ms. */
  readonly createdAt: number;
};

/** A destination's answer that it has taken an object. */
export type Receipt = {
  readonly destination: string;
  /** How the answer came. */
  readonly service: "c-store" | "stow-rs" | "storage-commitment";
  readonly output: ObjectKind;
  readonly sopClassUid: Uid;
  readonly seriesInstanceUid: Uid;
  readonly sopInstanceUid: Uid;
  /** Of the data set as it stands in its file, and as it was sent unless `comment` says how else, hex; null where a release before did not note it. */
  readonly sha256: string | null;
  readonly aeTitle: string;
  /** 0 for Success, else a warning; with its Error Comment. */
  readonly status: number;
  readonly comment: string | null;
  /** UTC epoch ms. */
  readonly at: number;
};

/** One structure as found: what the table on the page and statistics.json show. */
export type StructureMeasure = {
  readonly value: number;
  readonly voxels: number;
  readonly volumeMl: number;
  readonly meanHu: number;
  /** Cut off by the border of the field of view: the volume is a lower bound. */
  readonly touchesBorder: boolean;
  /** A voxel index near its middle, where the page jumps to. */
  readonly centreIjk: readonly [number, number, number];
  /** What follows is absent in results of releases that did not measure it. */
  readonly sdHu?: number;
  readonly minHu?: number;
  readonly maxHu?: number;
  readonly medianHu?: number;
  /** Centre of mass, LPS mm. */
  readonly centreLps?: readonly [x: number, y: number, z: number];
  /** The smallest block of voxels that holds it, ijk. */
  readonly box?: { readonly start: readonly [number, number, number]; readonly dims: readonly [number, number, number] };
};

/** An image that a result is made from, as it was received. */
export type ResultInput = {
  readonly sopInstanceUid: Uid;
  readonly transferSyntaxUid: Uid;
  /** Of its data set, hex. */
  readonly sha256: string;
  /** UTC epoch ms. */
  readonly receivedAt: number;
};

/** Something that was done for a result and is finished: with what, by which release, and when (UTC epoch ms). */
export type ResultStep = {
  readonly step: "segment" | "encode" | "write-report" | "write-rejection-note";
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly softwareVersion: string;
  readonly startedAt: number;
  readonly endedAt: number;
};

/** How a result came about. */
export type InferenceRecord = {
  readonly provider: string;
  readonly precision: string;
  readonly patches: number;
  readonly inferenceMs: number;
  readonly wallMs: number;
  readonly peakMemoryBytes: number;
  /** What was noticed on the way and a person may want to know (localizers dropped and the like). */
  readonly notes: readonly string[];
  /** What it takes to trace and repeat it; absent in results of releases that did not keep it. */
  readonly trace?: InferenceTrace;
};

/** What an inference was made of, and how it went step by step. */
export type InferenceTrace = {
  readonly softwareVersion: string;
  /** Library that ran the network, with its version. */
  readonly engine: string;
  readonly threads: number;
  readonly cpu: string;
  /** SHA-256 of every file of the model that has a say: networks, plans, dataset. */
  readonly modelFiles: readonly { readonly file: string; readonly sha256: string }[];
  /** Network input voxels and spacing, zyx. */
  readonly patchSize: readonly number[];
  readonly spacingMm: readonly number[];
  readonly stepSize: number;
  /** Missing in results of releases that knew only exact. */
  readonly mode?: "exact" | "fast";
  /** Patches that were not computed because there is only air under them. */
  readonly patchesOfAir?: number;
  readonly mirrorAxes: readonly number[];
  /** The forms of the model's networks that made it, in their order; missing in results of releases that knew only one. */
  readonly networks?: readonly {
    readonly part: string;
    readonly file: string;
    readonly precision: string;
    readonly provider: string;
    readonly threads: number;
    /** What follows is missing in results of releases that did not keep it. SHA-256 of the file. */
    readonly sha256?: string;
    /** As it was when the result was made. */
    readonly evidence?: FormEvidence;
  }[];
  /** SHA-256 of the label map's voxels, i fastest. */
  readonly labelMapSha256: string;
  /** Wall time of each step, ms. `prepare` (resampling, while the first network is opened) and `finish` (merged labels to the source grid) and `network` (the networks' own share of `infer`) are missing in results of releases that did not tell them apart. */
  readonly stepsMs: Readonly<
    Record<"readModel" | "readImages" | "openNetwork" | "infer" | "measure", number> &
      Partial<Record<"prepare" | "finish" | "network" | "write", number>>
  >;
};

export type Result = {
  readonly id: ResultId;
  readonly seriesId: SeriesId;
  /** The rule as it was when it took the series. */
  readonly rule: Rule;
  readonly modelName: string;
  readonly modelVersion: string;
  /** SHA-256 over the digests of the images it is made from. */
  readonly inputDigest: string;
  readonly state: ResultState;
  readonly reason: Reason | null;
  readonly uids: ResultUids;
  /** Which objects of `uids` were written; null before that, and in results of releases that did not note it. */
  readonly written: readonly ResultOutput[] | null;
  /** UTC epoch ms. */
  readonly createdAt: number;
  /** The result of fewer images that this one takes the place of. */
  readonly predecessorId: ResultId | null;
  readonly structures: readonly StructureMeasure[] | null;
  readonly record: InferenceRecord | null;
  /** Null before anybody has judged it. */
  readonly review: Review | null;
  /** When the images that it is made from were deleted; UTC epoch ms; null: they are here. */
  readonly imagesRemovedAt: number | null;
};

/** What a person made of a result. */
export type Review = {
  readonly verdict: "accepted" | "rejected";
  /** Name of the user. */
  readonly by: string;
  /** UTC epoch ms. */
  readonly at: number;
  /** Why it was rejected; empty for an accepted one. */
  readonly reason: string;
  /** For whom the reviewer stands in for it; empty or absent where the site has not said. */
  readonly organization?: string;
};

export const deliveryStates = ["held", "waiting", "delivered", "failed", "withdrawn"] as const;
/**
 * held: until a person accepts the result. waiting: on its way, perhaps after failed tries. delivered: the peer answered Success or a warning.
 * failed: the peer refused it for good, or what was to go could not be had. withdrawn: called back before it went out; of a rejection note,
 * the destination takes none.
 */
export type DeliveryState = (typeof deliveryStates)[number];

/** A choice that the destination did not take. */
export type Refusal = {
  readonly output: ObjectKind;
  readonly reason: Reason;
  /** The peer's C-STORE status; null where it took no presentation context for the object. */
  readonly status: number | null;
  /** UTC epoch ms. */
  readonly at: number;
};

/** An object that a destination has, or may have. */
export type SentInstance = ObjectUids & { readonly sopClassUid: Uid };

/** One object on its way to one destination. */
export type Delivery = {
  readonly id: DeliveryId;
  readonly resultId: ResultId;
  /** Name of a node; `sender` where none that is set up has the sender's AE title. */
  readonly destination: string;
  /** What may go, first choice first. */
  readonly choices: readonly ObjectKind[];
  /** The choice that goes or went. */
  readonly output: ObjectKind;
  readonly position: number;
  /** Which report or note it is, once its turn came; null for other objects. */
  readonly documentId: DocumentId | null;
  /** The choices before it, and why they did not go. */
  readonly refusals: readonly Refusal[];
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly reason: Reason | null;
  /** The peer's last C-STORE status, 0 for Success, and its Error Comment with that. */
  readonly status: number | null;
  readonly comment: string | null;
  /** Of a delivered one, whether the peer has committed itself to keep it; null: it was not asked to. failed: `state` is so too. */
  readonly commitment: "asked" | "committed" | "failed" | null;
  /** UTC epoch ms. */
  readonly triedAt: number | null;
  readonly deliveredAt: number | null;
};
