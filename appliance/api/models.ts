/** A line of GET /api/models: an installed model; `refusal` says why one can't be used. */
export type ModelLine = {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly labels: number;
  readonly intendedUse: string;
  readonly refusal: string | null;
};

/** One form of a network, and the file that it is. */
export type ModelForm = {
  readonly part: string;
  readonly file: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly precision: "fp32" | "fp16" | "int8";
  /** Why it must make no results; null where it may. */
  readonly barred: string | null;
};

/** GET /api/models/NAME: all that is known here of a model. */
export type ModelCard = {
  readonly name: string;
  readonly version: string;
  readonly title: string;
  readonly intendedUse: string;
  readonly notFor: string;
  readonly licence: string;
  readonly algorithm: { readonly name: string; readonly version: string };
  readonly trainingData: readonly { readonly name: string; readonly licence: string; readonly use: string; readonly cases: number }[];
  /** SHA-256 of manifest.json. */
  readonly manifestSha256: string;
  readonly forms: readonly ModelForm[];
  /** The form of each part's network that results are made with now; INT8 only for CTs that fill half of its patch. A part without a line can't be run. */
  readonly used: readonly {
    readonly part: string;
    readonly file: string;
    readonly precision: ModelForm["precision"];
    readonly provider: string;
  }[];
  readonly labels: readonly {
    readonly value: number;
    readonly name: string;
    readonly title: string;
    readonly color: readonly [r: number, g: number, b: number];
    readonly code: { readonly value: string; readonly scheme: string; readonly meaning: string };
    /** Meanings of the type's modifiers: Left, Right. */
    readonly modifiers: readonly string[];
  }[];
  /** card.md as it lies there, Markdown that somebody else may have written; null where there is none. */
  readonly card: string | null;
  readonly accuracy: ModelAccuracy | null;
  readonly activation: ModelActivation | null;
  readonly benchmark: ModelBenchmark | null;
  /** What lies there and can't be read, or does not hold any more, one sentence each. */
  readonly notes: readonly string[];
};

/** How the INT8 forms were judged: accuracy.json, without the noise of single layers. */
export type ModelAccuracy = {
  readonly version: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly engine: string;
  readonly machine: string;
  readonly outcome: "passed" | "kept-fp32" | "bench-only";
  readonly reason: string;
  readonly limits: { readonly meanDice: number; readonly worstDice: number; readonly overMl: number };
  readonly calibrationCts: number;
  readonly holdoutCts: number;
  readonly parts: readonly {
    readonly part: string;
    readonly int8Sha256: string;
    readonly keptFp32: readonly string[];
    readonly againstFp32: {
      readonly meanDice: number;
      readonly worstDice: number;
      readonly worstLabel: string;
      readonly labels: readonly {
        readonly name: string;
        readonly cases: number;
        readonly meanDice: number;
        readonly worstDice: number;
        readonly largestVolumeDifferenceMl: number;
        /** A share of the fp32 volume. */
        readonly meanVolumeDifference: number;
      }[];
    } | null;
  }[];
};

/** What was found out when the model was tried on a machine. */
export type ModelActivation = {
  readonly version: string;
  readonly machine: string;
  readonly engine: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly trials: readonly {
    readonly part: string;
    readonly file: string;
    readonly precision: string;
    readonly provider: string;
    readonly outcome: "usable" | "absent" | "falls-back" | "fails" | "barred";
    readonly detail: string;
  }[];
};

/** What a whole job took when it was measured last. */
export type ModelBenchmark = {
  readonly version: string;
  readonly machine: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly provider: string;
  readonly precision: string;
  readonly patches: number;
  readonly patchMs: number;
  readonly jobMs: number;
  readonly peakMemoryBytes: number;
};
