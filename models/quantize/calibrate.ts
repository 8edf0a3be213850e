import type { GraphRunner } from "../../appliance/inference/graph-runner.ts";
import { inThisThread } from "../../appliance/nnunet/compute.ts";
import type { Plans, Zyx } from "../../appliance/nnunet/plans.ts";
import { normalisedValues, preprocess } from "../../appliance/nnunet/preprocess.ts";
import { readPatch } from "../../appliance/nnunet/sliding-window.ts";
import { windowsOf } from "../../appliance/nnunet/windows.ts";
import type { CtCase } from "./ct-cases.ts";
import type { Tap } from "./float-graph.ts";
import { TensorCounts } from "./tensor-counts.ts";

/** Patches of CTs as the sliding window cuts them, spread evenly over the CTs and over the windows of each. */
export async function* patchesOf(
  cases: readonly CtCase[],
  plans: Plans,
  { stepSize, count }: { readonly stepSize: number; readonly count: number },
): AsyncGenerator<Float32Array> {
  const values = normalisedValues(plans.ct);
  const tile = plans.patchSize;
  for (const [index, { load }] of cases.entries()) {
    const share = Math.floor(((index + 1) * count) / cases.length) - Math.floor((index * count) / cases.length);
    if (share === 0) continue;
    const prepared = await preprocess(await load(), plans, inThisThread);
    const { starts, before } = windowsOf(prepared, tile, stepSize);
    for (let n = 0; n < Math.min(share, starts.length); n++) {
      const start = starts[Math.floor(((n + 0.5) * starts.length) / Math.min(share, starts.length))]!;
      const patch = new Float32Array(tile[0] * tile[1] * tile[2]);
      readPatch(prepared, values, [start[2] - before[2], start[1] - before[1], start[0] - before[0]], tile, patch);
      yield patch;
    }
  }
}

/** Runs the float graph on patches and counts its inner tensors. */
export async function countTensors(
  graph: GraphRunner,
  taps: readonly Tap[],
  patches: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  shape: Zyx,
  onPatch: (done: number) => void,
): Promise<{ counts: TensorCounts; patches: number }> {
  const counts = new TensorCounts();
  let done = 0;
  for await (const patch of patches) {
    const outputs = await graph.run(patch, [1, 1, ...shape]);
    for (const tap of taps) {
      const { data, dims } = outputs.get(tap.output)!;
      counts.add(tap, data as Float32Array, dims[1]!);
    }
    done++;
    onPatch(done);
  }
  return { counts, patches: done };
}
