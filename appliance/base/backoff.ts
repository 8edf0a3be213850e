/**
 * How long to wait before the next try, ms: doubles from `firstMs` up to `maxMs`, then shortened by up to a quarter at random, so that
 * many boxes do not knock at a recovering peer at the same instant.
 *
 * @param attempt tries made so far, 1 or more
 * @param random 0..1
 */
export function backoffMs(attempt: number, random: number, { firstMs = 2_000, maxMs = 15 * 60_000 } = {}): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (1 - 0.25 * random));
}
