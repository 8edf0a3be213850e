/*
 * Writes totalsegmentator.json from TotalSegmentator's own tables in upstream/ (SOURCE.md says which).
 * Run: npx node models/catalogue/make-catalogue.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CodedConcept } from "../../appliance/domain/code.ts";
import type { CatalogueLabel, CataloguePart, CatalogueTask } from "./catalogue.ts";
import { corrections } from "./codes.ts";
import { moreLabels } from "./more-codes.ts";

const folder = import.meta.dirname;

type Names = Readonly<Record<string, string>>;
type Config = {
  readonly task_id: number | readonly number[];
  readonly resample?: number | readonly number[];
  readonly trainer: string;
  readonly model?: string;
  readonly crop?: string | readonly string[];
  readonly crop_model?: string;
  readonly crop_addon?: readonly number[];
  readonly robust_crop?: boolean;
  readonly commercial?: boolean;
};

/** All that totalsegmentator.json holds. */
export function makeCatalogue(): { source: unknown; tasks: CatalogueTask[]; labels: Record<string, CatalogueLabel> } {
  const classes = read<Readonly<Record<string, Names>>>("classes-all-tasks.json");
  const configs = read<Readonly<Record<string, Config | { readonly sub_modes: Readonly<Record<string, Config>> }>>>("task-configs.json");
  const weights = read<Readonly<Record<string, { readonly foldername: string; readonly version?: string }>>>("task-id-weights.json");
  const maps = read<Readonly<Record<string, Readonly<Record<string, Names | string | number>>>>>("classes-parts-and-taskid-maps.json");

  const tasks: CatalogueTask[] = [];
  for (const [task, config] of Object.entries(configs)) {
    if (task === "test") continue; // upstream's own test, not a task
    const modes = "sub_modes" in config ? config.sub_modes : { default: config };
    for (const mode of ["default", "fast", "fastest"]) if (modes[mode]) tasks.push(taskOf(task, mode, modes[mode]));
  }
  const names = new Set(tasks.flatMap((task) => [...task.labels, ...task.parts.flatMap((part) => part.labels)]));
  const known = { ...snomed(), ...moreLabels };
  const labels = Object.fromEntries([...names].sort().flatMap((name) => (known[name] ? [[name, known[name]]] : [])));
  return {
    source: { repository: "wasserth/TotalSegmentator", version: "2.18.0", commit: "0e65a448d557382b1e925276212b3bec7f5aff83" },
    tasks,
    labels,
  };

  function taskOf(task: string, mode: string, config: Config): CatalogueTask {
    const parts = partsOf(task, config);
    const withheld = new Set(parts.flatMap(({ auxiliary }) => auxiliary));
    const merged = classes[task] ? list(classes[task]) : mergedOf(task, parts);
    const resample = config.resample ?? null;
    const isBody = task === "body";
    return {
      name: (mode === "default" ? task : `${task}-${mode}`).toLowerCase(),
      title: titleOf(task, mode),
      upstream: { task, mode },
      modality: task.endsWith("_mr") || task === "brain_aneurysm" ? "MR" : "CT",
      licence: config.commercial || task in maps.commercial_models! ? "TotalSegmentator licence" : "Apache-2.0",
      unusable: unusable(task),
      trainer: config.trainer,
      configuration: config.model ?? "3d_fullres",
      parts,
      labels: merged.filter((name) => !withheld.has(name)),
      spacingMmXyz: typeof resample === "number" ? [resample, resample, resample] : resample,
      // Upstream takes longer steps for the 1.5 mm networks of `total` only (nnunet.py, nnUNet_predict_image).
      stepSize: task === "total" && resample === 1.5 ? 0.8 : 0.5,
      crop: cropOf(config),
      // Upstream's own step for `body`: the largest trunk, extremities of at least 50 ml (nnunet.py).
      postprocessing: isBody
        ? { removeSmallBlobsMm3: null, removeSmallBlobsMm3Of: { body_extremities: 50_000 }, keepLargest: ["body_trunc"] }
        : { removeSmallBlobsMm3: null, keepLargest: [] },
    };
  }

  function partsOf(task: string, config: Config): CataloguePart[] {
    const ids = typeof config.task_id === "number" ? [config.task_id] : config.task_id;
    const partNames = [
      maps.map_taskid_to_partname_ct,
      maps.map_taskid_to_partname_ct_v3,
      maps.map_taskid_to_partname_mr,
      maps.map_taskid_to_partname_headneck_muscles,
    ];
    const partClasses = [
      maps.class_map_5_parts,
      maps.class_map_5_parts_total_v3,
      maps.class_map_parts_mr,
      maps.class_map_parts_headneck_muscles,
    ];
    return ids.map((id) => {
      const which = ids.length > 1 ? partNames.findIndex((map) => map && Object.hasOwn(map, id)) : -1;
      const partName = which < 0 ? undefined : (partNames[which]![id] as string);
      const own = partName === undefined ? singleClasses(task) : list(partClasses[which]![partName] as Names);
      const auxiliary = partName === undefined && classes[`${task}_auxiliary`] ? list(classes[`${task}_auxiliary`]!) : [];
      const { foldername, version } = weights[id]!;
      return {
        name: partName === undefined ? "main" : partName.replace(/^class_map_part_/, "").replace("muscles_", "muscles-"),
        dataset: id,
        folder: foldername,
        release: version === undefined || version === "TODO" ? null : version,
        labels: [...own, ...auxiliary],
        auxiliary,
      };
    });
  }

  /** A task in one network. The 3 and 6 mm forms of `total_v3` have what its five parts have, in the same order as `total`. */
  function singleClasses(task: string): string[] {
    if (classes[task]) return list(classes[task]);
    if (task === "total_v3")
      return Object.entries(maps.class_map_5_parts_total_v3!).flatMap(([name, part]) => (name === "test" ? [] : list(part as Names)));
    return classes[task.replace(/_refined$/, "")] ? list(classes[task.replace(/_refined$/, "")]!) : [];
  }
}

/** Names of a merged map that upstream has no table for: the parts', one after the other, which is how `total` is numbered. */
function mergedOf(task: string, parts: readonly CataloguePart[]): string[] {
  const names = parts.flatMap((part) => part.labels);
  if (new Set(names).size !== names.length) throw new Error(`${task}: two parts have a label of the same name`);
  return names;
}

/** @source totalsegmentator/python_api.py of 2.18: which model is cropped by, and 20 mm around it unless the task names its own model. */
function cropOf({ crop, crop_model, crop_addon, robust_crop }: Config): CatalogueTask["crop"] {
  if (crop === undefined) return null;
  const labels = typeof crop === "string" ? [crop] : crop;
  if (crop_model !== undefined) return { model: crop_model, labels, marginMm: crop_addon?.[0] ?? 3 };
  const isBody = labels.includes("body_trunc") || labels.includes("body_extremities");
  return { model: isBody ? "body-fast" : robust_crop ? "total-fast" : "total-fastest", labels, marginMm: 20 };
}

function unusable(task: string): string | null {
  if (task === "vertebrae_pp_refined") return "upstream refines it by the masks of another task, a step that is not made here";
  // nnunet.py, postprocess_vertebrae_pp: its network was trained with vertebrae 3 mm thinner than they are.
  if (task === "vertebrae_pp")
    return "upstream separates vertebrae that touch, numbers them anew and grows them by 3 mm, a step that is not made here";
  if (task === "total_highres_test") return "its weights are not published";
  if (task === "heartchambers_highres")
    return "upstream takes away what lies outside the masks of another task, a step that is not made here";
  return null;
}

function titleOf(task: string, mode: string): string {
  const suffix = mode === "fast" ? (task === "body" ? ", 6 mm" : ", 3 mm") : mode === "fastest" ? ", 6 mm" : "";
  return `TotalSegmentator ${task.replaceAll("_", " ")}${suffix}`;
}

function snomed(): Record<string, CatalogueLabel> {
  const [head, ...rows] = csv(readFileSync(join(folder, "upstream/snomed.csv"), "utf8"));
  const labels: Record<string, CatalogueLabel> = {};
  for (const row of rows) {
    const cell = (column: string): string => row[head!.indexOf(column)] ?? "";
    const code = (sequence: string): CodedConcept | null => {
      const [scheme, value, meaning] = ["CodingSchemeDesignator", "CodeValue", "CodeMeaning"].map((key) => cell(`${sequence}.${key}`));
      return value ? { value, scheme: scheme!, meaning: meaning! } : null;
    };
    const name = cell("Structure");
    const modifiers = [code("SegmentedPropertyTypeModifierCodeSequence"), code("AnatomicRegionModifierSequence")].filter(
      (each) => each !== null,
    );
    const [r = 0, g = 0, b = 0] = cell("DicomRGBColor").split(",").map(Number);
    const category = corrections.category(code("SegmentedPropertyCategoryCodeSequence")!);
    const type = corrections.type(name, code("SegmentedPropertyTypeCodeSequence")!);
    labels[name] = {
      title: title(name),
      category,
      type,
      modifiers,
      anatomicRegion: corrections.region(name, code("AnatomicRegionSequence")),
      color: [r, g, b],
      rtRoiInterpretedType: category.meaning === "Anatomical Structure" || category.meaning === "Tissue" ? "ORGAN" : "",
    };
  }
  return labels;
}

/** `kidney_left` as `Kidney left`. */
function title(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const list = (names: Names): string[] =>
  Object.entries(names)
    .map(([value, name]) => [Number(value), name] as const)
    .sort(([a], [b]) => a - b)
    .map(([, name]) => name);

/** Rows of a small table; a cell in quotes may hold commas. */
function csv(text: string): string[][] {
  return text
    .trim()
    .split(/\r?\n/)
    .map((line) => [...line.matchAll(/("([^"]*)"|[^,]*)(,|$)/g)].map(([, cell, quoted]) => quoted ?? cell ?? ""));
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, "upstream", name), "utf8")) as T;
}

if (import.meta.main) writeFileSync(join(folder, "totalsegmentator.json"), `${JSON.stringify(makeCatalogue(), null, 1)}\n`);
