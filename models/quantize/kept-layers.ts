import { accuracyLimits, type FormAccuracy } from "../../appliance/domain/accuracy.ts";
import type { LayerEffect } from "./layer-effects.ts";

/** With more of a network's multiplications than this in float32, INT8 saves too little time to be worth it. */
export const mostInFp32 = 0.75;

/**
 * By how much the noise in the logits must fall, as a factor of its power, for a form to reach the limits: what Dice lacks of 1 goes with the
 * noise's amplitude, as it lets labels flip where two of them are nearly even. At least halved, so that rounds come to an end; at most a quarter is
 * left, since one small structure foretells little.
 */
export function noiseToTakeAway({ meanDice, worstDice }: FormAccuracy): number {
  const missed = Math.max((1 - meanDice) / (1 - accuracyLimits.meanDice), (1 - worstDice) / (1 - accuracyLimits.worstDice));
  return Math.min(4, Math.max(2, missed ** 2));
}

/**
 * Which layers go back to fp32 next: those that add most noise to the logits for their share of the work, until what the others add is as many
 * times less as asked for, or as many as {@link mostInFp32} leaves room for. Null where none is left that would fit.
 *
 * @param always multiplications of the network that are in float32 whatever is chosen
 * @param kept layers that were chosen before; they stay chosen
 */
export function nextKeptFp32(
  effects: readonly LayerEffect[],
  always: number,
  kept: ReadonlySet<string>,
  takeAway: number,
): ReadonlySet<string> | null {
  const all = effects.reduce((sum, { operations }) => sum + operations, always);
  const next = new Set(kept);
  let inFp32 = always;
  let noise = 0;
  for (const { layer, operations, noise: added } of effects)
    if (kept.has(layer)) inFp32 += operations;
    else noise += added;
  const goal = noise / takeAway;
  for (const { layer, operations, noise: added } of effects.toSorted((a, b) => b.noise / b.operations - a.noise / a.operations)) {
    if (noise <= goal) break;
    if (next.has(layer) || inFp32 + operations > mostInFp32 * all) continue;
    next.add(layer);
    inFp32 += operations;
    noise -= added;
  }
  return next.size > kept.size ? next : null;
}
