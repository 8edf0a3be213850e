import type { Uid } from "../domain/ids.ts";
import type { Grid } from "../volume/grid.ts";

/**
 * Attributes of a source instance as they came: tag (0x00100010) to value bytes in its own character set, padding included.
 * Top level only, no sequences, no pixel data. Numbers are little endian whatever the transfer syntax was.
 */
export type SourceAttributes = ReadonlyMap<number, { readonly vr: string; readonly bytes: Uint8Array }>;

/** The image that lies at one k of the grid. */
export type SourceSlice = {
  readonly sopClassUid: Uid;
  readonly sopInstanceUid: Uid;
  /** 1-based frame of a multi-frame instance; null for a single-frame one. */
  readonly frameNumber: number | null;
};

/** What the encoders need of a series: where its voxels lie, which image is which k, and the patient, study and frame of reference to repeat. */
export type SourceSeries = {
  readonly grid: Grid;
  /** One per k. */
  readonly slices: readonly SourceSlice[];
  /** Attributes of the slice at k = 0. */
  readonly attributes: SourceAttributes;
};
