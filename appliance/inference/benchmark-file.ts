import { readFile } from "node:fs/promises";
import { z } from "zod";
import { RefusedError } from "../base/errors.ts";

/** Of DATA/benchmarks/NAME.json, what is shown; it holds more. */
const schema = z.object({
  version: z.string(),
  machine: z.string(),
  at: z.number(),
  provider: z.string(),
  precision: z.string(),
  patches: z.number(),
  patchMs: z.number(),
  jobMs: z.number(),
  peakMemoryBytes: z.number(),
});
export type StoredBenchmark = z.infer<typeof schema>;

/** What was measured last of a model; null where nothing was. Refused where the file is not what measuring writes. */
export async function readBenchmark(path: string): Promise<StoredBenchmark | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  const again = "run segbox model bench again";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RefusedError("model-benchmark", `what was measured of the model is not JSON; ${again}`, { cause: error });
  }
  const outcome = schema.safeParse(value);
  if (!outcome.success) throw new RefusedError("model-benchmark", `what was measured of the model can't be read; ${again}`);
  return outcome.data;
}
