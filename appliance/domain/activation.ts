import type { ModelFile, ModelPart, NetworkFile } from "./model.ts";

/** What onnxruntime can compute with, in the order in which they are tried. */
export const providers = ["tensorrt", "cuda", "webgpu", "cpu"] as const;
export type Provider = (typeof providers)[number];

/** How one form of a network did on one provider of this box. */
export type Trial = {
  readonly part: string;
  readonly file: string;
  readonly sha256: string;
  readonly precision: NetworkFile["precision"];
  readonly provider: Provider;
  /**
   * `usable`; `absent`: the box has no such provider; `falls-back`: it said yes, and computed elsewhere; `fails`: it can't run the network;
   * `barred`: its labels are not those of fp32 on the CPU.
   */
  readonly outcome: "usable" | "absent" | "falls-back" | "fails" | "barred";
  /** One line for a person: why not, or what was measured. */
  readonly detail: string;
  readonly measured: Measured | null;
  /** Where the form can't be loaded as it is: what was made of it here, its path from the activation's folder. One patch size only, zyx. */
  readonly built?: (ModelFile & { readonly patchSize: readonly [z: number, y: number, x: number] }) | undefined;
};

/** What was measured of a trial that ran. */
export type Measured = {
  /** The settings that were fastest. */
  readonly threads: number;
  readonly arena: boolean;
  /** Median time of a patch with them, ms. */
  readonly patchMs: number;
  readonly patches: number;
  readonly peakMemoryBytes: number;
  /** Against fp32 on the CPU, on the CT that it was tried with; null for that itself. */
  readonly agreement: Agreement | null;
};

/** Dice of a trial's labels against those of fp32 on the CPU. */
export type Agreement = {
  readonly meanDice: number;
  /** Of labels over 1 ml. */
  readonly worstDice: number;
  readonly worstLabel: string;
  readonly labels: number;
};

/** What was found out when a model was tried on this box: DATA/activations/NAME.json. */
export type Activation = {
  readonly schema: 1;
  readonly model: string;
  readonly version: string;
  /** SHA-256 of manifest.json, lower-case hex. */
  readonly manifestSha256: string;
  /** Machine and library that it holds for. */
  readonly machine: string;
  readonly engine: string;
  /** UTC epoch ms. */
  readonly at: number;
  readonly trials: readonly Trial[];
};

/** A form of a network to run, and how. */
export type Choice = {
  readonly network: NetworkFile;
  readonly provider: Provider;
  /** Null: as many as the job has. */
  readonly threads: number | null;
  readonly arena: boolean;
  /** Whether the network's file was built here and lies beside the activation, not in the model's folder. */
  readonly isBuilt?: boolean;
};

/**
 * The forms of a part's network that may be run, best first. With an activation those that proved themselves on this box, in the order in which
 * they were tried; without one those for the CPU, as the manifest lists them. Never one that is barred.
 * On a graphics card the faster one comes first.
 *
 * @param multipliesBytes whether the processor computes INT8 as it was judged elsewhere; where not, only an activation can allow it
 */
export function choicesOf(part: ModelPart, activation: Activation | null, multipliesBytes = true): readonly Choice[] {
  if (!activation) {
    const networks = part.networks.filter(({ engine, barred }) => engine === "onnx" && barred === undefined);
    const known = networks.filter(({ precision }) => precision !== "int8" || multipliesBytes);
    return known.map((network) => ({ network, provider: "cpu", threads: null, arena: true }));
  }
  const usable = activation.trials.flatMap(({ part: of, file, sha256, provider, outcome, measured, built }) => {
    const form = part.networks.find((each) => each.file === file && each.sha256 === sha256 && each.barred === undefined);
    if (of !== part.name || outcome !== "usable" || !measured || !form || (form.engine === "tensorrt" && !built)) return [];
    const choice: Choice = { network: { ...form, ...built, engine: "onnx" }, provider, threads: measured.threads, arena: measured.arena };
    return [{ choice: built ? { ...choice, isBuilt: true } : choice, patchMs: measured.patchMs }];
  });
  // On a graphics card what is faster: INT8 there need not be, beside half precision. On the CPU the manifest's order.
  const order = (provider: Provider): number => providers.indexOf(provider);
  return usable
    .toSorted((a, b) => order(a.choice.provider) - order(b.choice.provider) || (a.choice.provider === "cpu" ? 0 : a.patchMs - b.patchMs))
    .map(({ choice }) => choice);
}

/** A form of a network that made a result, as it is kept with it. */
export type PastForm = {
  readonly part: string;
  readonly file: string;
  readonly precision: string;
  readonly provider: string;
  readonly threads: number;
};

/**
 * The form of a part's network that made a result, to make it again: barred or not by now. Behind it those that may be run. A model that crops by another one notes that one's forms before its own, so the last of the part's name counts.
 */
export function choicesAsBefore(part: ModelPart, past: readonly PastForm[], activation: Activation | null): readonly Choice[] {
  const form = past.findLast((each) => each.part === part.name);
  const network = part.networks.find(
    ({ file, precision, engine }) => engine === "onnx" && file === form?.file && precision === form.precision,
  );
  const provider = providers.find((each) => each === form?.provider);
  const usual = choicesOf(part, activation); // where it is gone, or can't be run here
  const built = usual.find((each) => each.isBuilt && each.network.file === form?.file && each.provider === provider);
  if (built) return [built, ...usual];
  if (!form || !network || !provider) return usual;
  return [{ network, provider, threads: form.threads, arena: mayHaveArena(network) }, ...usual];
}

/**
 * Whether onnxruntime may keep memory between patches. Its arena grows by doubling: with a full-size fp32 network it holds 1.3 GB more than is
 * needed, for a sixth of the time, and large CTs would not fit into a small box any more.
 */
export function mayHaveArena({ precision, sizeBytes }: NetworkFile): boolean {
  return precision !== "fp32" || sizeBytes < 64e6;
}

/** What is to be tried on a box, best first: providers in their order, and on the CPU the forms as the manifest lists them. */
export function trialsOf(part: ModelPart): readonly { readonly network: NetworkFile; readonly provider: Provider }[] {
  const networks = part.networks.filter(({ barred }) => barred === undefined);
  return providers.flatMap((provider) =>
    networks.filter((network) => mayRunOn(network, provider)).map((network) => ({ network, provider })),
  );
}

function mayRunOn({ engine, precision }: NetworkFile, provider: Provider): boolean {
  if (engine === "tensorrt") return provider === "tensorrt";
  // INT8 graphs of this kind are made of the CPU's own operators: a graphics card would hand every one of them back.
  return provider === "cpu" || precision !== "int8";
}
