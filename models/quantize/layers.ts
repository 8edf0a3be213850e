import { RefusedError } from "../../appliance/base/errors.ts";
import type { NetworkPlan } from "../../appliance/nnunet/network.ts";
import type { Zyx } from "../../appliance/nnunet/plans.ts";

/** Convolution, instance normalisation, leaky ReLU. `name` is the state dict's: NAME.conv.weight, NAME.norm.weight, NAME.norm.bias. */
export type ConvLayer = {
  readonly name: string;
  readonly channelsIn: number;
  readonly channelsOut: number;
  readonly kernel: Zyx;
  readonly stride: Zyx;
};

/** A transposed convolution whose kernel is its stride. NAME.weight is [in][out][z][y][x], NAME.bias. */
export type UpLayer = { readonly name: string; readonly channelsIn: number; readonly channelsOut: number; readonly stride: Zyx };

/**
 * Two convolutions beside a skip; behind the second one's normalisation the skip is added, and the leaky ReLU comes after that. What the block
 * gives goes by the name of `conv2`.
 */
export type ResidualBlock = {
  readonly conv1: ConvLayer;
  readonly conv2: ConvLayer;
  /** Size and step of the average pool that the skip begins with, where the block has a step. */
  readonly pool: Zyx | null;
  /** Convolution 1 x 1 x 1 and normalisation of the skip, where the block changes the number of channels. */
  readonly projection: ConvLayer | null;
};

/** A PlainConvUNet or a ResidualEncoderUNet, layer by layer, in the order of computing. */
export type UNetLayers = {
  /** Stages from fine to coarse; a residual encoder's stem begins the first. */
  readonly encoder: readonly (readonly (ConvLayer | ResidualBlock)[])[];
  /** Stages from coarse to fine. Each takes what the stage before gave, upsampled, and then the encoder's output of its resolution. */
  readonly decoder: readonly { readonly up: UpLayer; readonly convs: readonly ConvLayer[] }[];
  /** The 1 x 1 x 1 convolution: NAME.weight, NAME.bias. */
  readonly head: { readonly name: string; readonly channels: number; readonly classes: number };
  /** Whether the transposed convolutions have a bias. */
  readonly upBias: boolean;
  /** Whether the normalisations have weights; else they scale by 1 and shift by 0. */
  readonly normAffine: boolean;
  readonly normEps: number;
  readonly leakySlope: number;
};

/** Of a tensor with offsets: so many channels that tell padding apart. The kernels take channels by fours. */
export const markersPerTensor = 4;
/** What the int32 of an INT8 convolution holds at most: so many products of a code and a weight. */
const mostProducts = Math.floor(2 ** 31 / (255 * 127));

/**
 * The layers of a network as nnU-Net's plans describe it. Refused: what the INT8 graphs can't express (`quantise-unsupported`); such a network
 * stays fp32.
 *
 * @source dynamic_network_architectures/architectures/unet.py, building_blocks/plain_conv_encoder.py, residual_encoders.py, residual.py
 * (BasicBlockD), unet_decoder.py
 */
export function layersOf(plan: NetworkPlan, classes: number): UNetLayers {
  if (!(plan.leakySlope >= 0 && plan.leakySlope <= 0.02))
    throw unsupported(`leaky ReLU with slope ${plan.leakySlope} can't be quantised, at most 0.02; the network is run in fp32`);
  const features = plan.featuresPerStage;
  const stride = plan.strides.map(triple);
  const kernel = plan.kernelSizes.map(triple);
  for (const sides of kernel)
    if (sides.some((side) => side % 2 === 0))
      throw unsupported(`a kernel of ${sides.join(" x ")} can't be quantised, only odd sides; the network is run in fp32`);
  const encoder = plan.architecture === "ResidualEncoderUNet" ? residualEncoder(plan, kernel, stride) : plainEncoder(plan, kernel, stride);
  const decoder = plan.decoderDepths.map((depth, stage) => {
    const below = features.length - 1 - stage;
    const channels = features[below - 1]!;
    const up: UpLayer = {
      name: `decoder.transpconvs.${stage}`,
      channelsIn: features[below]!,
      channelsOut: channels,
      stride: stride[below]!,
    };
    const convs = Array.from(
      { length: depth },
      (_, n): ConvLayer => ({
        name: `decoder.stages.${stage}.convs.${n}`,
        channelsIn: n > 0 ? channels : 2 * channels,
        channelsOut: channels,
        kernel: kernel[below - 1]!,
        stride: whole,
      }),
    );
    return { up, convs };
  });
  const head = { name: `decoder.seg_layers.${decoder.length - 1}`, channels: features[0]!, classes };
  const { convBias: upBias, normAffine, normEps, leakySlope } = plan;
  const layers = { encoder, decoder, head, upBias, normAffine, normEps, leakySlope };
  for (const { name, channelsIn, kernel } of convsOf(layers))
    if ((channelsIn + markersPerTensor) * voxelsOf(kernel) > mostProducts)
      throw unsupported(`the sums of ${name} need more than 32 bits in eight-bit steps; the network is run in fp32`);
  return layers;
}

function plainEncoder(
  { featuresPerStage: features, encoderDepths }: NetworkPlan,
  kernel: readonly Zyx[],
  stride: readonly Zyx[],
): ConvLayer[][] {
  return features.map((channelsOut, stage) =>
    Array.from(
      { length: encoderDepths[stage]! },
      (_, n): ConvLayer => ({
        name: `encoder.stages.${stage}.0.convs.${n}`,
        channelsIn: n > 0 ? channelsOut : stage > 0 ? features[stage - 1]! : 1,
        channelsOut,
        kernel: kernel[stage]!,
        stride: n > 0 ? whole : stride[stage]!,
      }),
    ),
  );
}

function residualEncoder(
  { featuresPerStage: features, encoderDepths }: NetworkPlan,
  kernels: readonly Zyx[],
  strides: readonly Zyx[],
): (ConvLayer | ResidualBlock)[][] {
  const block = (stage: number, n: number): ResidualBlock => {
    const name = `encoder.stages.${stage}.blocks.${n}`;
    const channelsOut = features[stage]!;
    const channelsIn = n > 0 || stage === 0 ? channelsOut : features[stage - 1]!;
    const kernel = kernels[stage]!;
    const stride = n > 0 ? whole : strides[stage]!;
    const pool = voxelsOf(stride) > 1 ? stride : null;
    // The place in upstream's sequence: after the pool, where there is one.
    const projection = { name: `${name}.skip.${pool ? 1 : 0}`, channelsIn, channelsOut, kernel: whole, stride: whole };
    return {
      conv1: { name: `${name}.conv1`, channelsIn, channelsOut, kernel, stride },
      conv2: { name: `${name}.conv2`, channelsIn: channelsOut, channelsOut, kernel, stride: whole },
      pool,
      projection: channelsIn === channelsOut ? null : projection,
    };
  };
  const stem = { name: "encoder.stem.convs.0", channelsIn: 1, channelsOut: features[0]!, kernel: kernels[0]!, stride: whole };
  return features.map((_, stage) => [
    ...(stage === 0 ? [stem] : []),
    ...Array.from({ length: encoderDepths[stage]! }, (_, n) => block(stage, n)),
  ]);
}

/** How a value of some kind comes out of each part of a network. */
export type Steps<V> = {
  /** Of two inputs, the upsampled one is the first. */
  conv(inputs: readonly V[], layer: ConvLayer): V;
  residual(input: V, block: ResidualBlock): V;
  /** `reader` is the convolution that takes the result. */
  up(input: V, layer: UpLayer, reader: ConvLayer): V;
};

/** Takes a value through a network, as far as its head. */
export function pass<V>({ encoder, decoder }: UNetLayers, input: V, steps: Steps<V>): V {
  let value = input;
  const skips: V[] = [];
  for (const stage of encoder) {
    for (const each of stage) value = "conv1" in each ? steps.residual(value, each) : steps.conv([value], each);
    skips.push(value);
  }
  skips.pop();
  for (const { up, convs } of decoder) {
    const inputs = [steps.up(value, up, convs[0]!), skips.pop()!];
    for (const [n, each] of convs.entries()) value = steps.conv(n === 0 ? inputs : [value], each);
  }
  return value;
}

/** Every convolution with a normalisation. */
export function convsOf({ encoder, decoder }: UNetLayers): readonly ConvLayer[] {
  const within = (each: ConvLayer | ResidualBlock): ConvLayer[] =>
    "conv1" in each ? [each.conv1, each.conv2, ...(each.projection ? [each.projection] : [])] : [each];
  return [...encoder.flat().flatMap(within), ...decoder.flatMap(({ convs }) => convs)];
}

/** Shape after a convolution whose padding keeps the centre: an odd kernel with half of it as padding. */
export function stridedShape(shape: Zyx, stride: Zyx): Zyx {
  return [Math.ceil(shape[0] / stride[0]), Math.ceil(shape[1] / stride[1]), Math.ceil(shape[2] / stride[2])];
}

export const voxelsOf = ([depth, height, width]: Zyx): number => depth * height * width;

const whole: Zyx = [1, 1, 1];
const unsupported = (message: string): RefusedError => new RefusedError("quantise-unsupported", message);

function triple(list: readonly number[]): Zyx {
  return [list[0]!, list[1]!, list[2]!];
}
