import type { InferenceRecord, InferenceTrace } from "../domain/result.ts";

/** Something in which two runs differ, as each was. */
export type RunDifference = { readonly what: string; readonly was: string; readonly is: string };

/** What may come out differently without the run being another one. */
const outcomes: ReadonlySet<string> = new Set<keyof InferenceTrace>(["labelMapSha256", "stepsMs"]);
const words: Readonly<Record<string, string>> = {
  softwareVersion: "Segbox",
  cpu: "processor",
  modelFiles: "model files",
  patchSize: "patch size",
  spacingMm: "spacing",
  stepSize: "step size",
  mirrorAxes: "mirrored axes",
};

/**
 * In what two runs on the same images differ that decides their voxels: release, engine, precision, machine, model files, settings. None: the
 * same arithmetic in the same order, so every voxel has to be the same. Null where a release kept too little of one of them to say.
 */
export function differencesOf(before: InferenceRecord, after: InferenceRecord): RunDifference[] | null {
  if (!before.trace || !after.trace) return null;
  const [a, b] = [before, after].map(({ provider, precision, trace }) => ({ provider, precision, ...trace })) as [object, object];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !outcomes.has(key));
  return keys.flatMap((key) => {
    if (key === "modelFiles") return modelDifference(before.trace!.modelFiles, after.trace!.modelFiles);
    const [was, is] = [a, b].map((run) => textOf((run as Record<string, unknown>)[key]));
    return was === is ? [] : [{ what: words[key] ?? key, was: was!, is: is! }];
  });
}

/** The files that are not the same in both; in which order they are listed does not matter. */
function modelDifference(before: InferenceTrace["modelFiles"], after: InferenceTrace["modelFiles"]): RunDifference[] {
  const lines = (files: InferenceTrace["modelFiles"]) => files.map(({ file, sha256 }) => `${file} ${sha256}`);
  const without = (some: readonly string[], others: readonly string[]) =>
    some.filter((line) => !others.includes(line)).join(", ") || "none";
  const [was, is] = [without(lines(before), lines(after)), without(lines(after), lines(before))];
  return was === is ? [] : [{ what: words.modelFiles!, was, is }];
}

/** Whether a difference says that another model ran. */
function isAnotherModel({ what }: RunDifference): boolean {
  return what === words.modelFiles;
}

function textOf(value: unknown): string {
  if (value === undefined) return "not noted";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** From which Dice on a structure counts as the same where the arithmetic is not. */
export const leastDice = 0.99;

/**
 * What a comparison comes to. `dice` is the least of all structures, 1 where every voxel is the same. Where nothing differs that decides the
 * voxels, they have to be equal; where something does, structures have to agree; another model is never the same result, however it came out.
 */
export function verdictOf(differences: readonly RunDifference[] | null, isEqual: boolean, dice: number): Verdict {
  if (differences?.some(isAnotherModel)) return "another-model";
  if (isEqual) return "equal";
  if (differences?.length === 0) return "unexplained";
  return dice >= leastDice ? "agrees" : "differs";
}

export type Verdict = "equal" | "agrees" | "differs" | "unexplained" | "another-model";
