import { RefusedError } from "../base/errors.ts";
import type { PixelFormat, Rescale } from "./ct-instance.ts";

/** Turns the stored words of a slice into HU in place; gives how many lay outside int16 and were held at its border. */
export type ToHounsfield = (words: Uint16Array, hu: Int16Array, at: number) => number;

/** A word that no honest sender writes in this format. */
const contradiction = 1;
/** A word whose HU lies outside int16. */
const outOfRange = 2;

/**
 * How the words of a pixel format become HU: sign extended from the high bit, then slope and intercept, rounded to the nearest whole HU (halves
 * upwards). All 65,536 words are worked out once, so a slice costs one look-up per pixel. PS3.5 section 8.1.1, PS3.3 C.11.1
 *
 * Pixels with the padding value are rescaled like any other: what lies outside the reconstruction then has the very low HU (often -2000 - 1024)
 * that nnU-Net's training data, converted the same way, had too.
 *
 * Bits above Bits Stored must repeat the sign or be zero. Where they hold anything else, the header lies about the pixels (refused when the
 * slice is turned into HU), or an overlay that the header declares lies in them (then they are masked).
 */
export function toHounsfield(format: PixelFormat, { slope, intercept }: Rescale): ToHounsfield {
  const { bitsAllocated, bitsStored, highBit, signed, paddingValue, hasOverlayBits } = format;
  const huOf = new Int16Array(0x10000);
  const kindOf = new Uint8Array(0x10000);
  const shift = highBit + 1 - bitsStored;
  for (let word = 0; word < 2 ** bitsAllocated; word++) {
    const whole = signed ? (word << (32 - bitsAllocated)) >> (32 - bitsAllocated) : word;
    const bits = (word >> shift) & (2 ** bitsStored - 1);
    const inside = signed ? (bits << (32 - bitsStored)) >> (32 - bitsStored) : bits;
    // A padding value may lie outside the stored bits: it is no measurement.
    const value = whole === paddingValue ? whole : inside;
    const zeroAbove = word === bits << shift;
    const signAbove = signed && word === ((inside << shift) & (2 ** bitsAllocated - 1));
    const hu = Math.floor(value * slope + intercept + 0.5);
    huOf[word] = Math.min(32767, Math.max(-32768, hu));
    if (!zeroAbove && !signAbove && !hasOverlayBits && whole !== paddingValue) kindOf[word] = contradiction;
    else if (huOf[word] !== hu) kindOf[word] = outOfRange;
  }
  return (words, hu, at) => {
    let kinds = 0;
    for (let n = 0; n < words.length; n++) {
      const word = words[n]!;
      hu[at + n] = huOf[word]!;
      kinds |= kindOf[word]!;
    }
    if ((kinds & contradiction) !== 0)
      throw new RefusedError(
        "pixel-bits-contradiction",
        `Bits Stored is ${bitsStored} with high bit ${highBit}, but pixels use other bits too`,
      );
    return kinds === 0 ? 0 : countOf(words, kindOf);
  };
}

function countOf(words: Uint16Array, kindOf: Uint8Array): number {
  let count = 0;
  for (let n = 0; n < words.length; n++) if (kindOf[words[n]!] === outOfRange) count += 1;
  return count;
}
