/**
 * Counts the values of a tensor that comes piece by piece, in memory that does not grow: bins around 0, whose width doubles when a value
 * lies outside. Bin edges are multiples of the width, so 0 is always an edge and doubling merges pairs exactly.
 */
export class Histogram {
  readonly counts: Float64Array;
  #width = 2 ** -14;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #total = 0;

  constructor(bins = 4096) {
    this.counts = new Float64Array(bins);
  }

  /** Counts every value. Not-a-number and infinite ones are refused: nothing can be calibrated on them. */
  add(values: Float32Array): void {
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    let check = 0;
    for (let at = 0; at < values.length; at++) {
      const value = values[at]!;
      check += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    if (!Number.isFinite(check)) throw new Error("the network gave values that are not finite numbers");
    if (values.length === 0) return;
    this.#reach(Math.max(Math.abs(min), Math.abs(max)));
    const { counts } = this;
    const perValue = 1 / this.#width;
    const middle = counts.length / 2;
    for (let at = 0; at < values.length; at++) counts[Math.floor(values[at]! * perValue) + middle]!++;
    this.#min = Math.min(this.#min, min);
    this.#max = Math.max(this.#max, max);
    this.#total += values.length;
  }

  get min(): number {
    return this.#min;
  }
  get max(): number {
    return this.#max;
  }
  get total(): number {
    return this.#total;
  }
  get width(): number {
    return this.#width;
  }

  /** The middle of a bin. */
  valueAt(bin: number): number {
    return (bin - this.counts.length / 2 + 0.5) * this.#width;
  }

  /** The value below which a share of all lies, to the edge of a bin (the upper one above half, else the lower one), never outside what was seen. */
  percentile(share: number): number {
    let before = 0;
    const bins = this.counts.length;
    for (let bin = 0; bin < bins; bin++) {
      before += this.counts[bin]!;
      if (before < share * this.#total) continue;
      const edge = (bin - bins / 2 + (share > 0.5 ? 1 : 0)) * this.#width;
      return Math.min(Math.max(edge, this.#min), this.#max);
    }
    return this.#max;
  }

  #reach(largest: number): void {
    while (largest >= (this.#width * this.counts.length) / 2) this.#widen(this.#width * 2);
  }

  #widen(width: number): void {
    while (this.#width < width) {
      const { counts } = this;
      const bins = counts.length;
      const merged = new Float64Array(bins);
      for (let bin = 0; bin < bins; bin++) merged[Math.floor((bin - bins / 2) / 2) + bins / 2]! += counts[bin]!;
      counts.set(merged);
      this.#width *= 2;
    }
  }
}
