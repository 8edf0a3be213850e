/**
 * What a network gives for a patch: logits of every class, or features that classes are computed from later. Its memory is the network's and is
 * written again by the call after next.
 */
export type PatchOutput = Float32Array | Uint8Array;

/** The network: a patch [1,1,d,h,w] of normalised values in, its output for the same voxels out. The patch's memory is reused after the promise settles. */
export type Infer = (patch: Float32Array, shapeZyx: readonly [number, number, number]) => Promise<PatchOutput>;

/** How a network's output lies in memory. */
export type OutputForm = {
  /** Classes, or features where there is a head. */
  readonly channels: number;
  /** Channels outermost (`ncdhw`: [channel][z][y][x]) or innermost (`ndhwc`). */
  readonly layout: "ncdhw" | "ndhwc";
};
