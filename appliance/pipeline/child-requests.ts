import { join } from "node:path";
import type { Device } from "../dicom/header.ts";
import type { PastForm } from "../domain/activation.ts";

import type { NetworkFile } from "../domain/model.ts";
import type { InferenceRecord, ObjectUids, ResultUids, Review, SentInstance, StructureMeasure } from "../domain/result.ts";
import type { OutputSettings, ResultOutput } from "../domain/rule.ts";
import type { Reason, SeriesDescription } from "../domain/series.ts";
import type { Mode } from "../nnunet/windows.ts";
import type { Making } from "./provenance.ts";

/** Entry of the child process that does what takes long. */
export const childEntry = join(import.meta.dirname, "child.ts");
/** A patch of the largest network takes seconds; so long without a sign means that the child hangs. */
export const childStallMs = 10 * 60_000;

/** Code of the refusal when a model's version is not the one that a result was planned with. */
export const modelChanged = "model-changed";

export type SourceFile = {
  readonly sopInstanceUid: string;
  readonly path: string;
  /** SHA-256 of its data set as received, held to when it is read; null for a file that nobody has taken in. */
  readonly sha256: string | null;
};

/** Reads a series, segments it, and leaves volume, label map and images.json in a folder. */
export type SegmentRequest = {
  readonly kind: "segment";
  readonly files: readonly SourceFile[];
  readonly modelFolder: string;
  readonly modelVersion: string;
  readonly outputFolder: string;
  readonly threads: number;
  /** Where the model's activation on this box is kept, if there is one; left out: none is looked for. */
  readonly activationFile?: string;
  /** Whether every patch is computed where upstream puts it (exact, if left out) or as few as cover the body. */
  readonly mode?: Mode;
  /** Names of the labels to draw; left out: all. */
  readonly labels?: readonly string[];
  /** To measure time only: run the forms of this precision, barred or not, and no others; left out: what may make results. */
  readonly benchPrecision?: NetworkFile["precision"];
  /** To make a result again: the forms of the model's networks that made it; left out: those that are best now. */
  readonly asBefore?: readonly PastForm[];
  /** An installed model that crops the CT to those labels first; left out: none. */
  readonly cropBy?: string;
};
export type SegmentReply = { readonly structures: readonly StructureMeasure[]; readonly record: InferenceRecord };
/** Share of the patches done, 0..1. */
export type ChildProgress = number;

export type Subject = Pick<
  SeriesDescription,
  "patientName" | "patientId" | "patientBirthDate" | "accessionNumber" | "studyDate" | "studyDescription" | "seriesDescription"
>;

/** Label map on disk -> DICOM objects, NIfTI and statistics in the same folder. */
export type EncodeRequest = {
  readonly kind: "encode";
  readonly files: readonly SourceFile[];
  readonly modelFolder: string;
  readonly modelVersion: string;
  readonly outputFolder: string;
  readonly outputs: readonly ResultOutput[];
  /** Whether a result without any structure is written as a SEG too. */
  readonly emptySeg: boolean;
  readonly settings: OutputSettings;
  readonly structures: readonly StructureMeasure[];
  readonly uids: ResultUids;
  readonly device: Device;
  readonly making: Making;
  readonly record: InferenceRecord | null;
  /** Whom a report is about. */
  readonly subject: Subject;
  /** The report of the result of fewer images that this one takes the place of. */
  readonly predecessorReport: ResultUids["sr"] | null;
  /** Its structure set. */
  readonly predecessorStructureSet: ResultUids["rtstruct"] | null;
  readonly createdAt: number;
};
export type EncodeReply = {
  /** Which objects were written: of a result without any structure, those that can say so. */
  readonly written: readonly ResultOutput[];
  readonly failed: readonly Failure[];
};
/** What could not be written, while other things could. */
export type Failure = {
  /** As people call it: `SEG`, `labels.nii.gz`. */
  readonly what: string;
  /** Null of what is for download only. */
  readonly output: ResultOutput | null;
  readonly reason: Reason;
  /** Of a fault of ours; null where the input is refused. */
  readonly stack: string | null;
};

/** Writes a report of a result, for those who have certain objects of it, or after it was judged. */
export type ReportRequest = {
  readonly kind: "report";
  readonly files: readonly SourceFile[];
  /** Of the result: the model's manifest as it was lies there. */
  readonly resultFolder: string;
  /** Name of the file to write there. */
  readonly file: string;
  readonly report: ReportContent;
};
export type ReportReply = Record<string, never>;

/** What a report is made of, beside the images and the model. */
export type ReportContent = {
  readonly uids: ObjectUids;
  readonly device: Device;
  readonly structures: readonly StructureMeasure[];
  readonly record: InferenceRecord | null;
  readonly making: Making;
  /** The segmentation that it refers to; null where whoever gets it has none. */
  readonly segmentation: { readonly output: "seg" | "seg-labelmap"; readonly uids: ObjectUids } | null;
  /** The report that this one takes the place of. */
  readonly predecessor: ObjectUids | null;
  readonly review: Review | null;
  readonly createdAt: number;
};

/** Writes the note that a result's objects, which were delivered, are to be used no more. */
export type RejectRequest = {
  readonly kind: "reject";
  /** Any image of the series: the note is in its study. */
  readonly image: SourceFile;
  /** Path of the file to write. */
  readonly path: string;
  readonly uids: ObjectUids;
  readonly rejected: readonly SentInstance[];
  /** For a person, in a sentence. */
  readonly description: string;
  readonly device: Device;
  readonly modelName: string;
  readonly createdAt: number;
};
export type RejectReply = Record<string, never>;
