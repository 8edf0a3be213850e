import type { Box } from "../volume/crop.ts";
import type { Ijk } from "../volume/grid.ts";
import { argmaxOfPlanes, argmaxOfRows, type Classify } from "./classify.ts";
import type { OutputForm, PatchOutput } from "./infer.ts";
import type { Zyx } from "./plans.ts";
import { SlabSum } from "./slab-sum.ts";
import { tileWeights } from "./tiles.ts";

/** All that is needed to turn a network's patches into labels; may be sent to another thread as it is. */
export type MergeJob = {
  readonly output: OutputForm;
  readonly classes: number;
  /** {@link headMatrix} where the network's output is features; else the output is logits. */
  readonly head: Float32Array | null;
  /** Of the padded box, and of a tile. */
  readonly shape: Zyx;
  readonly tile: Zyx;
  /** Voxels of padding before the box, zyx. */
  readonly before: Zyx;
  /** The label map that is drawn into, its size, and the box of it that the padded shape surrounds. */
  readonly labels: Uint8Array;
  readonly dims: Ijk;
  readonly box: Box;
  /** The label map's value of each class; a class whose value is 0 draws nothing. */
  readonly values: Uint8Array;
};

/** Where patches are brought to be merged. */
export type Merging = {
  /** Takes a patch's output (null for one that was left out), in order of z. The output may be reused when the promise settles. */
  add(output: PatchOutput | null, start: Zyx, mirror: readonly number[]): Promise<void>;
  /** Finishes the label map. */
  end(): Promise<void>;
  /** Gives up, or lets go after the end. */
  close(): Promise<void>;
};

/**
 * Merges patches slab by slab and draws finished slices into the label map. Voxels of class 0, or of a class without a value, stay as they
 * are: so parts are merged, later ones over earlier ones.
 *
 * @param classify of a slice's sums; needed where there is a head
 */
export function merging(job: MergeJob, classify: Classify = argmaxOfLogits(job)): Merging {
  const { labels, values, shape, tile, before, output, head } = job;
  const [ni, nj] = job.dims;
  const [bi, bj, bk] = job.box.dims;
  const [i0, j0, k0] = job.box.start;
  const columns = shape[2];
  const classesOfSlice = new Uint8Array(shape[1] * columns);
  const options = { output, sumWeights: head !== null, shape, tile, weights: tileWeights(tile) };
  const slab = new SlabSum(options, async (z, sums) => {
    const k = z - before[0];
    if (k < 0 || k >= bk) return;
    await classify(sums, classesOfSlice);
    for (let j = 0; j < bj; j++) {
      const from = (j + before[1]) * columns + before[2];
      const to = i0 + ni * (j0 + j + nj * (k0 + k));
      for (let i = 0; i < bi; i++) {
        const value = values[classesOfSlice[from + i]!]!;
        if (value !== 0) labels[to + i] = value;
      }
    }
  });
  return { add: (patch, start, mirror) => slab.add(patch, start, mirror), end: () => slab.end(), close: async () => {} };
}

function argmaxOfLogits({ output: { layout }, classes, head }: MergeJob): Classify {
  if (head) throw new Error("features need a head to be classified");
  return layout === "ncdhw" ? argmaxOfPlanes(classes) : argmaxOfRows(classes);
}
