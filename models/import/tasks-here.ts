import { type CataloguePart, type CatalogueTask, catalogueTasks } from "../catalogue/catalogue.ts";
import type { Trained } from "./trained.ts";

/** A task of the catalogue of which networks were found. */
export type TaskHere = {
  readonly task: CatalogueTask;
  readonly parts: readonly { readonly part: CataloguePart; readonly trained: Trained }[];
  readonly missing: readonly CataloguePart[];
};

/**
 * Which of the catalogue's tasks are among the networks that were found, in the catalogue's order, and which networks are none of them. A
 * network counts by the name of its dataset's folder, as TotalSegmentator finds it, and by its trainer where a folder holds several.
 */
export function knownTasks(trained: readonly Trained[]): { readonly tasks: readonly TaskHere[]; readonly others: readonly Trained[] } {
  const used = new Set<Trained>();
  const tasks: TaskHere[] = [];
  for (const task of catalogueTasks) {
    const parts = task.parts.flatMap((part) => {
      const found = trained.filter(({ dataset, configuration }) => isOf(part, dataset) && configuration === task.configuration);
      const best = found.find(({ trainer }) => trainer === task.trainer) ?? found[0];
      return best ? [{ part, trained: best }] : [];
    });
    if (parts.length === 0) continue;
    for (const { trained: network } of parts) used.add(network);
    tasks.push({ task, parts, missing: task.parts.filter((part) => parts.every((each) => each.part !== part)) });
  }
  return { tasks, others: trained.filter((network) => !used.has(network)) };
}

/** Releases after the first carry a suffix: `..._1559subj_v204`. */
const isOf = ({ folder }: CataloguePart, dataset: string | null): boolean =>
  dataset === folder || (dataset?.startsWith(`${folder}_v`) ?? false);
