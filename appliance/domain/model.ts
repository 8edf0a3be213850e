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

/** A file of a model: path inside the model's folder, and what it must be. */
export type ModelFile = { readonly file: string; readonly sha256: string; readonly sizeBytes: number };

/** One form of a network as a file. */
export type NetworkFile = ModelFile & {
  readonly precision: "fp32" | "fp16" | "int8";
  /** `tensorrt`: a graph with quantising steps that an engine is built from on the box; never loaded as it is. */
  readonly engine: "onnx" | "tensorrt";
  /** Why this form must not make results: it did not pass the accuracy gate, or was made to measure time only. Absent where it may. */
  readonly barred?: string | undefined;
  /** Names of the graph's input and output. */
  readonly input: string;
  readonly output: string;
  /** Set where the graph was made for one patch size only (zyx); otherwise it takes any multiple of its strides. */
  readonly patchSize?: readonly [z: number, y: number, x: number] | undefined;
  /** Set where the graph ends before its last, 1 x 1 x 1 convolution (the head). */
  readonly features?: NetworkFeatures | undefined;
  /** Tensors of a graph past 2 GB lie in files beside it. */
  readonly externalData?: readonly ModelFile[] | undefined;
};

/**
 * The output of a graph without its head. The head is linear, so classes are computed once per voxel after overlapping patches are summed, with
 * the same result. A uint8 value stands for (value - zeroPoint) * scale.
 */
export type NetworkFeatures = {
  readonly channels: number;
  readonly layout: "ncdhw" | "ndhwc";
  readonly type: "float32" | "uint8";
  readonly scale?: number | undefined;
  readonly zeroPoint?: number | undefined;
  /** float32, little-endian: weights [class][channel], then bias [class]. */
  readonly head: ModelFile;
};

/** An nnU-Net network of a model, in all its forms. */
export type ModelPart = {
  /** `main`, `organs`, `vertebrae`, … */
  readonly name: string;
  /** nnU-Net's own files, paths inside the model's folder. */
  readonly nnunet: {
    readonly plans: string;
    readonly dataset: string;
    readonly configuration: string;
    /** By what the CT is resampled for it: 1 linear interpolation, 3 cubic splines; 1 if left out. */
    readonly zoomOrder?: 1 | 3 | undefined;
    /** SHA-256 of the two files, lower-case hex; checked where given. */
    readonly plansSha256?: string | undefined;
    readonly datasetSha256?: string | undefined;
  };
  /** Labels of dataset.json that helped in training and are none of the model's: what the network draws of them is background. */
  readonly auxiliary?: readonly string[] | undefined;
  /** The same network in several forms, best first: the first that the box can run and that is not barred is used. fp32 is always among them. */
  readonly networks: readonly NetworkFile[];
};

/** models/NAME/manifest.json, parsed: all that the appliance knows of a model besides its files. */
export type ModelManifest = {
  readonly schema: 2;
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
  /** Networks whose label maps are merged in this order: a later part's voxels win where they are not 0. One for most models. */
  readonly parts: readonly ModelPart[];
  /** The CT is cropped to these labels of another installed model first, grown by marginMm; null for the whole CT. */
  readonly crop: { readonly model: string; readonly labels: readonly string[]; readonly marginMm: number } | null;
  /** Sliding window step as a share of the patch. */
  readonly stepSize: number;
  /** Axes (nnU-Net's zyx) that inference may mirror; empty for none. */
  readonly mirrorAxes: readonly number[];
  readonly postprocessing: {
    /** Connected pieces of a label of this volume or less are taken away, except of labels of {@link keepLargest}; null for none. */
    readonly removeSmallBlobsMm3: number | null;
    /** The volume for labels that have one of their own, by name; 0 leaves a label's pieces alone. */
    readonly removeSmallBlobsMm3Of?: Readonly<Record<string, number>> | undefined;
    /** Names of labels of which only the largest connected piece stays. */
    readonly keepLargest: readonly string[];
  };
  /** Values are those of the merged map; a part's label becomes the one with its name. */
  readonly labels: readonly Label[];
};
