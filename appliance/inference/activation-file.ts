import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Activation, providers } from "../domain/activation.ts";
import { engineName } from "./session.ts";

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
 * A model's activation where there is one that holds: for this manifest, this machine and this version of the library. Else null, with a note
 * for the result where there is one that does not hold.
 */
export async function readActivation(path: string, modelFolder: string): Promise<{ activation: Activation | null; note: string | null }> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { activation: null, note: null };
    throw error;
  }
  const again = (why: string) => ({ activation: null, note: `${why}; run segbox model activate again` });
  const parsed = activationSchema.safeParse(jsonOf(text));
  if (!parsed.success) return again("what is stored of the model's activation can't be read");
  const { manifestSha256, machine, engine } = parsed.data;
  if (manifestSha256 !== (await manifestDigest(modelFolder))) return again("the model was activated in another version");
  if (machine !== machineName()) return again(`the model was activated on another machine (${machine})`);
  if (engine !== engineName) return again(`the model was activated with ${engine}, which is ${engineName} now`);
  return { activation: parsed.data, note: null };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // refused by the schema
  }
}
