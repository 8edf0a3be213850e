import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RefusedError } from "../base/errors.ts";
import type { AccuracyRecord } from "../domain/accuracy.ts";

export const accuracyFile = "accuracy.json";

const share = z.number().min(0).max(1);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const pair = z.object({ meanDice: share, worstDice: share });
const label = z.object({
  name: z.string().min(1),
  cases: z.int().nonnegative(),
  meanDice: share,
  worstDice: share,
  largestVolumeDifferenceMl: z.number().nonnegative(),
  meanVolumeDifference: z.number().nonnegative(),
});
const schema: z.ZodType<AccuracyRecord> = z.object({
  schema: z.literal(1),
  model: z.string().min(1),
  version: z.string().min(1),
  at: z.int(),
  engine: z.string(),
  machine: z.string(),
  outcome: z.enum(["passed", "kept-fp32", "bench-only"]),
  reason: z.string().min(1),
  limits: z.object({ meanDice: share, worstDice: share, overMl: z.number().nonnegative() }),
  calibration: z.object({ patches: z.int().nonnegative(), cts: z.array(sha256) }),
  holdout: z.object({ cts: z.array(sha256) }),
  parts: z.array(
    z.object({
      part: z.string().min(1),
      int8Sha256: sha256,
      fp32Sha256: sha256,
      keptFp32: z.array(z.string()),
      rounds: z.int().nonnegative(),
      layers: z.array(z.object({ layer: z.string(), sqnrDb: z.number() })),
      rangeMethods: z.record(z.string(), z.int().nonnegative()),
      againstFp32: z
        .object({
          meanDice: share,
          worstDice: share,
          worstLabel: z.string(),
          compared: z.int().nonnegative(),
          labels: z.array(label),
          meanDiceOfAll: share,
        })
        .nullable(),
      againstHuman: z.array(z.object({ name: z.string(), cases: z.int().positive(), fp32: pair, int8: pair })).nullable(),
    }),
  ),
});

/** How a model's INT8 forms were judged; null for a model that has none. Refused where the file is not what quantising writes. */
export async function readAccuracy(modelFolder: string): Promise<AccuracyRecord | null> {
  const path = join(modelFolder, accuracyFile);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return parseAccuracy(text, path);
}

export function parseAccuracy(text: string, path: string): AccuracyRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RefusedError("model-accuracy", `${path} is not JSON`, { cause: error });
  }
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const { path: where, message } = outcome.error.issues[0]!;
  throw new RefusedError("model-accuracy", `${path} is not valid: ${where.join(".") || "the whole"}: ${message}`);
}
