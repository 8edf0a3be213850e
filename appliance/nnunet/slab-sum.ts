import { RefusedError } from "../base/errors.ts";
import type { Zyx } from "./plans.ts";

/** Takes one finished slice: a label per voxel, rows of x. The array is reused; what is needed must be copied. */
export type OnSlice = (z: number, labels: Uint8Array) => void;

/**
 * The weighted sum of overlapping tiles' logits, for as many slices as a tile is deep. Tiles come in order of z; slices that no later tile
 * touches are turned into labels and their memory is used for the next ones. So memory is classes x tile depth x one slice, however long the
 * volume is.
 *
 * Sums are 32-bit floats. Dividing by the sum of weights, as upstream does, would change no argmax.
 */
export class SlabSum {
  readonly #classes: number;
  readonly #shape: Zyx;
  readonly #tile: Zyx;
  readonly #weights: Float32Array;
  readonly #onSlice: OnSlice;
  /** One per slice of the slab: [class][y][x]. Slice z is kept at z modulo the tile's depth. */
  readonly #sums: Float32Array[] = [];
  readonly #best: Float32Array;
  readonly #labels: Uint8Array;
  /** Slices before this one are finished. */
  #from = 0;
  /** Slices before this one lie under a tile. */
  #covered = 0;

  constructor(classes: number, shape: Zyx, tile: Zyx, weights: Float32Array, onSlice: OnSlice) {
    this.#classes = classes;
    this.#shape = shape;
    this.#tile = tile;
    this.#weights = weights;
    this.#onSlice = onSlice;
    this.#best = new Float32Array(shape[1] * shape[2]);
    this.#labels = new Uint8Array(shape[1] * shape[2]);
  }

  /** Adds a tile's logits [class][z][y][x] at its place. A tile must not start at a lower z than one before it. */
  add(logits: Float32Array, [z0, y0, x0]: Zyx): void {
    const [depth, height, width] = this.#tile;
    const [, rows, columns] = this.#shape;
    const tileSize = depth * height * width;
    if (logits.length !== this.#classes * tileSize)
      throw new Error(`expected logits of ${this.#classes} classes for a tile of ${this.#tile.join(" x ")}, found ${logits.length} values`);
    if (z0 < this.#from) throw new Error(`tile at z ${z0} comes after slice ${this.#from - 1} was finished`);
    this.#finishBefore(z0);
    this.#covered = z0 + depth;
    const weights = this.#weights;
    let check = 0;
    for (let z = 0; z < depth; z++) {
      const slot = (z0 + z) % depth;
      this.#sums[slot] ??= new Float32Array(this.#classes * rows * columns);
      const sum = this.#sums[slot]!;
      for (let c = 0; c < this.#classes; c++) {
        for (let y = 0; y < height; y++) {
          const to = (c * rows + y0 + y) * columns + x0;
          const weight = (z * height + y) * width;
          const from = c * tileSize + weight;
          for (let x = 0; x < width; x++) {
            const logit = logits[from + x]!;
            check += logit;
            sum[to + x]! += logit * weights[weight + x]!;
          }
        }
      }
    }
    // One value that is not a number would win or lose every comparison without a trace.
    if (!Number.isFinite(check))
      throw new RefusedError(
        "network-output-not-finite",
        `the network gave infinite or undefined values for the tile at z ${z0}, y ${y0}, x ${x0}`,
      );
  }

  /** Finishes what is left. */
  end(): void {
    this.#finishBefore(this.#shape[0]);
  }

  #finishBefore(end: number): void {
    if (end > this.#covered) throw new Error(`slices ${this.#covered} to ${end - 1} lie under no tile`);
    for (; this.#from < end; this.#from++) {
      const sum = this.#sums[this.#from % this.#tile[0]]!;
      this.#argmax(sum);
      this.#onSlice(this.#from, this.#labels);
      sum.fill(0);
    }
  }

  /** The class with the highest sum per voxel; the lowest number among equals. */
  #argmax(sum: Float32Array): void {
    const best = this.#best;
    const labels = this.#labels;
    const size = best.length;
    best.set(sum.subarray(0, size));
    labels.fill(0);
    for (let c = 1, from = size; c < this.#classes; c++, from += size) {
      for (let at = 0; at < size; at++) {
        const value = sum[from + at]!;
        if (value > best[at]!) {
          best[at] = value;
          labels[at] = c;
        }
      }
    }
  }
}
