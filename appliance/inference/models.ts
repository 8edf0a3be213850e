import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { messageOf, RefusedError } from "../base/errors.ts";
import type { ModelManifest, NetworkFile } from "../domain/model.ts";
import { type Plans, parsePlans } from "../nnunet/plans.ts";

/** A model whose files are all there and are the ones that its manifest was written for. */
export type LoadedModel = { readonly folder: string; readonly manifest: ModelManifest; readonly plans: Plans };

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
const network = z.object({
  file: innerPath,
  sha256,
  sizeBytes: z.int().positive(),
  precision: z.enum(["fp32", "fp16", "int8"]),
  input: z.string().min(1),
  output: z.string().min(1),
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
  schema: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  version: z.string().min(1),
  title: z.string().min(1),
  intendedUse: z.string(),
  notFor: z.string(),
  licence: z.string(),
  algorithm: z.object({ name: z.string().min(1), version: z.string().min(1) }),
  trainingData: z.array(z.object({ name: z.string(), licence: z.string(), use: z.string(), cases: z.int().nonnegative() })),
  nnunet: z.object({
    plans: innerPath,
    dataset: innerPath,
    configuration: z.string().min(1),
    plansSha256: sha256.optional(),
    datasetSha256: sha256.optional(),
  }),
  networks: z.array(network).min(1),
  stepSize: z.number().positive().max(1),
  mirrorAxes: z.array(z.int().min(0).max(2)),
  labels: z.array(label).min(1),
});

/**
 * Reads a model folder: manifest.json, nnU-Net's plans and dataset, and every byte of every network file, whose SHA-256 must be the manifest's.
 * A flipped bit is refused ("model-digest"): it would segment, only wrongly.
 */
export async function loadModel(folder: string): Promise<LoadedModel> {
  const manifest = await readManifest(folder);
  const { nnunet } = manifest;
  const plans = await readJson(folder, nnunet.plans, nnunet.plansSha256);
  const dataset = await readJson(folder, nnunet.dataset, nnunet.datasetSha256);
  const parsed = parsePlans(plans, dataset, nnunet.configuration);
  checkLabels(manifest, parsed);
  for (const file of manifest.networks) await checkNetwork(folder, file);
  return { folder, manifest, plans: parsed };
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
  const values = outcome.data.labels.map(({ value }) => value);
  if (new Set(values).size !== values.length)
    throw new RefusedError("model-manifest", `manifest of model ${folder} names a label value twice`);
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

/** Numbers in the label map mean what the network was trained for, or a structure would go by another one's name. */
function checkLabels(manifest: ModelManifest, plans: Plans): void {
  const text = (labels: readonly { value: number; name: string }[]): string =>
    labels
      .map(({ value, name }) => `${value} ${name}`)
      .sort()
      .join(", ");
  const [named, trained] = [text(manifest.labels), text(plans.labels)];
  if (named !== trained)
    throw new RefusedError("model-labels", `manifest of ${manifest.name} names labels ${named}, dataset.json has ${trained}`);
}

async function checkNetwork(folder: string, { file, sha256, sizeBytes }: NetworkFile): Promise<void> {
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
