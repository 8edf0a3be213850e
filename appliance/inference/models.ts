import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { messageOf, RefusedError } from "../base/errors.ts";
import type { ModelFile, ModelManifest, ModelPart, NetworkFile } from "../domain/model.ts";
import { type Plans, parsePlans } from "../nnunet/plans.ts";

/** A model with what nnU-Net's own files say of its parts. */
export type LoadedModel = { readonly folder: string; readonly manifest: ModelManifest; readonly parts: readonly LoadedPart[] };
export type LoadedPart = { readonly part: ModelPart; readonly plans: Plans };

/** A model folder as it was found; one that can't be used says why. */
export type ListedModel =
  | { readonly folder: string; readonly manifest: ModelManifest }
  | { readonly folder: string; readonly refusal: RefusedError };

const code = z.object({ value: z.string().min(1), scheme: z.string().min(1), meaning: z.string().min(1) });
const byteValue = z.int().min(0).max(255);
/** A path inside the model's folder: relative, and never up. */
const innerPath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith("/") && !path.includes("\\") && !path.includes("\0") && !path.split("/").includes(".."), {
    message: "expected a path inside the model's folder",
  });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.object({ file: innerPath, sha256, sizeBytes: z.int().positive() });
const features = z
  .object({
    channels: z.int().positive(),
    layout: z.enum(["ncdhw", "ndhwc"]),
    type: z.enum(["float32", "uint8"]),
    scale: z.number().positive().optional(),
    zeroPoint: byteValue.optional(),
    head: file,
  })
  .refine(({ type, scale, zeroPoint }) => type === "float32" || (scale !== undefined && zeroPoint !== undefined), {
    message: "expected scale and zeroPoint with uint8",
  });
const network = file.extend({
  precision: z.enum(["fp32", "fp16", "int8"]),
  engine: z.enum(["onnx", "tensorrt"]),
  barred: z.string().min(1).optional(),
  input: z.string().min(1),
  output: z.string().min(1),
  patchSize: z.tuple([z.int().positive(), z.int().positive(), z.int().positive()]).optional(),
  features: features.optional(),
  externalData: z.array(file).optional(),
});
const part = z.object({
  name: z.string().min(1),
  nnunet: z.object({
    plans: innerPath,
    dataset: innerPath,
    configuration: z.string().min(1),
    zoomOrder: z.literal([1, 3]).optional(),
    plansSha256: sha256.optional(),
    datasetSha256: sha256.optional(),
  }),
  networks: z
    .array(network)
    .refine(
      (networks) => networks.some(({ precision, engine, barred }) => precision === "fp32" && engine === "onnx" && barred === undefined),
      {
        message: "expected an fp32 network with engine onnx, not barred, among them",
      },
    ),
  auxiliary: z.array(z.string().min(1)).optional(),
});
const label = z.object({
  value: z.int().min(1).max(255),
  name: z.string().min(1),
  title: z.string().min(1),
  category: code,
  type: code,
  modifiers: z.array(code),
  anatomicRegion: code.nullable(),
  color: z.tuple([byteValue, byteValue, byteValue]),
  rtRoiInterpretedType: z.string(),
});
const manifestSchema: z.ZodType<ModelManifest> = z.object({
  schema: z.literal(2),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  version: z.string().min(1),
  title: z.string().min(1),
  intendedUse: z.string(),
  notFor: z.string(),
  licence: z.string(),
  algorithm: z.object({ name: z.string().min(1), version: z.string().min(1) }),
  trainingData: z.array(z.object({ name: z.string(), licence: z.string(), use: z.string(), cases: z.int().nonnegative() })),
  parts: z.array(part).min(1),
  crop: z.object({ model: z.string().min(1), labels: z.array(z.string().min(1)).min(1), marginMm: z.number().nonnegative() }).nullable(),
  stepSize: z.number().positive().max(1),
  mirrorAxes: z.array(z.int().min(0).max(2)),
  postprocessing: z.object({
    removeSmallBlobsMm3: z.number().positive().nullable(),
    removeSmallBlobsMm3Of: z.record(z.string().min(1), z.number().nonnegative()).optional(),
    keepLargest: z.array(z.string().min(1)),
  }),
  labels: z.array(label).min(1),
});

/**
 * Reads a model folder whole: what {@link readModel} reads, and every byte of every network file (heads and external data too), whose SHA-256
 * must be the manifest's. A flipped bit is refused ("model-digest"): it would segment, only wrongly.
 */
export async function loadModel(folder: string): Promise<LoadedModel> {
  const model = await readModel(folder);
  for (const { part } of model.parts) for (const network of part.networks) await checkNetworkFiles(folder, network);
  return model;
}

/** Reads a model folder's manifest and nnU-Net's plans and dataset of each part. Networks are checked when they are opened: {@link checkNetworkFiles}. */
export async function readModel(folder: string): Promise<LoadedModel> {
  const manifest = await readManifest(folder);
  const parts: LoadedPart[] = [];
  for (const part of manifest.parts) parts.push({ part, plans: await readPlans(folder, part) });
  checkLabels(manifest, parts);
  for (const { part, plans } of parts) for (const network of part.networks) checkNetwork(part, network, plans);
  return { folder, manifest, parts };
}

/** What nnU-Net's own files say of a part. */
async function readPlans(folder: string, { nnunet }: ModelPart): Promise<Plans> {
  const plans = await readJson(folder, nnunet.plans, nnunet.plansSha256);
  const dataset = await readJson(folder, nnunet.dataset, nnunet.datasetSha256);
  return { ...parsePlans(plans, dataset, nnunet.configuration), zoomOrder: nnunet.zoomOrder ?? 1 };
}

/**
 * The model folders directly inside the given folders, by name; a name that an earlier folder has hides the later one. Only manifests are
 * read: whether the networks are whole is found out by {@link loadModel}.
 */
export async function listModels(folders: readonly string[]): Promise<readonly ListedModel[]> {
  const found = new Map<string, ListedModel>();
  for (const parent of folders) {
    for (const entry of await subfolders(parent)) {
      const folder = join(parent, entry);
      if (!(await hasManifest(folder))) continue;
      const model = await readManifest(folder).then(
        (manifest): ListedModel => ({ folder, manifest }),
        (error): ListedModel => {
          if (error instanceof RefusedError) return { folder, refusal: error };
          throw error;
        },
      );
      const name = "manifest" in model ? model.manifest.name : entry;
      if (!found.has(name)) found.set(name, model);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, model]) => model);
}

/** The models of {@link listModels} that can be used, by name, and what is wrong with the others. */
export async function usableModels(folders: readonly string[]): Promise<{
  readonly models: ReadonlyMap<string, { readonly folder: string; readonly manifest: ModelManifest }>;
  readonly refusals: readonly RefusedError[];
}> {
  const listed = await listModels(folders);
  return {
    models: new Map(listed.flatMap((model) => ("manifest" in model ? [[model.manifest.name, model] as const] : []))),
    refusals: listed.flatMap((model) => ("refusal" in model ? [model.refusal] : [])),
  };
}

async function readManifest(folder: string): Promise<ModelManifest> {
  const outcome = manifestSchema.safeParse(await readJson(folder, "manifest.json"));
  if (!outcome.success) {
    const faults = outcome.error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`);
    throw new RefusedError("model-manifest", `manifest of model ${folder} is not valid: ${faults.join("; ")}`);
  }
  const { labels, parts, postprocessing } = outcome.data;
  const twice = (what: string, list: readonly (number | string)[]): void => {
    if (new Set(list).size !== list.length) throw new RefusedError("model-manifest", `manifest of model ${folder} names a ${what} twice`);
  };
  twice(
    "label value",
    labels.map(({ value }) => value),
  );
  twice(
    "label",
    labels.map(({ name }) => name),
  );
  twice(
    "part",
    parts.map(({ name }) => name),
  );
  const { keepLargest, removeSmallBlobsMm3Of = {} } = postprocessing;
  const unknown = [...keepLargest, ...Object.keys(removeSmallBlobsMm3Of)].find((named) => labels.every(({ name }) => name !== named));
  if (unknown !== undefined)
    throw new RefusedError("model-manifest", `manifest of model ${folder} postprocesses ${unknown}, which is none of its labels`);
  return outcome.data;
}

async function readJson(folder: string, file: string, sha256?: string): Promise<unknown> {
  const path = join(folder, file);
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw absent(error, path);
  }
  if (sha256 !== undefined) checkDigest(path, sha256, createHash("sha256").update(bytes).digest("hex"));
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new RefusedError("model-manifest", `${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** The labels of a part that go into the model's map: all of dataset.json but those that only helped in training. */
export function drawnLabels({ part: { auxiliary = [] }, plans }: LoadedPart): Plans["labels"] {
  return plans.labels.filter(({ name }) => !auxiliary.includes(name));
}

/** Names mean what the networks were trained for, or a structure would go by another one's name. */
function checkLabels(manifest: ModelManifest, parts: readonly LoadedPart[]): void {
  for (const { part, plans } of parts) {
    const unknown = part.auxiliary?.find((auxiliary) => plans.labels.every(({ name }) => name !== auxiliary));
    if (unknown !== undefined)
      throw new RefusedError(
        "model-labels",
        `manifest of ${manifest.name} leaves out ${unknown} of part ${part.name}, which was not trained for it`,
      );
  }
  const drawn = new Set(parts.flatMap((each) => drawnLabels(each).map(({ name }) => name)));
  const text = (names: Iterable<string>): string => [...names].sort().join(", ");
  const [here, there] = [text(manifest.labels.map(({ name }) => name)), text(drawn)];
  if (here !== there)
    throw new RefusedError("model-labels", `manifest of ${manifest.name} names labels ${here}; its parts were trained for ${there}`);
}

function checkNetwork(part: ModelPart, network: NetworkFile, plans: Plans): void {
  const { features, patchSize } = network;
  const headBytes = features && 4 * plans.classes * (features.channels + 1);
  if (features && features.head.sizeBytes !== headBytes)
    throw new RefusedError(
      "model-manifest",
      `head ${features.head.file} of part ${part.name}: expected ${headBytes} bytes for ${plans.classes} classes of ${features.channels} channels, found ${features.head.sizeBytes}`,
    );
  const strides = [0, 1, 2].map((axis) => plans.network.strides.reduce((product, stride) => product * stride[axis]!, 1));
  if (patchSize?.some((length, axis) => length % strides[axis]! !== 0))
    throw new RefusedError(
      "model-manifest",
      `patch size ${patchSize.join(" x ")} of ${network.file} can't be divided by the network's strides ${strides.join(" x ")}`,
    );
}

/** Reads every byte of a network's files; refuses one that is not there or not the manifest's. */
export async function checkNetworkFiles(folder: string, network: NetworkFile): Promise<void> {
  for (const file of filesOf(network)) await checkFile(folder, file);
}

/** All files of a network: the graph, tensors beside it, its head. */
export function filesOf(network: NetworkFile): readonly ModelFile[] {
  return [network, ...(network.externalData ?? []), ...(network.features ? [network.features.head] : [])];
}

async function checkFile(folder: string, { file, sha256, sizeBytes }: ModelFile): Promise<void> {
  const path = join(folder, file);
  const hash = createHash("sha256");
  try {
    const { size } = await stat(path);
    if (size !== sizeBytes) throw new RefusedError("model-digest", `${path}: expected ${sizeBytes} bytes, found ${size}`);
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  } catch (error) {
    throw absent(error, path);
  }
  checkDigest(path, sha256, hash.digest("hex"));
}

function checkDigest(path: string, expected: string, found: string): void {
  if (found !== expected) throw new RefusedError("model-digest", `${path}: expected SHA-256 ${expected}, found ${found}`);
}

async function subfolders(parent: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(parent, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
  } catch (error) {
    if (isAbsent(error)) return []; // nothing installed there yet
    throw error;
  }
}

async function hasManifest(folder: string): Promise<boolean> {
  try {
    return (await stat(join(folder, "manifest.json"))).isFile();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

const isAbsent = (error: unknown): boolean => ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
const absent = (error: unknown, path: string): unknown =>
  isAbsent(error) ? new RefusedError("model-missing", `no file at ${path}`, { cause: error }) : error;
