import { accuracyLimits, type FormAccuracy, type HumanAccuracy, type LabelAccuracy } from "../../appliance/domain/accuracy.ts";
import type { LabelAgreement } from "../../appliance/volume/compare.ts";

/** How the labels of one CT agree: A is fp32 (or a person), B the form that is judged. */
export type CaseAgreement = readonly LabelAgreement[];

/** Draws together how a form agrees with fp32 over all CTs. Limits hold for labels over the limits' volume in one of the two. */
export function accuracyOf(cases: readonly CaseAgreement[], nameOf: (value: number) => string): FormAccuracy {
  const all = cases.flat();
  const large = all.filter(({ volumeMlA, volumeMlB }) => Math.max(volumeMlA, volumeMlB) > accuracyLimits.overMl);
  const worst = large.reduce<LabelAgreement | undefined>((least, each) => (least && least.dice <= each.dice ? least : each), undefined);
  const values = [...new Set(large.map(({ value }) => value))].sort((a, b) => a - b);
  return {
    meanDice: mean(large.map(({ dice }) => dice)),
    worstDice: worst?.dice ?? 0,
    worstLabel: worst ? nameOf(worst.value) : "",
    compared: large.length,
    meanDiceOfAll: mean(all.map(({ dice }) => dice)),
    labels: values.map((value) =>
      labelAccuracy(
        nameOf(value),
        large.filter((each) => each.value === value),
      ),
    ),
  };
}

function labelAccuracy(name: string, found: readonly LabelAgreement[]): LabelAccuracy {
  const differences = found.map(({ volumeMlA, volumeMlB }) => Math.abs(volumeMlB - volumeMlA));
  return {
    name,
    cases: found.length,
    meanDice: mean(found.map(({ dice }) => dice)),
    worstDice: Math.min(...found.map(({ dice }) => dice)),
    largestVolumeDifferenceMl: Math.max(...differences),
    meanVolumeDifference: mean(found.map(({ volumeMlA }, n) => differences[n]! / Math.max(volumeMlA, accuracyLimits.overMl))),
  };
}

export type Verdict = { readonly passes: boolean; readonly reason: string };

/** Whether a form may be used instead of fp32, and a line that says why. What shows nothing to judge by does not pass. */
export function verdictOn({ meanDice, worstDice, worstLabel, compared }: FormAccuracy): Verdict {
  if (compared === 0) return { passes: false, reason: `no held-out CT shows a structure over ${accuracyLimits.overMl} ml to judge by` };
  const found = `Dice against fp32: mean ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel}), ${compared} structures in all CTs`;
  const passes = meanDice >= accuracyLimits.meanDice && worstDice >= accuracyLimits.worstDice;
  return { passes, reason: passes ? found : `${found}; expected ${accuracyLimits.meanDice} and ${accuracyLimits.worstDice}` };
}

/** Both forms against what a person drew. A structure that the person did not draw in a CT is left out there: it need not be absent. */
export function againstHuman(
  cases: readonly { readonly fp32: CaseAgreement; readonly int8: CaseAgreement }[],
  nameOf: (value: number) => string,
): HumanAccuracy[] {
  const drawn = (agreement: CaseAgreement, value: number): number | undefined =>
    agreement.find((each) => each.value === value && each.volumeMlA > 0)?.dice;
  const values = [...new Set(cases.flatMap(({ fp32 }) => fp32.filter(({ volumeMlA }) => volumeMlA > 0).map(({ value }) => value)))];
  return values
    .sort((a, b) => a - b)
    .map((value) => {
      const summary = (form: "fp32" | "int8") => {
        const dice = cases.flatMap((each) => drawn(each[form], value) ?? []);
        return { meanDice: mean(dice), worstDice: Math.min(...dice) };
      };
      return {
        name: nameOf(value),
        cases: cases.filter(({ fp32 }) => drawn(fp32, value) !== undefined).length,
        fp32: summary("fp32"),
        int8: summary("int8"),
      };
    });
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
