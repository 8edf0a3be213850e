import { join } from "node:path";
import type { Provider, Trial } from "../../appliance/domain/activation.ts";

/** Entry of the child process that tries one form of a network on one provider: a driver that crashes takes only it along. */
export const trialEntry = join(import.meta.dirname, "trial-child.ts");

export type TrialRequest = {
  readonly modelFolder: string;
  readonly part: string;
  readonly file: string;
  readonly provider: Provider;
  /** DICOM files of the CT that it is tried with. */
  readonly images: readonly string[];
  /** Numbers of threads to try; the first also reads the CT. */
  readonly threads: readonly number[];
  /** Where an engine is built to, if the form needs one: an ONNX file in this folder. */
  readonly engine: { readonly folder: string; readonly file: string };
  /** Where the label map is left: one byte per voxel of the CT, the part's own class numbers. */
  readonly labelsFile: string;
};

export type TrialReply =
  | { readonly outcome: "absent" | "falls-back" | "fails"; readonly detail: string }
  | {
      readonly outcome: "ran";
      readonly threads: number;
      readonly arena: boolean;
      readonly patchMs: number;
      readonly patches: number;
      readonly peakMemoryBytes: number;
      readonly built?: Trial["built"];
    };
