import type { Tap } from "./float-graph.ts";
import { Histogram } from "./histogram.ts";
import type { Counted } from "./tensor-ranges.ts";

/** A network has thousands of channels. */
const binsPerChannel = 1024;

/** Counts what a network gives on one patch after the other; its memory does not grow with them. */
export class TensorCounts implements Counted {
  readonly convolved = new Map<string, Histogram[]>();
  readonly given = new Map<string, Histogram[]>();

  /** Counts one inner tensor, [1,c,…]. */
  add({ layer, what }: Tap, values: Float32Array, channels: number): void {
    const counted = this[what];
    if (!counted.has(layer))
      counted.set(
        layer,
        Array.from({ length: channels }, () => new Histogram(binsPerChannel)),
      );
    const size = values.length / channels;
    for (const [channel, histogram] of counted.get(layer)!.entries()) histogram.add(values.subarray(channel * size, (channel + 1) * size));
  }
}
