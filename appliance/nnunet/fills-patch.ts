import { type Grid, spacingMm } from "../volume/grid.ts";
import { rasTurns } from "../volume/orient.ts";
import type { Plans } from "./plans.ts";

/** An INT8 network is judged on CTs that fill at least this share of its patch along every axis, and used for such only. */
const leastShare = 0.5;

/**
 * Whether a CT fills enough of the network's patch for its INT8 form. Of a thinner one most of the patch is padding: a normalisation then sees
 * little that varies and gives values that the INT8 form's ranges do not hold. Such a CT has few patches, and fp32 costs little.
 */
export function fillsPatch(
  grid: Grid,
  { transposeForward, patchSize, spacing }: Pick<Plans, "transposeForward" | "patchSize" | "spacing">,
): boolean {
  const ras = rasTurns(grid);
  const zyx = [ras[2], ras[1], ras[0]] as const;
  const steps = spacingMm(grid);
  return transposeForward.every((from, to) => {
    const { axis } = zyx[from]!;
    return grid.dims[axis] * steps[axis] >= leastShare * patchSize[to]! * spacing[to]!;
  });
}
