import type { Ijk } from "../volume/grid.ts";
import type { VoxelView } from "../volume/orient.ts";
import { type ZoomOrder, zoomCt, zoomNearest } from "../volume/resample.ts";
import { type MergeJob, type Merging, merging } from "./merge.ts";

/** Who does the loops over voxels beside the network: this thread, or others that share its memory. */
export type Compute = {
  /** {@link zoomCt}, into new memory. */
  zoomCt(source: VoxelView<Int16Array>, dims: Ijk, order: ZoomOrder): Promise<Int16Array>;
  /** {@link zoomNearest}. */
  zoomNearest(source: VoxelView<Uint8Array>, target: VoxelView<Uint8Array>): Promise<void>;
  /** Zeroed memory that the label map of a {@link MergeJob} lies in. */
  labels(voxels: number): Uint8Array;
  merge(job: MergeJob): Promise<Merging>;
};

export const inThisThread: Compute = {
  zoomCt: async (source, dims, order) => zoomCt(source, dims, order),
  zoomNearest: async (source, target) => zoomNearest(source, target),
  labels: (voxels) => new Uint8Array(voxels),
  merge: async (job) => merging(job),
};
