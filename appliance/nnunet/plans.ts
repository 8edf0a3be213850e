import { z } from "zod";
import type { ZoomOrder } from "../volume/resample.ts";
import { type NetworkPlan, parseNetwork } from "./network.ts";
import { readUpstream, refusedPlans } from "./upstream-file.ts";

/** Three numbers in nnU-Net's order of axes: slices, rows, columns of the canonical (RAS) image, then transposed by the plans. */
export type Zyx = readonly [z: number, y: number, x: number];

/** What nnU-Net's plans.json and dataset.json say of one configuration, as far as inference needs it. Lists of axes are in nnU-Net's own order. */
export type Plans = {
  readonly datasetName: string;
  readonly plansName: string;
  readonly configuration: string;
  /** Voxels of one network input, after the transpose. */
  readonly patchSize: Zyx;
  /** Voxel spacing that the network was trained at, mm, after the transpose. */
  readonly spacing: Zyx;
  /** Axis n of the network is axis transposeForward[n] of the zyx image. */
  readonly transposeForward: Zyx;
  readonly ct: CtForeground;
  /** Output channels, background included; a channel's number is its label. */
  readonly classes: number;
  /** Names by label, background left out. */
  readonly labels: readonly { readonly value: number; readonly name: string }[];
  readonly network: NetworkPlan;
  /** By what the CT is resampled: 1 unless the model's manifest says 3. */
  readonly zoomOrder: ZoomOrder;
  /** How plain nnU-Net would resample; see README.md on what is done instead. `order` is that for images. */
  readonly resampling: {
    readonly image: string | null;
    readonly order: number;
    readonly labels: string | null;
    readonly logits: string | null;
  };
};

/** Intensities of the training foreground, HU: bounds for clipping (percentiles 0.5 and 99.5), mean and standard deviation. */
export type CtForeground = { readonly low: number; readonly high: number; readonly mean: number; readonly std: number };

const axes = z.tuple([z.number(), z.number(), z.number()]);
const intensities = z.object({
  mean: z.number(),
  std: z.number().nonnegative(),
  percentile_00_5: z.number(),
  percentile_99_5: z.number(),
});
const plansSchema = z.object({
  dataset_name: z.string(),
  plans_name: z.string(),
  transpose_forward: axes,
  transpose_backward: axes,
  label_manager: z.string().default("LabelManager"),
  configurations: z.record(z.string(), z.record(z.string(), z.unknown())),
  foreground_intensity_properties_per_channel: z.record(z.string(), intensities).optional(),
  // Plans written before nnU-Net 2.1 use this key for the same table.
  foreground_intensity_properties_by_modality: z.record(z.string(), intensities).optional(),
});
const configurationSchema = z.object({
  preprocessor_name: z.string(),
  patch_size: z.array(z.int().positive()),
  spacing: z.array(z.number().positive()),
  normalization_schemes: z.array(z.string()),
  previous_stage: z.string().nullish(),
  resampling_fn_data: z.string().nullish(),
  resampling_fn_data_kwargs: z.looseObject({ order: z.int().default(3) }).nullish(), // 3 is nnU-Net's default
  resampling_fn_seg: z.string().nullish(),
  resampling_fn_probabilities: z.string().nullish(),
});
const datasetSchema = z.object({
  labels: z.record(z.string(), z.union([z.int().nonnegative(), z.array(z.int())])),
  channel_names: z.record(z.string(), z.string()).optional(),
  modality: z.record(z.string(), z.string()).optional(),
  regions_class_order: z.array(z.int()).nullish(),
});

/**
 * Reads one configuration of nnU-Net v2's plans.json and dataset.json. Both forms of the network's description are understood. Whatever would
 * need another way of inference than ours (2-D, cascade, several channels, regions, another normalisation, …) is refused by name.
 *
 * @source nnunetv2/utilities/plans_handling/plans_handler.py; nnunetv2/utilities/label_handling/label_handling.py
 */
export function parsePlans(plans: unknown, dataset: unknown, configuration: string): Plans {
  const parsed = readUpstream(plansSchema, plans, "plans.json");
  const raw = inherited(parsed.configurations, configuration);
  const settings = readUpstream(configurationSchema, raw, `plans.json, configuration ${configuration}`);
  const described = readUpstream(datasetSchema, dataset, "dataset.json");

  only("preprocessor", settings.preprocessor_name, "DefaultPreprocessor");
  only("label manager", parsed.label_manager, "LabelManager");
  if (settings.previous_stage)
    throw refusedPlans(`configuration ${configuration} is a cascade on ${settings.previous_stage}, which can't be run`);
  const patchSize = threeOf(settings.patch_size, `patch_size of configuration ${configuration}`);
  const spacing = threeOf(settings.spacing, `spacing of configuration ${configuration}`);

  const channels = Object.keys(described.channel_names ?? described.modality ?? {});
  if (channels.length !== 1) throw refusedPlans(`expected one input channel, found ${channels.length}`);
  if (settings.normalization_schemes.length !== 1)
    throw refusedPlans(`expected one normalization scheme, found ${settings.normalization_schemes.length}`);
  only("normalization scheme", settings.normalization_schemes[0]!, "CTNormalization");
  const properties = parsed.foreground_intensity_properties_per_channel ?? parsed.foreground_intensity_properties_by_modality;
  const foreground = properties?.["0"];
  if (!foreground) throw refusedPlans("plans.json has no foreground intensity properties for channel 0");

  const transposeForward = parsed.transpose_forward;
  if (transposeForward.toSorted().join() !== "0,1,2" || transposeForward.some((from, to) => parsed.transpose_backward[from] !== to))
    throw refusedPlans(
      `transpose_forward [${transposeForward}] and transpose_backward [${parsed.transpose_backward}] are not a permutation and its inverse`,
    );

  const network = parseNetwork(raw, configuration);
  for (const [axis, length] of patchSize.entries()) {
    const stride = network.strides.reduce((product, strides) => product * strides[axis]!, 1);
    if (length % stride !== 0)
      throw refusedPlans(`patch_size [${patchSize}] can't be divided by the network's total stride ${stride} along axis ${axis}`);
  }

  const labels = readLabels(described.labels, described.regions_class_order ?? null);
  return {
    datasetName: parsed.dataset_name,
    plansName: parsed.plans_name,
    configuration,
    patchSize,
    spacing,
    transposeForward,
    ct: { low: foreground.percentile_00_5, high: foreground.percentile_99_5, mean: foreground.mean, std: foreground.std },
    classes: labels.length + 1,
    labels,
    network,
    zoomOrder: 1,
    resampling: {
      image: settings.resampling_fn_data ?? null,
      order: settings.resampling_fn_data_kwargs?.order ?? 3,
      labels: settings.resampling_fn_seg ?? null,
      logits: settings.resampling_fn_probabilities ?? null,
    },
  };
}

/** A configuration with what it inherits; its own keys win. */
function inherited(configurations: Readonly<Record<string, Record<string, unknown>>>, name: string): Record<string, unknown> {
  const lineage: Record<string, unknown>[] = [];
  const seen = new Set<string>();
  for (let next: unknown = name; next !== undefined; next = lineage[0]!.inherits_from) {
    const key = String(next);
    if (seen.has(key)) throw refusedPlans(`configuration ${name} inherits from itself`);
    seen.add(key);
    const found = Object.hasOwn(configurations, key) ? configurations[key] : undefined;
    if (!found) throw refusedPlans(`plans.json has no configuration ${key}, only ${Object.keys(configurations).join(", ")}`);
    lineage.unshift(found);
  }
  return Object.assign({}, ...lineage);
}

/** Labels other than background, which must be 0, numbered without a gap. "ignore" is a mark in training data and has no output channel. */
function readLabels(labels: Readonly<Record<string, number | number[]>>, regions: readonly number[] | null): Plans["labels"] {
  const region = Object.entries(labels).find(([, value]) => Array.isArray(value));
  if (regions || region) throw refusedPlans(`dataset.json trains on regions${region ? ` (${region[0]})` : ""}, which can't be run`);
  const numbered = Object.entries(labels)
    .map(([name, value]) => ({ name, value: Number(value) }))
    .filter(({ name }) => name !== "ignore")
    .sort((a, b) => a.value - b.value);
  if (numbered[0]?.name !== "background" || numbered.some(({ value }, index) => value !== index))
    throw refusedPlans(
      `expected labels background = 0, then 1, 2, …, found ${numbered.map(({ name, value }) => `${name} = ${value}`).join(", ") || "none"}`,
    );
  if (numbered.length < 2 || numbered.length > 256) throw refusedPlans(`expected 1 to 255 labels, found ${numbered.length - 1}`);
  return numbered.slice(1);
}

function only(what: string, found: string, expected: string): void {
  if (found !== expected) throw refusedPlans(`unknown ${what} ${found}, expected ${expected}`);
}

function threeOf(list: readonly number[], what: string): Zyx {
  const [a, b, c] = list;
  if (list.length !== 3 || a === undefined || b === undefined || c === undefined)
    throw refusedPlans(`${what} has ${list.length} axes, expected 3`);
  return [a, b, c];
}
