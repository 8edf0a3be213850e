import type { NetworkPlan } from "../../appliance/nnunet/network.ts";
import { expectedWeights, type Weights } from "../../models/network/u-net.ts";

/** Numbers from 0 to 1, the same ones for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A PlainConvUNet of three stages, two convolutions each. */
export function smallPlan(features: readonly number[] = [16, 24, 32]): NetworkPlan {
  return {
    architecture: "PlainConvUNet",
    featuresPerStage: features,
    kernelSizes: features.map(() => [3, 3, 3]),
    strides: features.map((_, stage) => (stage === 0 ? [1, 1, 1] : [2, 2, 2])),
    encoderDepths: features.map(() => 2),
    decoderDepths: features.slice(1).map(() => 2),
    convBias: true,
    normEps: 1e-5,
    normAffine: true,
    leakySlope: 0.01,
  };
}

/** A ResidualEncoderUNet whose blocks have skips of all four kinds: as it is, pooled, projected (by 1 x 1 x 1), both. */
export function smallResidualPlan(): NetworkPlan {
  return {
    ...smallPlan([16, 24, 24, 32]),
    architecture: "ResidualEncoderUNet",
    kernelSizes: [
      [1, 3, 3],
      [3, 3, 3],
      [3, 3, 3],
      [3, 3, 3],
    ],
    strides: [
      [1, 1, 1],
      [1, 2, 2],
      [2, 2, 2],
      [1, 1, 1],
    ],
    encoderDepths: [1, 3, 2, 2],
    decoderDepths: [1, 1, 1],
  };
}

/** Weights as training might have left them: spread by the number of inputs, gamma around 1 (and some below 0), small biases. */
export function randomWeights(plan: NetworkPlan, classes: number, seed = 1): Weights {
  const next = randomNumbers(seed);
  const weights = new Map<string, { dims: readonly number[]; data: Float32Array }>();
  for (const [name, dims] of expectedWeights(plan, classes)) {
    const count = dims.reduce((product, length) => product * length, 1);
    const inputs = name.includes("transpconvs") ? dims[0]! : count / dims[0]!;
    const value = name.endsWith("norm.weight")
      ? () => (next() < 0.1 ? -1 : 1) * (0.6 + next())
      : name.endsWith("bias")
        ? () => (next() - 0.5) * 0.5
        : () => (next() - 0.5) * Math.sqrt(24 / inputs);
    weights.set(name, { dims, data: Float32Array.from({ length: count }, value) });
  }
  return weights;
}

/** Normalised values with large smooth shapes and some noise, as a CT's patch has. */
export function shapesPatch([depth, height, width]: readonly [number, number, number], seed = 1): Float32Array {
  const next = randomNumbers(seed);
  const at = (n: number, period: number) => Math.sin((n / period) * 2 * Math.PI + seed);
  const patch = new Float32Array(depth * height * width);
  for (let z = 0, to = 0; z < depth; z++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, to++) {
        const shape = at(z, depth) + at(y, height * 0.7) * at(x, width * 0.9);
        patch[to] = (shape > 0.3 ? 1.2 : shape > -0.4 ? 0.2 : -1.8) + (next() - 0.5) * 0.8;
      }
  return patch;
}
