export type Rgb = readonly [r: number, g: number, b: number];

/** Colour of each visible label by its number; the others are not drawn. */
export type Palette = ReadonlyMap<number, Rgb>;

/** Pixels of the visible labels, opaque; the rest transparent. */
export function paintLabels(labels: Uint8Array, palette: Palette, rgba: Uint8ClampedArray): void {
  const table = new Uint8ClampedArray(256 * 4);
  for (const [value, [r, g, b]] of palette) table.set([r, g, b, 255], value * 4);
  for (let at = 0, to = 0; at < labels.length; at++, to += 4) {
    const from = labels[at]! * 4;
    rgba[to] = table[from]!;
    rgba[to + 1] = table[from + 1]!;
    rgba[to + 2] = table[from + 2]!;
    rgba[to + 3] = table[from + 3]!;
  }
}

/**
 * The edges between each visible label and whatever else is beside it, as lines x0 y0 x1 y1 in index space, where pixel (i,j) reaches from
 * i-0.5 to i+0.5. Neighbouring edges along a row or column are one line.
 */
export function outlinesOf(labels: Uint8Array, columns: number, rows: number, palette: Palette): Map<number, number[]> {
  const lines = new Map([...palette.keys()].map((value) => [value, [] as number[]]));
  // edges above and below each row
  for (let j = 0; j < rows; j++) for (const side of [-1, 1]) traceRow(j, side);
  // edges left and right of each column
  for (let i = 0; i < columns; i++) for (const side of [-1, 1]) traceColumn(i, side);
  return lines;

  function traceRow(j: number, side: number): void {
    const beside = j + side;
    let open = 0;
    let start = 0;
    for (let i = 0; i <= columns; i++) {
      const own = i < columns ? labels[i + columns * j]! : 0;
      const other = i < columns && beside >= 0 && beside < rows ? labels[i + columns * beside]! : 0;
      const value = own !== other ? own : 0;
      if (value === open) continue;
      if (open !== 0) lines.get(open)?.push(start - 0.5, j + side / 2, i - 0.5, j + side / 2);
      open = value;
      start = i;
    }
  }

  function traceColumn(i: number, side: number): void {
    const beside = i + side;
    let open = 0;
    let start = 0;
    for (let j = 0; j <= rows; j++) {
      const own = j < rows ? labels[i + columns * j]! : 0;
      const other = j < rows && beside >= 0 && beside < columns ? labels[beside + columns * j]! : 0;
      const value = own !== other ? own : 0;
      if (value === open) continue;
      if (open !== 0) lines.get(open)?.push(i + side / 2, start - 0.5, i + side / 2, j - 0.5);
      open = value;
      start = j;
    }
  }
}
