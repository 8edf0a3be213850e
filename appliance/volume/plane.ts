import type { Grid } from "./grid.ts";
import { type AxisTurn, rasTurns } from "./orient.ts";

export const planes = ["axial", "coronal", "sagittal"] as const;
export type Plane = (typeof planes)[number];
/** Grid axes as a picture shows them: to its right, down, and through it. */
export type PlaneAxes = { readonly across: AxisTurn; readonly down: AxisTurn; readonly through: AxisTurn };

/**
 * How a grid's slices are shown the way radiologists look at them, however the grid lies in memory: the patient's left is on the right of
 * axial and coronal pictures, anterior is up in axial and left in sagittal ones, the head is up. Oblique grids keep their angle: a plane is
 * the one of the grid's that lies nearest.
 */
export function planeAxes(grid: Grid, plane: Plane): PlaneAxes {
  const [right, anterior, superior] = rasTurns(grid);
  const against = ({ axis, flip }: AxisTurn): AxisTurn => ({ axis, flip: !flip });
  switch (plane) {
    case "axial":
      return { across: against(right), down: against(anterior), through: superior };
    case "coronal":
      return { across: against(right), down: against(superior), through: anterior };
    case "sagittal":
      return { across: against(anterior), down: against(superior), through: right };
    default:
      return plane satisfies never;
  }
}
