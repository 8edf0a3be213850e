import type { SeriesId, Uid } from "./ids.ts";

export const seriesStates = ["receiving", "complete", "ignored"] as const;
/** receiving: images are arriving. complete: all are here, at least one rule took it. ignored: no rule took it; the reason is stored. */
export type SeriesState = (typeof seriesStates)[number];

/** Why something was not done: a stable code that the page translates, and a sentence with what was expected and found. */
export type Reason = { readonly code: string; readonly message: string };

/** What selection needs to know of one received image; read from its header once, when it arrives. */
export type InstanceFacts = {
  readonly sopClassUid: Uid;
  readonly modality: string;
  /** Image Type, PS3.3 C.8.2.1.1.1: `ORIGINAL, PRIMARY, AXIAL` */
  readonly imageType: readonly string[];
  /** 0 for an object without pixels. */
  readonly rows: number;
  readonly columns: number;
  /** 1 for a single-frame image. */
  readonly numberOfFrames: number;
  /** Image Orientation (Patient), six direction cosines; null where the image carries none at its top level. */
  readonly imageOrientationPatient: readonly number[] | null;
  /** Number of Series Related Instances, Images in Acquisition and Acquisition Number, where the image has them. */
  readonly seriesInstances?: number;
  readonly imagesInAcquisition?: number;
  readonly acquisitionNumber?: number;
};

/** One received image. */
export type Instance = {
  readonly sopInstanceUid: Uid;
  readonly transferSyntaxUid: Uid;
  /** SHA-256 of the data set as it came, hex. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly facts: InstanceFacts;
  readonly receivedAt: number;
};

/** Who a series is about and who sent it, as its first image said; for people to read. Never logged. */
export type SeriesDescription = {
  readonly patientName: string;
  readonly patientId: string;
  readonly patientBirthDate: string;
  readonly patientSex: string;
  readonly accessionNumber: string;
  readonly studyDate: string;
  readonly studyDescription: string;
  readonly seriesDescription: string;
  readonly seriesNumber: number | null;
  readonly bodyPartExamined: string;
};

export type Series = {
  readonly id: SeriesId;
  readonly seriesInstanceUid: Uid;
  readonly studyInstanceUid: Uid;
  readonly state: SeriesState;
  readonly reason: Reason | null;
  readonly modality: string;
  readonly description: SeriesDescription;
  readonly callingAeTitle: string;
  readonly calledAeTitle: string;
  /** SOP Instance UIDs, each counted once. */
  readonly instanceCount: number;
  /** Images that came under the UID of another one with other bytes. All are kept; a volume is made only where they turn out to be the same image. */
  readonly differingCopies: number;
  /** Images whose file was lost or damaged here; the same image again mends it. */
  readonly missingImages: number;
  /** When images that results of it are made from were deleted; those that are here came later. UTC epoch ms; null: none were. */
  readonly imagesRemovedAt: number | null;
  /** When all that was here of it before was deleted, so that it began anew. UTC epoch ms; null: nothing was. */
  readonly earlierRemovedAt: number | null;
  readonly firstReceivedAt: number;
  readonly lastReceivedAt: number;
};

/**
 * Whether a series may be judged complete: nothing came for `quietMs` and no association that brought one of its images is still open,
 * since a scanner may pause between table moves within one association. A last arrival that lies in the future came before the clock was set
 * back; how long ago is not known, and the series must not wait until the clock comes there again.
 */
export function isComplete(
  series: { lastReceivedAt: number; lastAssociationEndedAt: number | null },
  associationsOpen: number,
  quietMs: number,
  now: number,
): boolean {
  return associationsOpen === 0 && Math.abs(now - Math.max(series.lastReceivedAt, series.lastAssociationEndedAt ?? 0)) >= quietMs;
}
