import type { CodedConcept } from "./code.ts";

/** A structure that a model draws: its number in the label map and how DICOM names it. */
export type Label = {
  /** Number in the label map, 1..255; 0 is background. */
  readonly value: number;
  /** Machine name, as in nnU-Net's dataset.json: `kidney_left`. */
  readonly name: string;
  readonly title: string;
  readonly category: CodedConcept;
  readonly type: CodedConcept;
  /** Type modifiers, laterality above all. */
  readonly modifiers: readonly CodedConcept[];
  readonly anatomicRegion: CodedConcept | null;
  /** Recommended display colour, sRGB 0..255. */
  readonly color: readonly [r: number, g: number, b: number];
  /** RT ROI Interpreted Type, PS3.3 C.8.8.8.1: ORGAN, AVOIDANCE, … */
  readonly rtRoiInterpretedType: string;
};

/** One network of a model as a file. */
export type NetworkFile = {
  /** Path inside the model's folder. */
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly precision: "fp32" | "fp16" | "int8";
  /** Names of the graph's input and output. */
  readonly input: string;
  readonly output: string;
};

/** models/NAME/manifest.json, parsed: all that the appliance knows of a model besides its files. */
export type ModelManifest = {
  readonly schema: 1;
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly intendedUse: string;
  readonly notFor: string;
  readonly licence: string;
  readonly algorithm: { readonly name: string; readonly version: string };
  readonly trainingData: readonly {
    readonly name: string;
    readonly licence: string;
    readonly use: string;
    readonly cases: number;
  }[];
  /** nnU-Net's own files, paths inside the model's folder. */
  readonly nnunet: {
    readonly plans: string;
    readonly dataset: string;
    readonly configuration: string;
    /** SHA-256 of the two files, lower-case hex; checked where given. */
    readonly plansSha256?: string | undefined;
    readonly datasetSha256?: string | undefined;
  };
  readonly networks: readonly NetworkFile[];
  /** Sliding window step as a share of the patch. */
  readonly stepSize: number;
  /** Axes (nnU-Net's zyx) that inference may mirror; empty for none. */
  readonly mirrorAxes: readonly number[];
  readonly labels: readonly Label[];
};
