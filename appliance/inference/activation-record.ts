import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { RefusedError } from "../base/errors.ts";
import { type Activation, providers } from "../domain/activation.ts";

const agreement = z.object({ meanDice: z.number(), worstDice: z.number(), worstLabel: z.string(), labels: z.number() });
const trial = z.object({
  part: z.string(),
  file: z.string(),
  sha256: z.string(),
  precision: z.enum(["fp32", "fp16", "int8"]),
  provider: z.enum(providers),
  outcome: z.enum(["usable", "absent", "falls-back", "fails", "barred"]),
  detail: z.string(),
  measured: z
    .object({
      threads: z.int().positive(),
      arena: z.boolean(),
      patchMs: z.number(),
      patches: z.number(),
      peakMemoryBytes: z.number(),
      agreement: agreement.nullable(),
    })
    .nullable(),
  built: z
    .object({
      file: z.string(),
      sha256: z.string(),
      sizeBytes: z.int().positive(),
      patchSize: z.tuple([z.int().positive(), z.int().positive(), z.int().positive()]),
    })
    .optional(),
});
const activationSchema: z.ZodType<Activation> = z.object({
  schema: z.literal(1),
  model: z.string(),
  version: z.string(),
  manifestSha256: z.string(),
  machine: z.string(),
  engine: z.string(),
  at: z.number(),
  trials: z.array(trial),
});

/** What an activation holds for: processor, its cores, system. */
export function machineName(): string {
  const all = cpus();
  return `${all[0]?.model.trim() ?? "unknown processor"}, ${all.length} cores, ${process.platform} ${process.arch}`;
}

/** SHA-256 of a model's manifest.json. */
export async function manifestDigest(modelFolder: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(join(modelFolder, "manifest.json")))
    .digest("hex");
}

/**
 * What was found out when a model was tried, whether it still holds or not; null where it was never tried. Refused where the file is not what
 * activating writes. Reading it loads no onnxruntime: the service itself has none.
 */
export async function readStoredActivation(path: string): Promise<Activation | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const parsed = activationSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new RefusedError("model-activation", "what is stored of the model's activation can't be read; run segbox model activate again");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // refused by the schema
  }
}
