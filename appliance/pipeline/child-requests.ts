import { join } from "node:path";
import type { Device } from "../dicom/header.ts";
import type { InferenceRecord, ResultUids, StructureMeasure } from "../domain/result.ts";
import type { ResultOutput } from "../domain/rule.ts";

/** Entry of the child process that does what takes long. */
export const childEntry = join(import.meta.dirname, "child.ts");
/** A patch of the largest network takes seconds; so long without a sign means that the child hangs. */
export const childStallMs = 10 * 60_000;

/** Code of the refusal when a model's version is not the one that a result was planned with. */
export const modelChanged = "model-changed";

export type SourceFile = { readonly sopInstanceUid: string; readonly path: string };

/** Reads a series, segments it, and leaves volume, label map and images.json in a folder. */
export type SegmentRequest = {
  readonly kind: "segment";
  readonly files: readonly SourceFile[];
  readonly modelFolder: string;
  readonly modelVersion: string;
  readonly outputFolder: string;
  readonly threads: number;
};
export type SegmentReply = { readonly structures: readonly StructureMeasure[]; readonly record: InferenceRecord };
/** Share of the patches done, 0..1. */
export type ChildProgress = number;

/** Label map on disk -> DICOM objects, NIfTI and statistics in the same folder. */
export type EncodeRequest = {
  readonly kind: "encode";
  readonly files: readonly SourceFile[];
  readonly modelFolder: string;
  readonly modelVersion: string;
  readonly outputFolder: string;
  readonly outputs: readonly ResultOutput[];
  readonly structures: readonly StructureMeasure[];
  readonly uids: ResultUids;
  readonly device: Device;
  readonly createdAt: number;
};
/** Which objects were written: a result without any structure has none. */
export type EncodeReply = { readonly written: readonly ResultOutput[] };

/** Names of the objects in a result's folder. */
export const outputFile = { seg: "seg.dcm", rtstruct: "rtstruct.dcm" } as const satisfies Record<ResultOutput, string>;
