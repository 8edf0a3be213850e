import { RefusedError } from "../../appliance/base/errors.ts";
import type { LoadedPart } from "../../appliance/inference/models.ts";
import { openNetwork } from "../../appliance/inference/network.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";

/**
 * Runs each fp32 network of a part once, on the smallest patch it takes: it loads, has its input and output, and computes numbers. RefusedError
 * where it does not.
 */
export async function proveNetwork(folder: string, { part, plans }: LoadedPart): Promise<void> {
  const strides = [0, 1, 2].map((axis) => plans.network.strides.reduce((product, stride) => product * stride[axis]!, 1));
  for (const network of part.networks) {
    if (network.engine !== "onnx" || network.precision !== "fp32") continue;
    const shape = network.patchSize ?? (strides.map((stride) => 2 * stride) as unknown as Zyx);
    const session = await openNetwork(folder, network, plans, { threads: 1 });
    try {
      const count = shape[0] * shape[1] * shape[2];
      const patch = Float32Array.from({ length: count }, (_, at) => Math.sin(at));
      const output = await session.infer(patch, shape);
      for (let at = 0; at < output.length; at++)
        if (!Number.isFinite(output[at]))
          throw new RefusedError("model-fails", `part ${part.name} computes ${output[at]} on a test patch, expected numbers`);
    } finally {
      await session.close();
    }
  }
}
