/** What another form of a network must reach against fp32 to be used: Dice of labels over a volume, on CTs that it was not made with. */
export const accuracyLimits = { meanDice: 0.99, worstDice: 0.97, overMl: 1 } as const;

/** How one structure fared over all CTs that show it with more than the limits' volume in one of the two forms. */
export type LabelAccuracy = {
  readonly name: string;
  readonly cases: number;
  readonly meanDice: number;
  readonly worstDice: number;
  /** Largest difference of volume in one CT, in ml and as a share of the fp32 volume. */
  readonly largestVolumeDifferenceMl: number;
  readonly meanVolumeDifference: number;
};

/** A form against fp32. */
export type FormAccuracy = {
  readonly meanDice: number;
  readonly worstDice: number;
  readonly worstLabel: string;
  /** Pairs of a CT and a structure that were compared. */
  readonly compared: number;
  readonly labels: readonly LabelAccuracy[];
  /** Mean Dice over every structure of every CT, however small. */
  readonly meanDiceOfAll: number;
};

/** fp32 and INT8 beside each other, each against what a person drew. */
export type HumanAccuracy = {
  readonly name: string;
  readonly cases: number;
  readonly fp32: { readonly meanDice: number; readonly worstDice: number };
  readonly int8: { readonly meanDice: number; readonly worstDice: number };
};

/** Signal to noise of what a layer gives in INT8 against fp32, dB, on calibration patches. */
export type LayerNoise = { readonly layer: string; readonly sqnrDb: number };

export type PartAccuracy = {
  readonly part: string;
  /** SHA-256 of the INT8 file that was judged, and of the fp32 file that it was made of and judged by. */
  readonly int8Sha256: string;
  readonly fp32Sha256: string;
  /** Layers that stayed in float32 inside the INT8 graph. */
  readonly keptFp32: readonly string[];
  /** How often layers were given back to fp32 and everything was judged again. */
  readonly rounds: number;
  readonly layers: readonly LayerNoise[];
  /** How many channels were given their range by which method. */
  readonly rangeMethods: Readonly<Record<string, number>>;
  /** Null for bench-only. */
  readonly againstFp32: FormAccuracy | null;
  /** Null where the CTs had no labels of a person. */
  readonly againstHuman: readonly HumanAccuracy[] | null;
};

/** NAME/accuracy.json: how the INT8 forms of a model were made and judged. CTs are named by the digest of their voxels only. */
export type AccuracyRecord = {
  readonly schema: 1;
  readonly model: string;
  readonly version: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly engine: string;
  readonly machine: string;
  /**
   * `passed`: INT8 is used; `kept-fp32`: it did not reach the limits and is barred; `bench-only`: nobody judged it, it is there to measure time
   * and must never make a result.
   */
  readonly outcome: "passed" | "kept-fp32" | "bench-only";
  readonly reason: string;
  readonly limits: { readonly meanDice: number; readonly worstDice: number; readonly overMl: number };
  readonly calibration: { readonly patches: number; readonly cts: readonly string[] };
  readonly holdout: { readonly cts: readonly string[] };
  readonly parts: readonly PartAccuracy[];
};
