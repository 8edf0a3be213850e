import type { z } from "zod";
import { RefusedError } from "../base/errors.ts";

/** A value from nnU-Net's own JSON files in the shape that `schema` gives it, or a refusal that names what is wrong where. */
export function readUpstream<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const faults = outcome.error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`);
  throw refusedPlans(`${what} is not as nnU-Net v2 writes it: ${faults.join("; ")}`);
}

export const refusedPlans = (message: string): RefusedError => new RefusedError("plans-unknown", message);
