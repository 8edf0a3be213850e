import type { AccuracyRecord, FormAccuracy } from "./accuracy.ts";
import type { Activation, Provider, Trial } from "./activation.ts";
import type { NetworkFile } from "./model.ts";

/** What speaks for a form of a network: how it was judged before it was let into use, and what was found when it was tried on this box. */
export type FormEvidence = {
  /** Against fp32 on CTs that it was not made with; null for a form that nobody had to judge: fp32. */
  readonly gate:
    | (Pick<FormAccuracy, "meanDice" | "worstDice" | "worstLabel" | "compared"> & {
        readonly outcome: AccuracyRecord["outcome"];
        /** UTC epoch ms. */
        readonly at: number;
      })
    | null;
  /** On the provider that was used; null where the model was not tried here. */
  readonly activation: (Pick<Trial, "outcome" | "detail"> & Pick<Activation, "at"> & { readonly agreement: Agreed }) | null;
};
type Agreed = NonNullable<Trial["measured"]>["agreement"];

/**
 * What the model's card and its activation say of a form, by its digest: another file of the same name has no part in it.
 *
 * @param accuracy of the model; null where it has none
 * @param activation of the model on this box; null where it was not tried, or that does not hold any more
 */
export function evidenceOf(
  { sha256 }: Pick<NetworkFile, "sha256">,
  provider: Provider | string,
  accuracy: AccuracyRecord | null,
  activation: Activation | null,
): FormEvidence {
  const judged = accuracy?.parts.find(({ int8Sha256 }) => int8Sha256 === sha256)?.againstFp32;
  const trial = activation?.trials.find((each) => (each.built ?? each).sha256 === sha256 && each.provider === provider);
  return {
    gate: accuracy && judged ? { outcome: accuracy.outcome, at: accuracy.at, ...figuresOf(judged) } : null,
    activation:
      activation && trial
        ? { outcome: trial.outcome, detail: trial.detail, at: activation.at, agreement: trial.measured?.agreement ?? null }
        : null,
  };
}

const figuresOf = ({ meanDice, worstDice, worstLabel, compared }: FormAccuracy) => ({ meanDice, worstDice, worstLabel, compared });
