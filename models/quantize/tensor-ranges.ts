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
/** Where the zero of a skip and of the upsampled tensor beside it may lie: the first needs room above only, the second on both sides. */
const sharedZeroPoints = [48, 64, 80, 96, 112, 128];

/**
 * Chooses how each channel is quantised. A channel's scale is its own: what reads it has the scale in its weights. What comes from a ReLU alone
 * starts at code 0. A skip and the upsampled tensor that one convolution reads together have one zero point, as its padding has one value.
 */
export function chooseRanges(layers: UNetLayers, counted: Counted): ChosenRanges {
  const chosen = new Map<string, ChosenChannels>();
  const convolved = new Map<string, ChannelSpans>();
  const given = new Map<string, ChannelCodes>();
  const beside = new Map(layers.decoder.map(({ up }, stage) => [layers.encoder[layers.encoder.length - 2 - stage]!.at(-1)!.name, up.name]));
  const ranges = (name: string, kind: RangeKind): ChosenRange[] => counted.given.get(name)!.map((channel) => chooseRange(channel, kind));
  const take = (name: string, zeroPoint: number, channels: readonly ChosenRange[]): void => {
    chosen.set(name, { convolved: [], given: channels });
    given.set(name, { zeroPoint, scales: bounded(channels) });
  };
  for (const { name } of convsOf(layers)) {
    const up = beside.get(name);
    if (up === undefined) take(name, leakyZeroPoint, ranges(name, { zeroPoint: leakyZeroPoint, afterRelu: true }));
    else {
      const tried = sharedZeroPoints.map((zeroPoint) => {
        const pair = { zeroPoint, skip: ranges(name, { zeroPoint, afterRelu: true }), up: ranges(up, { zeroPoint }) };
        return { ...pair, error: meanError(pair.skip) + meanError(pair.up) };
      });
      const best = tried.reduce((least, each) => (each.error < least.error ? each : least));
      take(name, best.zeroPoint, best.skip);
      take(up, best.zeroPoint, best.up);
    }
    const channels = counted.convolved.get(name)!.map((histogram) => chooseRange(histogram, {}));
    chosen.set(name, { ...chosen.get(name)!, convolved: channels });
    convolved.set(name, {
      lows: Float32Array.from(channels, ({ low }) => low),
      scales: Float32Array.from(channels, ({ scale }) => scale),
    });
  }
  return { convolved, given, chosen };
}

/** Scales, none far below the largest: a channel that was silent in calibration may speak in another CT. */
function bounded(channels: readonly ChosenRange[]): Float32Array {
  const largest = Math.max(...channels.map(({ scale }) => scale));
  return Float32Array.from(channels, ({ scale }) => Math.max(scale, largest / 64));
}

export function meanError(channels: readonly ChosenRange[]): number {
  return channels.reduce((sum, { relativeError }) => sum + relativeError, 0) / channels.length;
}
