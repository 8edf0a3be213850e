import { RefusedError } from "../../appliance/base/errors.ts";
import type { Label, ModelManifest } from "../../appliance/domain/model.ts";
import catalogue from "./totalsegmentator.json" with { type: "json" };

/** One network of a task, as TotalSegmentator publishes it. */
export type CataloguePart = {
  readonly name: string;
  /** nnU-Net's number of the dataset. */
  readonly dataset: number;
  /** Folder of the weights, also the name of their archive. */
  readonly folder: string;
  /** Release that the archive belongs to; null where it is not published. */
  readonly release: string | null;
  /** Names by number, from 1. */
  readonly labels: readonly string[];
  /** Names that the network was trained with and the task does not give out. */
  readonly auxiliary: readonly string[];
};

/** One of TotalSegmentator's tasks in one of its modes. */
export type CatalogueTask = {
  /** As a model here: `total`, `total-fast`. */
  readonly name: string;
  readonly title: string;
  readonly upstream: { readonly task: string; readonly mode: string };
  readonly modality: "CT" | "MR";
  /** `TotalSegmentator licence`: weights come from the authors, to whoever has a licence of theirs. */
  readonly licence: "Apache-2.0" | "TotalSegmentator licence";
  /** Why it can't be run here, or null. */
  readonly unusable: string | null;
  readonly trainer: string;
  readonly configuration: string;
  readonly parts: readonly CataloguePart[];
  /** Names of the merged map by number, from 1. */
  readonly labels: readonly string[];
  /** Spacing that upstream resamples to before nnU-Net sees the CT, mm; null: left to nnU-Net. */
  readonly spacingMmXyz: readonly number[] | null;
  readonly stepSize: number;
  readonly crop: { readonly model: string; readonly labels: readonly string[]; readonly marginMm: number } | null;
  readonly postprocessing: ModelManifest["postprocessing"];
};

/** How DICOM names a structure, everything of a label but its number. */
export type CatalogueLabel = Omit<Label, "value" | "name">;

export const catalogueTasks = catalogue.tasks as readonly CatalogueTask[];
export const catalogueSource: { readonly repository: string; readonly version: string; readonly commit: string } = catalogue.source;
const labels = catalogue.labels as unknown as Readonly<Record<string, CatalogueLabel>>;

/** What DICOM calls a structure with this name, where the catalogue has a code for it. */
export function catalogueLabel(name: string): CatalogueLabel | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}

/**
 * The task with this name. RefusedError ("task-unknown", …) where there is none, or where it can't be run here: it says why.
 *
 * @param licensed whether somebody has TotalSegmentator's licence for the tasks that need one
 */
export function usableTask(name: string, { licensed = false }: { readonly licensed?: boolean } = {}): CatalogueTask {
  const task = catalogueTasks.find((each) => each.name === name);
  if (!task) throw new RefusedError("task-unknown", `the catalogue has no task ${name}; \`segbox model list --catalogue\` lists them`);
  if (task.modality !== "CT") throw new RefusedError("task-not-ct", `${name} is a task for MR images, expected one for CT`);
  if (task.licence !== "Apache-2.0" && !licensed)
    throw new RefusedError(
      "task-needs-licence",
      `${name} is not open: its weights need a licence of TotalSegmentator's authors. With one, import them with --licensed`,
    );
  if (task.unusable !== null) throw new RefusedError("task-unusable", `${name} can't be run: ${task.unusable}`);
  return task;
}
