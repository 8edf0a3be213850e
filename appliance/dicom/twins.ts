import { isDeepStrictEqual } from "node:util";
import { nameOf, type PlacedSlice } from "./arrange-slices.ts";
import type { CtFrame } from "./ct-instance.ts";
import { positionsOf } from "./one-stack.ts";

/**
 * Leaves out images that came a second time under another UID: at the same position, of the same size, rescale and pixels. The one with the lowest number
 * stays. Images at one position that differ stay as they are, and are refused where the stack is arranged.
 *
 * @param wordsOf the stored words of a slice; asked for only where two lie at one position
 */
export async function withoutTwins<Slice extends PlacedSlice & Pick<CtFrame, "sopInstanceUid" | "rescale">>(
  slices: readonly Slice[],
  wordsOf: (slice: Slice) => Promise<Uint16Array>,
): Promise<{ readonly slices: readonly Slice[]; readonly notes: readonly string[] }> {
  if (slices.length === 0) return { slices, notes: [] };
  const twins = new Set<Slice>();
  for (const group of Map.groupBy(slices, positionsOf(slices).of).values()) {
    if (group.length === 1) continue;
    const [kept, ...others] = group.toSorted(
      (a, b) => (a.instanceNumber ?? Infinity) - (b.instanceNumber ?? Infinity) || (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1),
    );
    const words = await wordsOf(kept!);
    for (const other of others)
      if (isDeepStrictEqual(describe(kept!), describe(other)) && isDeepStrictEqual(words, await wordsOf(other))) twins.add(other);
  }
  if (twins.size === 0) return { slices, notes: [] };
  const names = [...twins].slice(0, 5).map(nameOf).join(", ");
  return {
    slices: slices.filter((slice) => !twins.has(slice)),
    notes: [
      `${twins.size} image(s) were there a second time under another UID and were left out: ${names}${twins.size > 5 ? ", ..." : ""}`,
    ],
  };
}

function describe({ rows, columns, orientation, pixelSpacingMm, rescale }: PlacedSlice & Pick<CtFrame, "rescale">) {
  return { rows, columns, orientation, pixelSpacingMm, rescale };
}
