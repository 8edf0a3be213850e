import type { LayerNoise } from "../../appliance/domain/accuracy.ts";
import type { GraphRunner } from "../../appliance/inference/graph-runner.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";
import type { Ranges } from "./cpu-graph.ts";
import type { Tap } from "./float-graph.ts";
import { Sqnr } from "./sqnr.ts";

/**
 * Signal to noise of what every layer gives in the INT8 graph, against the float graph, over patches; noise that came from the layers before
 * is in it.
 *
 * @param int8 made with exposeLayers
 */
export async function layerNoise(
  float: GraphRunner,
  int8: GraphRunner,
  taps: readonly Tap[],
  ranges: Ranges,
  patches: readonly Float32Array[],
  shape: Zyx,
): Promise<readonly LayerNoise[]> {
  const measured = new Map<string, Sqnr>();
  for (const patch of patches) {
    const expected = await float.run(patch, [1, 1, ...shape]);
    const found = await int8.run(patch, [1, 1, ...shape]);
    for (const tap of taps) {
      const codes = found.get(tap.layer);
      if (tap.what !== "given" || !codes) continue;
      if (!measured.has(tap.layer)) measured.set(tap.layer, new Sqnr());
      const { data, dims } = expected.get(tap.output)!;
      const [, height, width, perVoxel] = codes.dims; // markers besides the channels
      const [, channels, depth, rows, columns] = dims;
      const sqnr = measured.get(tap.layer)!;
      const { scales, zeroPoint, offsets } = ranges.given.get(tap.layer)!;
      for (let c = 0, at = 0; c < channels!; c++) {
        const scale = scales[c]!;
        const offset = offsets?.[c] ?? 0;
        for (let z = 0; z < depth!; z++)
          for (let y = 0; y < rows!; y++)
            for (let x = 0; x < columns!; x++, at++) {
              const from = ((z * height! + y * tap.every) * width! + x * tap.every) * perVoxel! + c;
              sqnr.add(data[at]!, offset + (codes.data[from]! - zeroPoint) * scale);
            }
      }
    }
  }
  return [...measured].map(([layer, { db }]) => ({ layer, sqnrDb: Number.isFinite(db) ? Math.round(db * 10) / 10 : 200 }));
}
