import type { Grid } from "./grid.ts";

/** CT values in HU on a grid. int16 holds -32768..32767 HU, wider than any CT stores. */
export type CtVolume = { readonly grid: Grid; readonly hu: Int16Array };

/** A label number per voxel on a grid; 0 is background. */
export type LabelMap = { readonly grid: Grid; readonly labels: Uint8Array };
