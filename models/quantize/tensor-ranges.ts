import type { ChannelCodes } from "./affine.ts";
import { type ChosenRange, chooseRange, type RangeKind } from "./choose-range.ts";
import type { Ranges } from "./cpu-graph.ts";
import type { ChannelSpans } from "./cpu-layers.ts";
import type { Histogram } from "./histogram.ts";
import { convsOf, type UNetLayers } from "./layers.ts";

/** What was counted of a network's tensors, each channel by itself, by layer name. */
export type Counted = {
  readonly convolved: ReadonlyMap<string, readonly Histogram[]>;
  readonly given: ReadonlyMap<string, readonly Histogram[]>;
};

/** How the range of each channel was found. */
export type ChosenChannels = { readonly convolved: readonly ChosenRange[]; readonly given: readonly ChosenRange[] };
export type ChosenRanges = Ranges & { readonly chosen: ReadonlyMap<string, ChosenChannels> };

/** Room for what a leaky ReLU leaves below 0. */
const leakyZeroPoint = 8;

/**
 * Chooses how each channel is quantised. A channel's scale is its own: what reads it has the scale in its weights. All tensors have one zero
 * point, near the lowest code, as the padding of a convolution that reads two of them has one value. An upsampled tensor has values of both
 * signs: its channels have offsets besides.
 */
export function chooseRanges(layers: UNetLayers, counted: Counted): ChosenRanges {
  const chosen = new Map<string, ChosenChannels>();
  const convolved = new Map<string, ChannelSpans>();
  const given = new Map<string, ChannelCodes>();
  const ranges = (name: string, kind: RangeKind): readonly ChosenRange[] =>
    (counted.given.get(name) ?? []).map((channel) => chooseRange(channel, kind));
  for (const { name } of convsOf(layers)) {
    // The convolution of a residual block's skip gives nothing but its summand.
    const outputs = ranges(name, { zeroPoint: leakyZeroPoint, afterRelu: true });
    const channels = counted.convolved.get(name)!.map((histogram) => chooseRange(histogram, {}));
    chosen.set(name, { convolved: channels, given: outputs });
    if (outputs.length > 0) given.set(name, { zeroPoint: leakyZeroPoint, scales: bounded(outputs) });
    convolved.set(name, {
      lows: Float32Array.from(channels, ({ low }) => low),
      scales: Float32Array.from(channels, ({ scale }) => scale),
    });
  }
  for (const { up } of layers.decoder) {
    const outputs = ranges(up.name, {});
    chosen.set(up.name, { convolved: [], given: outputs });
    given.set(up.name, {
      zeroPoint: leakyZeroPoint,
      offsets: Float32Array.from(outputs, ({ low }) => low),
      // The same range on fewer codes.
      scales: bounded(outputs).map((scale) => (scale * 255) / (255 - leakyZeroPoint)),
    });
  }
  return { convolved, given, chosen };
}

/** Scales, none far below the largest: a channel that was silent in calibration may speak in another CT. */
function bounded(channels: readonly ChosenRange[]): Float32Array {
  const largest = Math.max(...channels.map(({ scale }) => scale));
  return Float32Array.from(channels, ({ scale }) => Math.max(scale, largest / 64));
}
