/** Which HU are shown from black to white: `level` in the middle, `width` from end to end. */
export type Window = { readonly level: number; readonly width: number };

export const presetNames = ["soft-tissue", "lung", "bone", "brain"] as const;
export type PresetName = (typeof presetNames)[number];
/** In the order of the keys 1 to 4. */
export const presets: Readonly<Record<PresetName, Window>> = {
  "soft-tissue": { level: 40, width: 400 },
  lung: { level: -600, width: 1500 },
  bone: { level: 400, width: 1800 },
  brain: { level: 40, width: 80 },
};

/** Grey pixels of a slice, opaque RGBA. The linear function of PS3.3 C.11.2.1.2.1. */
export function applyWindow(hu: Int16Array, { level, width }: Window, rgba: Uint8ClampedArray): void {
  const perHu = 255 / (width - 1); // infinite for width 1: a threshold
  const black = level - 0.5 - (width - 1) / 2;
  for (let at = 0, to = 0; at < hu.length; at++, to += 4) {
    const grey = (hu[at]! - black) * perHu;
    rgba[to] = grey;
    rgba[to + 1] = grey;
    rgba[to + 2] = grey;
    rgba[to + 3] = 255;
  }
}

/** Dragging right widens (less contrast), dragging down raises the level (darker), finer where the window is narrow. */
export function dragWindow(from: Window, rightPx: number, downPx: number): Window {
  const perPixel = Math.max(from.width / 300, 0.5);
  return {
    level: clamp(Math.round(from.level + downPx * perPixel), -2000, 4000),
    width: clamp(Math.round(from.width + rightPx * perPixel), 1, 6000),
  };
}

function clamp(value: number, lowest: number, highest: number): number {
  return Math.min(Math.max(value, lowest), highest);
}
