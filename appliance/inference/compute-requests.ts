import type { PatchOutput } from "../nnunet/infer.ts";
import type { MergeJob } from "../nnunet/merge.ts";
import type { Zyx } from "../nnunet/plans.ts";
import type { Ijk } from "../volume/grid.ts";
import type { VoxelView } from "../volume/orient.ts";
import type { ZoomOrder } from "../volume/resample.ts";

/** What a computing thread is asked to do; arrays lie in shared memory. */
export type ComputeRequest =
  | {
      readonly kind: "zoom-ct";
      readonly source: VoxelView<Int16Array>;
      readonly dims: Ijk;
      readonly order: ZoomOrder;
      readonly result: Int16Array;
      readonly kFrom: number;
      readonly kTo: number;
    }
  | {
      readonly kind: "zoom-nearest";
      readonly source: VoxelView<Uint8Array>;
      readonly target: VoxelView<Uint8Array>;
      readonly kFrom: number;
      readonly kTo: number;
    }
  | { readonly kind: "merge"; readonly job: MergeJob }
  | { readonly kind: "add"; readonly output: PatchOutput | null; readonly start: Zyx; readonly mirror: readonly number[] }
  | { readonly kind: "end" };

/** Null, or what went wrong; a code is that of a RefusedError. */
export type ComputeReply = { readonly message: string; readonly code: string | null; readonly stack: string | undefined } | null;
