import { accuracyLimits, type FormAccuracy, type HumanAccuracy } from "../../appliance/domain/accuracy.ts";
import type { NetworkFile } from "../../appliance/domain/model.ts";
import type { LoadedPart } from "../../appliance/inference/models.ts";
import { openNetwork, ownValuesOf } from "../../appliance/inference/network.ts";
import { fillsPatch } from "../../appliance/nnunet/fills-patch.ts";
import { predict } from "../../appliance/nnunet/predict.ts";
import { compareLabels } from "../../appliance/volume/compare.ts";
import type { CtCase } from "./ct-cases.ts";
import { accuracyOf, againstHuman, type CaseAgreement } from "./judge.ts";

/** A CT to judge by. What fp32 finds in it is kept for further rounds, by the fp32 file's digest. */
export type HeldOut = { readonly ct: CtCase; readonly found: Map<string, Uint8Array> };

export type Forms = {
  readonly loaded: LoadedPart;
  readonly fp32: NetworkFile;
  readonly int8: NetworkFile;
  readonly modelFolder: string;
  /** Where the INT8 form lies. */
  readonly work: string;
  readonly threads: number;
  readonly stepSize: number;
  readonly mirrorAxes: readonly number[];
  /** A line that says which CT is segmented in which form, and Dice so far. */
  readonly onProgress: (line: string) => void;
};

/** Of a CT with many patches every so many are told. */
const patchesPerLine = 20;

export type Judged = {
  readonly againstFp32: FormAccuracy;
  readonly againstHuman: readonly HumanAccuracy[] | null;
  /** Whether all CTs were looked at. */
  readonly whole: boolean;
};

/**
 * Runs both forms on whole held-out CTs, as the box does, and compares their labels with each other, and each with a person's where there are any. CTs
 * that INT8 is not used for are passed over.
 *
 * @param untilMissed end with the first CT in which a structure misses the limit: no other one can make up for it
 */
export async function compareForms(
  forms: Forms,
  heldOut: readonly HeldOut[],
  { untilMissed }: { readonly untilMissed: boolean },
): Promise<Judged> {
  const { loaded, fp32, int8, modelFolder, work, threads, stepSize, mirrorAxes, onProgress } = forms;
  const { plans } = loaded;
  const nameOf = (value: number): string => plans.labels.find((label) => label.value === value)?.name ?? `label ${value}`;
  const values = ownValuesOf(loaded); // what only helped in training is not judged: it is in no result
  const between: CaseAgreement[] = [];
  const human: { fp32: CaseAgreement; int8: CaseAgreement }[] = [];
  const judged = (whole: boolean): Judged => ({
    againstFp32: accuracyOf(between, nameOf),
    againstHuman: human.length > 0 ? againstHuman(human, nameOf) : null,
    whole,
  });
  for (const [n, { ct, found }] of heldOut.entries()) {
    const which = `held-out CT ${n + 1} of ${heldOut.length}`;
    const volume = await ct.load();
    if (!fillsPatch(volume.grid, plans)) {
      onProgress(`${which}: passed over, as it fills too little of a patch: fp32 is used for such`);
      continue;
    }
    const labelsOf = async (folder: string, network: NetworkFile): Promise<Uint8Array> => {
      const form = `${which} in ${network.precision}`;
      onProgress(form);
      const open = () => openNetwork(folder, network, plans, { threads });
      const tell = (done: number, total: number): void => {
        if (done > 0 && done < total && done % patchesPerLine === 0) onProgress(`${form}: ${done} of ${total} patches`);
      };
      return (await predict(volume, [{ plans, values, open }], { stepSize, mirrorAxes, onProgress: tell })).labelMap.labels;
    };
    const expected = found.get(fp32.sha256) ?? (await labelsOf(modelFolder, fp32));
    found.set(fp32.sha256, expected);
    const labels = await labelsOf(work, int8);
    between.push(compareLabels(volume.grid, expected, labels).labels);
    const accuracy = accuracyOf(between, nameOf);
    onProgress(`${which}: ${soFar(accuracy)}`);
    const drawn = (await ct.loadLabels?.())?.labels.map((value) => values[value] ?? 0);
    if (drawn)
      human.push({
        fp32: compareLabels(volume.grid, drawn, expected).labels,
        int8: compareLabels(volume.grid, drawn, labels).labels,
      });
    const missed = accuracy.compared > 0 && accuracy.worstDice < accuracyLimits.worstDice;
    if (untilMissed && missed && n + 1 < heldOut.length) return judged(false);
  }
  return judged(true);
}

function soFar({ compared, meanDice, worstDice, worstLabel }: FormAccuracy): string {
  return compared > 0
    ? `Dice so far: mean ${meanDice.toFixed(4)}, worst ${worstDice.toFixed(4)} (${worstLabel})`
    : `no structure over ${accuracyLimits.overMl} ml so far`;
}
