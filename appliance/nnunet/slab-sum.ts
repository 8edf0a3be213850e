import { RefusedError } from "../base/errors.ts";
import type { OutputForm, PatchOutput } from "./infer.ts";
import type { Zyx } from "./plans.ts";

/** Takes the sums of one finished slice. The array is reused as soon as the promise settles. */
export type OnSlice = (z: number, sums: Float32Array) => void | Promise<void>;

export type SlabOptions = {
  readonly output: OutputForm;
  /** Whether the sum of weights is kept as one more channel, behind the others: what a head needs for its bias. */
  readonly sumWeights: boolean;
  /** Of the padded volume, and of a tile. */
  readonly shape: Zyx;
  readonly tile: Zyx;
  /** Of a tile's voxels, [z][y][x]. */
  readonly weights: Float32Array;
};

/**
 * The weighted sum of overlapping tiles' outputs, for as many slices as a tile is deep. Tiles come in order of z; slices that no later tile
 * touches are handed out and their memory is used for the next ones. So memory is channels x tile depth x one slice, however long the
 * volume is.
 *
 * Sums are 32-bit floats, in the output's own order of axes: [channel][y][x] or [y][x][channel]. Dividing by the sum of weights, as upstream
 * does, would change no argmax.
 */
export class SlabSum {
  readonly #options: SlabOptions;
  readonly #onSlice: OnSlice;
  readonly #kept: number;
  /** One per slice of the slab. Slice z is kept at z modulo the tile's depth. */
  readonly #sums: Float32Array[] = [];
  /** Slices before this one are finished. */
  #from = 0;
  /** Slices before this one lie under a tile. */
  #covered = 0;

  constructor(options: SlabOptions, onSlice: OnSlice) {
    this.#options = options;
    this.#onSlice = onSlice;
    this.#kept = options.output.channels + Number(options.sumWeights);
  }

  /**
   * Adds a tile's output at its place, or nothing (null) where the tile was left out. A tile must not start at a lower z than one before it.
   *
   * @param mirror axes (0 z, 1 y, 2 x) along which the output is to be turned back
   */
  async add(output: PatchOutput | null, start: Zyx, mirror: readonly number[] = []): Promise<void> {
    const { output: form, tile } = this.#options;
    const [z0] = start;
    if (output && output.length !== form.channels * tile[0] * tile[1] * tile[2])
      throw new Error(`expected ${form.channels} channels of a tile of ${tile.join(" x ")}, found ${output.length} values`);
    if (z0 < this.#from) throw new Error(`tile at z ${z0} comes after slice ${this.#from - 1} was finished`);
    await this.#finishBefore(z0);
    this.#covered = z0 + tile[0];
    if (!output) return;
    const steps = [0, 1, 2].map((axis) => (mirror.includes(axis) ? -1 : 1)) as unknown as Zyx;
    const check = form.layout === "ncdhw" ? this.#addPlanes(output, start, steps) : this.#addRows(output, start, steps);
    // One value that is not a number would win or lose every comparison without a trace.
    if (!Number.isFinite(check))
      throw new RefusedError("network-output-not-finite", `the network gave infinite or undefined values for the tile at z, y, x ${start}`);
  }

  /** Finishes what is left. */
  async end(): Promise<void> {
    await this.#finishBefore(this.#options.shape[0]);
  }

  /** Adds [channel][z][y][x]; gives back the sum of all that was added, unweighted. */
  #addPlanes(output: PatchOutput, [z0, y0, x0]: Zyx, [dz, dy, dx]: Zyx): number {
    const {
      output: { channels },
      tile: [depth, height, width],
      shape: [, rows, columns],
      weights,
      sumWeights,
    } = this.#options;
    const plane = rows * columns;
    let check = 0;
    for (let z = 0; z < depth; z++) {
      const sum = this.#slice(z0 + z);
      const zFrom = dz > 0 ? z : depth - 1 - z;
      for (let c = 0; c < channels; c++) {
        for (let y = 0; y < height; y++) {
          const to = c * plane + (y0 + y) * columns + x0;
          const weight = (z * height + y) * width;
          let from = ((c * depth + zFrom) * height + (dy > 0 ? y : height - 1 - y)) * width + (dx > 0 ? 0 : width - 1);
          for (let x = 0; x < width; x++, from += dx) {
            const value = output[from]!;
            check += value;
            sum[to + x]! += value * weights[weight + x]!;
          }
        }
      }
      if (!sumWeights) continue;
      for (let y = 0; y < height; y++) {
        const to = channels * plane + (y0 + y) * columns + x0;
        const weight = (z * height + y) * width;
        for (let x = 0; x < width; x++) sum[to + x]! += weights[weight + x]!;
      }
    }
    return check;
  }

  /** Adds [z][y][x][channel]; gives back the sum of all that was added, unweighted. */
  #addRows(output: PatchOutput, [z0, y0, x0]: Zyx, [dz, dy, dx]: Zyx): number {
    const {
      output: { channels },
      tile: [depth, height, width],
      shape: [, , columns],
      weights,
      sumWeights,
    } = this.#options;
    const kept = this.#kept;
    const step = (dx > 0 ? 0 : -2) * channels;
    let check = 0;
    for (let z = 0; z < depth; z++) {
      const sum = this.#slice(z0 + z);
      const zFrom = dz > 0 ? z : depth - 1 - z;
      for (let y = 0; y < height; y++) {
        let to = ((y0 + y) * columns + x0) * kept;
        const weight = (z * height + y) * width;
        let from = ((zFrom * height + (dy > 0 ? y : height - 1 - y)) * width + (dx > 0 ? 0 : width - 1)) * channels;
        for (let x = 0; x < width; x++) {
          const w = weights[weight + x]!;
          for (let c = 0; c < channels; c++, from++, to++) {
            const value = output[from]!;
            check += value;
            sum[to]! += value * w;
          }
          if (sumWeights) sum[to++]! += w;
          from += step;
        }
      }
    }
    return check;
  }

  #slice(z: number): Float32Array {
    const {
      tile: [depth],
      shape: [, rows, columns],
    } = this.#options;
    this.#sums[z % depth] ??= new Float32Array(this.#kept * rows * columns);
    return this.#sums[z % depth]!;
  }

  async #finishBefore(end: number): Promise<void> {
    if (end > this.#covered) throw new Error(`slices ${this.#covered} to ${end - 1} lie under no tile`);
    for (; this.#from < end; this.#from++) {
      const sums = this.#slice(this.#from);
      await this.#onSlice(this.#from, sums);
      sums.fill(0);
    }
  }
}
