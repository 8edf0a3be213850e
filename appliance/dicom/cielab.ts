/**
 * An sRGB colour as Recommended Display CIELab Value (0062,000D): CIELab under D50, L* 0..100 and a*, b* -128..127 each spread over
 * 0..65535. PS3.3 C.10.7.1.1; sRGB by IEC 61966-2-1, adapted from D65 to D50 by the Bradford matrix as ICC profiles do.
 */
export function cielabOfSrgb(color: readonly [r: number, g: number, b: number]): [l: number, a: number, b: number] {
  const [r, g, b] = color.map((byte) => {
    const c = byte / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const x = 0.4360747 * r + 0.3850649 * g + 0.1430804 * b;
  const y = 0.2225045 * r + 0.7168786 * g + 0.0606169 * b;
  const z = 0.0139322 * r + 0.0971045 * g + 0.7141733 * b;
  const fx = labCurve(x / 0.96422);
  const fy = labCurve(y);
  const fz = labCurve(z / 0.82521);
  return [spread(116 * fy - 16, 0, 100), spread(500 * (fx - fy), -128, 127), spread(200 * (fy - fz), -128, 127)];
}

function labCurve(t: number): number {
  return t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29;
}

function spread(value: number, low: number, high: number): number {
  return Math.round((Math.min(Math.max(value, low), high) - low) * (65535 / (high - low)));
}
