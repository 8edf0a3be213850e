import type { Histogram } from "./histogram.ts";

export type RangeMethod = "min-max" | "percentile" | "entropy";

/** Code 0..255 stands for low + code * scale. */
export type Span = { readonly low: number; readonly scale: number };

/** A range, and what it costs: mean squared error over the values that were counted, as a share of what they carry (see {@link RangeKind}). */
export type ChosenRange = Span & { readonly method: RangeMethod; readonly relativeError: number };

/**
 * What a range must fulfil. With a zero point, 0 has that code; without, anything goes, for what is normalised next: such values carry their
 * variance, the others their mean square. After a ReLU what is below 0 counts for nothing.
 */
export type RangeKind = { readonly zeroPoint?: number; readonly afterRelu?: boolean };

/** Below it a tensor is constant for all that 32-bit floats can tell. */
const smallestScale = 1e-8;
const percentiles = [0.999, 0.9999, 0.99999, 0.999999];

/**
 * Chooses the range that 0..255 is spread over: of the whole range seen, ranges between percentiles, and the one that changes the distribution
 * least (Kullback-Leibler divergence), the one with the least mean squared error.
 */
export function chooseRange(histogram: Histogram, kind: RangeKind): ChosenRange {
  const candidates: { method: RangeMethod; low: number; high: number }[] = [
    { method: "min-max", low: histogram.min, high: histogram.max },
    ...percentiles.map((share) => ({
      method: "percentile" as const,
      low: histogram.percentile(1 - share),
      high: histogram.percentile(share),
    })),
    { method: "entropy", ...leastDivergentRange(histogram) },
  ];
  const power = powerOf(histogram, kind);
  let best: ChosenRange | undefined;
  for (const { method, low, high } of candidates) {
    const span = spanOf(kind, kind.afterRelu ? 0 : low, high);
    const relativeError = power > 0 ? quantisationError(histogram, span, kind.afterRelu ? 0 : Number.NEGATIVE_INFINITY) / power : 0;
    if (!best || relativeError < best.relativeError) best = { ...span, method, relativeError };
  }
  return best!;
}

function spanOf({ zeroPoint }: RangeKind, low: number, high: number): Span {
  // A channel that is constant keeps a scale that can be divided by, small beside its value.
  if (zeroPoint === undefined) return { low, scale: Math.fround(Math.max((high - low) / 255, Math.abs(low) * 1e-6, smallestScale)) };
  const below = zeroPoint > 0 ? -low / zeroPoint : 0;
  const scale = Math.fround(Math.max(below, high / (255 - zeroPoint), smallestScale));
  return { low: -zeroPoint * scale, scale };
}

/** Mean squared difference between the counted values from `least` on and what their codes stand for. */
export function quantisationError(histogram: Histogram, { low, scale }: Span, least: number): number {
  const { counts, total, width } = histogram;
  // The middle of a bin that is wider than a code says little of the rounding of what is in it: that is spread evenly.
  const within = width > scale ? scale ** 2 / 12 : 0;
  let sum = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin]!;
    if (count === 0) continue;
    const value = histogram.valueAt(bin);
    if (value < least) continue;
    const code = Math.max(0, Math.min(255, Math.round((value - low) / scale)));
    const error = value - (low + code * scale);
    sum += count * (within > 0 && code > 0 && code < 255 ? within : error * error);
  }
  return total > 0 ? sum / total : 0;
}

function powerOf(histogram: Histogram, kind: RangeKind): number {
  const { counts, total } = histogram;
  let sum = 0;
  let squares = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const value = histogram.valueAt(bin);
    if (kind.afterRelu && value < 0) continue;
    sum += counts[bin]! * value;
    squares += counts[bin]! * value * value;
  }
  if (total === 0) return 0;
  return kind.zeroPoint === undefined ? squares / total - (sum / total) ** 2 : squares / total;
}

/**
 * The range, shrunk towards the median from both ends in steps, whose quantised distribution diverges least from the counted one; what is cut off
 * counts at the ends, as it saturates there.
 *
 * @source S. Migacz, 8-bit inference with TensorRT, GTC 2017, for the idea
 */
function leastDivergentRange(histogram: Histogram): { low: number; high: number } {
  const { min, max } = histogram;
  const centre = Math.max(min, Math.min(max, histogram.percentile(0.5)));
  let best = { low: min, high: max };
  let least = Number.POSITIVE_INFINITY;
  for (let step = 64; step >= 8; step -= 2) {
    const low = centre + (min - centre) * (step / 64);
    const high = centre + (max - centre) * (step / 64);
    const divergence = divergenceOf(histogram, low, high);
    if (divergence < least) {
      least = divergence;
      best = { low, high };
    }
  }
  return best;
}

/** Kullback-Leibler divergence of a distribution saturated to [low, high] from itself rounded to 255 steps, in nats. */
function divergenceOf({ counts, total, width }: Histogram, low: number, high: number): number {
  const middle = counts.length / 2;
  const first = Math.max(0, Math.floor(low / width) + middle);
  const last = Math.min(counts.length - 1, Math.ceil(high / width) + middle - 1);
  if (last <= first) return Number.POSITIVE_INFINITY;
  const reference = counts.slice(first, last + 1);
  for (let bin = 0; bin < first; bin++) reference[0]! += counts[bin]!;
  for (let bin = last + 1; bin < counts.length; bin++) reference[reference.length - 1]! += counts[bin]!;
  const perCode = reference.length / 256;
  let divergence = 0;
  for (let code = 0; code < 256; code++) {
    const from = Math.floor(code * perCode);
    const to = code === 255 ? reference.length : Math.floor((code + 1) * perCode);
    // A code spreads what it holds over its bins, but only the values that really lie there and not those that saturate into it.
    let held = 0;
    let occupied = 0;
    for (let bin = from; bin < to; bin++) {
      held += counts[first + bin]!;
      if (reference[bin]! > 0) occupied++;
    }
    for (let bin = from; bin < to; bin++) {
      const p = reference[bin]! / total;
      if (p === 0) continue;
      const q = Math.max(held / occupied / total, 1e-12);
      divergence += p * Math.log(p / q);
    }
  }
  return divergence;
}
