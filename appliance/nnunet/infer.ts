/** The network: a patch [1,1,d,h,w] of normalised values in, logits [1,c,d,h,w] out. The patch's memory is reused after the promise settles. */
export type Infer = (patch: Float32Array, shapeZyx: readonly [number, number, number]) => Promise<Float32Array>;
