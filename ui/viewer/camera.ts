import type { ImagesInfo } from "../../appliance/api/series.ts";

/** screen x = a*i + c*j + e, screen y = b*i + d*j + f, as a canvas takes it. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** How a grid's slices lie on the screen so that they read as a radiologist expects. */
export type Layout = {
  readonly columns: number;
  readonly rows: number;
  readonly slices: number;
  /** The grid's j runs along the screen's x. */
  readonly isTransposed: boolean;
  readonly flipX: boolean;
  readonly flipY: boolean;
  readonly spacingMm: readonly [x: number, y: number];
  /** k grows towards the head: the first slice shown is the last of the grid. */
  readonly isHeadLast: boolean;
  /** Where the patient's sides are on the screen: L R A P H F, two letters where the grid is oblique. */
  readonly sides: { readonly left: string; readonly right: string; readonly top: string; readonly bottom: string };
};

/**
 * Patient's left to the right and back to the bottom, whatever the directions in the grid; for stacks along other axes anterior to the
 * left and head to the top. PS3.3 C.7.6.1.1.1 for the letters.
 */
export function layoutOf({ dims, spacingMm, directions: [along, down, through] }: ImagesInfo): Layout {
  const isTransposed = Math.abs(along[0] ?? 0) < Math.abs(down[0] ?? 0);
  const [x, y] = isTransposed ? [down, along] : [along, down];
  const flipX = wrongWay(x, [1, 1, 1]);
  const flipY = wrongWay(y, [1, 1, -1]);
  const right = flipX ? negative(x) : x;
  const bottom = flipY ? negative(y) : y;
  return {
    columns: dims[0],
    rows: dims[1],
    slices: dims[2],
    isTransposed,
    flipX,
    flipY,
    spacingMm: isTransposed ? [spacingMm[1], spacingMm[0]] : [spacingMm[0], spacingMm[1]],
    isHeadLast: !wrongWay(through, [1, 1, 1]),
    sides: {
      left: lettersOf(negative(right)),
      right: lettersOf(right),
      top: lettersOf(negative(bottom)),
      bottom: lettersOf(bottom),
    },
  };
}

/** The whole slice as large as it fits, in the middle, with true proportions in mm. Index (0,0) is the middle of a pixel. */
export function fit(layout: Layout, width: number, height: number): Affine {
  const { isTransposed, flipX, flipY, columns, rows } = layout;
  const [acrossX, acrossY] = isTransposed ? [rows, columns] : [columns, rows];
  const [mmX, mmY] = layout.spacingMm;
  const pixelsPerMm = Math.min(width / (acrossX * mmX), height / (acrossY * mmY));
  const [stepX, stepY] = [mmX * pixelsPerMm, mmY * pixelsPerMm];
  const [sizeX, sizeY] = [acrossX * stepX, acrossY * stepY];
  const startX = flipX ? (width + sizeX) / 2 - stepX / 2 : (width - sizeX) / 2 + stepX / 2;
  const startY = flipY ? (height + sizeY) / 2 - stepY / 2 : (height - sizeY) / 2 + stepY / 2;
  const [x, y] = [flipX ? -stepX : stepX, flipY ? -stepY : stepY];
  return isTransposed ? [0, y, x, 0, startX, startY] : [x, 0, 0, y, startX, startY];
}

/** The pixel under a point of the screen, or undefined beside the picture. */
export function pixelAt({ columns, rows }: Layout, [a, b, c, d, e, f]: Affine, x: number, y: number): { i: number; j: number } | undefined {
  const determinant = a * d - b * c;
  const i = Math.round((d * (x - e) - c * (y - f)) / determinant) + 0; // -0 is 0
  const j = Math.round((a * (y - f) - b * (x - e)) / determinant) + 0;
  return i >= 0 && i < columns && j >= 0 && j < rows ? { i, j } : undefined;
}

/** Grid slice of the n-th one shown, 0 nearest to the head; and back: it is its own inverse. */
export function sliceAt({ slices, isHeadLast }: Layout, shown: number): number {
  const at = Math.min(Math.max(shown, 0), slices - 1);
  return isHeadLast ? slices - 1 - at : at;
}

function wrongWay(direction: readonly number[], wanted: readonly [number, number, number]): boolean {
  const axis = [0, 1, 2].reduce((best, axis) => (Math.abs(direction[axis] ?? 0) > Math.abs(direction[best] ?? 0) ? axis : best), 0);
  return (direction[axis] ?? 0) * (wanted[axis] ?? 0) < 0;
}

function lettersOf(direction: readonly number[]): string {
  const names = ["LR", "PA", "HF"] as const;
  return names
    .map((pair, axis) => ({ letter: (direction[axis] ?? 0) > 0 ? pair[0] : pair[1], share: Math.abs(direction[axis] ?? 0) }))
    .filter(({ share }) => share > 0.25) // about 15 degrees: a head tilted less than that is still upright to the eye
    .sort((one, other) => other.share - one.share)
    .map(({ letter }) => letter)
    .join("");
}

function negative(direction: readonly number[]): readonly number[] {
  return direction.map((component) => -component);
}
