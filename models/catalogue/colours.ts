/** A display colour for the n-th of many structures, sRGB 0..255: hues a golden angle apart, so that neighbours never look alike. */
export function colourOf(index: number): readonly [r: number, g: number, b: number] {
  const hue = (index * 137.508) % 360;
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.55 - 0.35 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
