/**
 * How the uint8 codes of a tensor stand for numbers: offsets[channel] + (code - zeroPoint) * scales[channel]; no offsets are offsets of 0. One
 * zero point, as padding has one value.
 */
export type ChannelCodes = { readonly scales: Float32Array; readonly zeroPoint: number; readonly offsets?: Float32Array };

/** Below it a division could leave what 32-bit floats hold. */
const smallestScale = 1e-30;

/** Weights as int8, symmetric, with a scale for each output channel: weight = values * scales[channel]. */
export type QuantisedWeights = { readonly values: Int8Array; readonly scales: Float32Array };

/**
 * Quantises a filter [channels][…] with a scale per output channel, -127..127; -128 stays unused, so that signs are symmetric. A channel that is
 * all 0 gets scale 1.
 */
export function quantiseWeights(weights: Float32Array, channels: number): QuantisedWeights {
  const perChannel = weights.length / channels;
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * perChannel;
    let largest = 0;
    for (let at = from; at < from + perChannel; at++) largest = Math.max(largest, Math.abs(weights[at]!));
    const scale = largest > 0 ? Math.fround(Math.max(largest / 127, smallestScale)) : 1;
    scales[channel] = scale;
    for (let at = from; at < from + perChannel; at++) values[at] = Math.max(-127, Math.min(127, roundHalfEven(weights[at]! / scale)));
  }
  return { values, scales };
}

/** A bias in units of the accumulator, which are the weights' scales, saturated to int32. */
export function quantiseBias(bias: Float32Array, scales: Float32Array): Int32Array {
  return Int32Array.from(bias, (value, channel) => {
    const units = roundHalfEven(value / scales[channel]!);
    return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, units));
  });
}

function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
