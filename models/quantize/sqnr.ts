/** Signal to quantisation noise, dB: mean square of the signal over that of the difference. Infinite where nothing differs. */
export class Sqnr {
  #signal = 0;
  #noise = 0;

  add(signal: number, found: number): void {
    this.#signal += signal * signal;
    this.#noise += (signal - found) * (signal - found);
  }

  get db(): number {
    return this.#noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.#signal / this.#noise);
  }
}
