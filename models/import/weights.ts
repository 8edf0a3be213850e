import { RefusedError } from "../../appliance/base/errors.ts";
import type { NetworkPlan } from "../../appliance/nnunet/network.ts";
import { expectedWeights, type Weights } from "../network/u-net.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** More than any plan of nnU-Net for 3-D makes (about 0.1 billion, "XL" presets included). */
const mostParameters = 2_000_000_000;

/**
 * The weights that a plan's network is computed from, out of a checkpoint. RefusedError where one is missing, has another shape or is no
 * number, and where the checkpoint holds weights that such a network has no place for: then it is another network.
 */
export async function readWeights(checkpoint: Checkpoint, plan: NetworkPlan, classes: number): Promise<Weights> {
  const expected = expectedWeights(plan, classes);
  let parameters = 0;
  // Everything is looked at before anything is read.
  for (const [name, dims] of expected) {
    const found = checkpoint.tensors.get(name)?.dims;
    if (!found)
      throw new RefusedError("weight-missing", `the checkpoint has no weight ${name}, which ${plan.architecture} of these plans needs`);
    if (found.join() !== dims.join())
      throw new RefusedError("weight-shape", `weight ${name}: expected [${dims}] by the plans, found [${found}]`);
    parameters += dims.reduce((product, length) => product * length, 1);
  }
  if (parameters > mostParameters)
    throw new RefusedError("weights-too-many", `${parameters} parameters, expected at most ${mostParameters}`);
  for (const name of checkpoint.tensors.keys())
    if (!expected.has(name) && !isSecondName(name) && !isOtherHead(name))
      throw new RefusedError(
        "weight-unknown",
        `the checkpoint has a weight ${name.slice(0, 100)}, which ${plan.architecture} of these plans has not`,
      );

  const weights = new Map<string, { dims: readonly number[]; data: Float32Array }>();
  for (const [name, dims] of expected) {
    const data = await checkpoint.read(name);
    const at = firstNotFinite(data);
    if (at >= 0)
      throw new RefusedError(
        "weight-not-finite",
        `weight ${name} has ${data[at]} at place ${at}: the training broke, or the file is damaged`,
      );
    weights.set(name, { dims, data });
  }
  return weights;
}

/** The same parameter under the name that upstream's modules give it a second time. */
const isSecondName = (name: string): boolean => name.startsWith("decoder.encoder.") || name.includes(".all_modules.");
/** Heads of coarser stages only serve the training. */
const isOtherHead = (name: string): boolean => name.startsWith("decoder.seg_layers.");

function firstNotFinite(values: Float32Array): number {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return at;
  return -1;
}
