import * as z from "zod/mini";
import type { Reason } from "./reason.ts";

export type Days = number | "never";

/** GET /api/storage: what is here, what would go now, and what stays though its time is over. Our own numbers only, no names. */
export type StorageState = {
  readonly settings: { readonly imageDays: Days; readonly resultDays: Days; readonly traceDays: Days; readonly startFreeBytes: number };
  readonly disk: { readonly freeBytes: number; readonly totalBytes: number; readonly minimumFreeBytes: number };
  /** By age, and for room where there is too little. */
  readonly usual: StoragePlan;
  /** All that may go, whatever its age: what an administrator may order. */
  readonly ordered: StoragePlan;
  /** Deleted results of which it is still known how they were made. */
  readonly traces: number;
  /** What the check of files at the last start found; null while it runs. */
  readonly files: FileCheck | null;
};

/** What the check of files at the start found, and did about it. Nothing is deleted by it. */
export type FileCheck = {
  readonly checkedAt: number;
  readonly files: number;
  /** Files that no row knew of, and that were taken back as what they are. */
  readonly adopted: number;
  /** Files that no row knew of and that could not be understood, or were not what their row said; moved aside. */
  readonly quarantined: number;
  /** Images whose file is not here, by series. */
  readonly missing: readonly { readonly seriesId: number; readonly images: number }[];
  /** Results of which files are not here. */
  readonly damagedResults: readonly { readonly resultId: number; readonly seriesId: number; readonly files: readonly string[] }[];
};

export type StoragePlan = {
  readonly bytes: number;
  readonly series: number;
  /** The first of them, in the order in which they go. */
  readonly removals: readonly StorageRemoval[];
  readonly keptSeries: number;
  readonly kept: readonly StorageKept[];
};

export type StorageRemoval = {
  readonly seriesId: number;
  readonly what: "images" | "everything";
  readonly cause: "age" | "disk" | "ordered";
  /** The last thing that happened to it, UTC epoch ms. */
  readonly since: number;
  readonly images: number;
  readonly results: number;
  readonly bytes: number;
};

export type StorageKept = {
  readonly seriesId: number;
  readonly reason: Reason;
  readonly since: number;
  readonly bytes: number;
  /** Whether somebody may say that nothing more is to be done about it. */
  readonly canBeSettled: boolean;
};

/** What a run came to. */
export type StorageOutcome = {
  readonly series: number;
  readonly images: number;
  readonly results: number;
  readonly bytes: number;
  readonly kept: number;
};

/** What has to be typed before all that may go goes. */
export const purgeWord = "delete";

/** POST /api/storage/purge */
export const purgeRequest = z.object({ confirmation: z.literal(purgeWord, `type ${purgeWord}`) });

/** POST /api/studies/UID/erase: `confirmation` is the study's UID again. */
export const eraseRequest = z.object({ confirmation: z.string(), force: z.optional(z.boolean()) });

export type StudyErased = {
  readonly series: number;
  readonly images: number;
  readonly results: number;
  /** Deleted results of which it was known how they were made. */
  readonly traces: number;
  /** Copies of the database from before an update, which held the study too. */
  readonly databaseCopies: number;
  /** False: a copy of what was erased may stand in the database's log until the next night. */
  readonly isOverwritten: boolean;
};
