import { type Dirent, existsSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { messageOf, RefusedError } from "../../appliance/base/errors.ts";

/** A network as nnU-Net's trainer leaves it: a folder TRAINER__PLANS__CONFIGURATION. */
export type Trained = {
  readonly folder: string;
  /** `Dataset291_TotalSegmentator_part1_organs_1559subj`; null where no folder above is called so. */
  readonly dataset: string | null;
  readonly trainer: string;
  readonly configuration: string;
  /** Folds with a final checkpoint: `0`, `1`, …, `all`. */
  readonly folds: readonly string[];
};

export const checkpointName = "checkpoint_final.pth";
const trainedPattern = /^([\w.-]+?)__([\w.-]+?)__([\w.-]+)$/;
const datasetPattern = /^Dataset\d{3}_/;
const mostJsonBytes = 64 * 1024 * 1024;

/**
 * The networks at a path: a trained folder itself, a dataset's folder, or a folder of datasets (nnU-Net's results, TotalSegmentator's weights).
 * Empty where there are none.
 */
export async function findTrained(path: string): Promise<readonly Trained[]> {
  const root = resolve(path);
  const own = await trainedAt(root);
  if (own) return [own];
  const found: Trained[] = [];
  for (const name of await foldersIn(root)) {
    const direct = await trainedAt(join(root, name));
    if (direct) found.push(direct);
    if (!datasetPattern.test(name)) continue;
    for (const inner of await foldersIn(join(root, name))) {
      const trained = await trainedAt(join(root, name, inner));
      if (trained) found.push(trained);
    }
  }
  return found;
}

async function trainedAt(folder: string): Promise<Trained | undefined> {
  const names = trainedPattern.exec(basename(folder));
  if (!names || !existsSync(join(folder, "plans.json"))) return undefined;
  const folds: string[] = [];
  for (const name of await foldersIn(folder)) {
    const fold = /^fold_(\d{1,3}|all)$/.exec(name)?.[1];
    if (fold !== undefined && existsSync(join(folder, name, checkpointName))) folds.push(fold);
  }
  const above = basename(dirname(folder));
  return { folder, dataset: datasetPattern.test(above) ? above : null, trainer: names[1]!, configuration: names[3]!, folds };
}

async function foldersIn(path: string): Promise<readonly string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    throw new RefusedError("import-path", `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
  const names: string[] = [];
  for (const entry of entries)
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await stat(join(path, entry.name)).catch(() => undefined))?.isDirectory()))
      names.push(entry.name);
  return names.sort();
}

/** The fold to take: the wanted one, else 0, else the only one. Several together are an ensemble, which is not run here. */
export function chooseFold({ folder, folds }: Trained, wanted: string | undefined): string {
  const name = basename(folder);
  if (folds.length === 0) throw new RefusedError("fold-missing", `${name} has no fold with a ${checkpointName}`);
  const chosen = wanted ?? (folds.includes("0") ? "0" : folds.length === 1 ? folds[0]! : undefined);
  if (chosen === undefined) throw new RefusedError("fold-missing", `${name} has folds ${folds.join(", ")}: choose one with --fold`);
  if (!folds.includes(chosen)) throw new RefusedError("fold-missing", `${name} has no fold ${chosen}, only ${folds.join(", ")}`);
  return chosen;
}

/** A JSON file of nnU-Net's, with its bytes as they are. */
export async function readNnunetJson(path: string): Promise<{ readonly bytes: Uint8Array; readonly value: unknown }> {
  const { size } = await stat(path).catch((error: unknown) => {
    throw new RefusedError("plans-missing", `no file at ${path}`, { cause: error });
  });
  if (size > mostJsonBytes) throw new RefusedError("plans-unknown", `${path} has ${size} bytes, expected at most ${mostJsonBytes}`);
  const bytes = await readFile(path);
  try {
    return { bytes, value: JSON.parse(bytes.toString("utf8")) };
  } catch (error) {
    throw new RefusedError("plans-unknown", `${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}
