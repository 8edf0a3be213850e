import type { Ijk } from "../volume/grid.ts";
import type { VoxelView } from "../volume/orient.ts";
import { zoomLinear, zoomNearest } from "../volume/resample.ts";
import { type MergeJob, type Merging, merging } from "./merge.ts";

/** Who does the loops over voxels beside the network: this thread, or others that share its memory. */
export type Compute = {
  /** {@link zoomLinear}, into new memory. */
  zoomLinear(source: VoxelView<Int16Array>, dims: Ijk): Promise<Int16Array>;
  /** {@link zoomNearest}. */
  zoomNearest(source: VoxelView<Uint8Array>, target: VoxelView<Uint8Array>): Promise<void>;
  /** Zeroed memory that the label map of a {@link MergeJob} lies in. */
  labels(voxels: number): Uint8Array;
  merge(job: MergeJob): Promise<Merging>;
};

export const inThisThread: Compute = {
  zoomLinear: async (source, dims) => zoomLinear(source, dims),
  zoomNearest: async (source, target) => zoomNearest(source, target),
  labels: (voxels) => new Uint8Array(voxels),
  merge: async (job) => merging(job),
};
