import type { GraphRunner } from "../../appliance/inference/graph-runner.ts";
import { inThisThread } from "../../appliance/nnunet/compute.ts";
import type { Plans, Zyx } from "../../appliance/nnunet/plans.ts";
import { normalisedValues, preprocess } from "../../appliance/nnunet/preprocess.ts";
import { readPatch } from "../../appliance/nnunet/sliding-window.ts";
import { windowsOf } from "../../appliance/nnunet/windows.ts";
import type { CtCase } from "./ct-cases.ts";
import type { Tap } from "./float-graph.ts";
import { TensorCounts } from "./tensor-counts.ts";

/** Share of a patch that a thin series fills. */
const slabShares = [0.12, 0.35];

/**
 * Patches of CTs as the sliding window cuts them, spread evenly over the CTs and over the windows of each. Every second one is cut down to a slab, as
 * if the series had few slices: what surrounds it is 0, as the window pads. There a normalisation sees little that varies, and gives
 * larger values than in a full patch.
 */
export async function* patchesOf(
  cases: readonly CtCase[],
  plans: Plans,
  { stepSize, count, onCt }: { readonly stepSize: number; readonly count: number; readonly onCt?: (index: number) => void },
): AsyncGenerator<Float32Array> {
  const values = normalisedValues(plans.ct);
  const tile = plans.patchSize;
  let made = 0;
  for (const [index, { load }] of cases.entries()) {
    const share = Math.floor(((index + 1) * count) / cases.length) - Math.floor((index * count) / cases.length);
    if (share === 0) continue;
    onCt?.(index);
    const prepared = await preprocess(await load(), plans, inThisThread);
    const { starts, before } = windowsOf(prepared, tile, stepSize);
    for (let n = 0; n < Math.min(share, starts.length); n++) {
      const start = starts[Math.floor(((n + 0.5) * starts.length) / Math.min(share, starts.length))]!;
      const patch = new Float32Array(tile[0] * tile[1] * tile[2]);
      readPatch(prepared, values, [start[2] - before[2], start[1] - before[1], start[0] - before[0]], tile, patch);
      if (made % 2 === 1) keepSlab(patch, tile, slabShares[Math.floor(made / 2) % slabShares.length]!);
      made++;
      yield patch;
    }
  }
}

/** Everything but some slices in the middle becomes 0. */
function keepSlab(patch: Float32Array, [depth, height, width]: Zyx, share: number): void {
  const slices = Math.max(1, Math.round(depth * share));
  const first = Math.floor((depth - slices) / 2);
  patch.fill(0, 0, first * height * width);
  patch.fill(0, (first + slices) * height * width);
}

/** Runs the float graph on patches and counts its inner tensors. */
export async function countTensors(
  graph: GraphRunner,
  taps: readonly Tap[],
  patches: AsyncIterable<Float32Array> | Iterable<Float32Array>,
  shape: Zyx,
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
  }
  return { counts, patches: done };
}
