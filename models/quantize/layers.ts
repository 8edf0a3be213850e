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

/** A PlainConvUNet, layer by layer, in the order of computing. */
export type UNetLayers = {
  /** Stages from fine to coarse. */
  readonly encoder: readonly (readonly ConvLayer[])[];
  /** Stages from coarse to fine. Each takes what the stage before gave, upsampled, and then the encoder's output of its resolution. */
  readonly decoder: readonly { readonly up: UpLayer; readonly convs: readonly ConvLayer[] }[];
  /** The 1 x 1 x 1 convolution: NAME.weight, NAME.bias. */
  readonly head: { readonly name: string; readonly channels: number; readonly classes: number };
  /** Whether the transposed convolutions have a bias. */
  readonly upBias: boolean;
  readonly normEps: number;
  readonly leakySlope: number;
};

/**
 * The layers of a network as nnU-Net's plans describe it. Refused: what the INT8 graphs can't express (`quantise-unsupported`); such a network
 * stays fp32.
 *
 * @source dynamic_network_architectures/architectures/unet.py, building_blocks/plain_conv_encoder.py, unet_decoder.py
 */
export function layersOf(plan: NetworkPlan, classes: number): UNetLayers {
  if (plan.architecture !== "PlainConvUNet")
    throw unsupported(`a ${plan.architecture} can't be quantised yet, only a PlainConvUNet; it is run in fp32`);
  if (!plan.normAffine) throw unsupported("a network whose instance normalisation has no weights can't be quantised; it is run in fp32");
  if (!(plan.leakySlope >= 0 && plan.leakySlope <= 0.02))
    throw unsupported(`leaky ReLU with slope ${plan.leakySlope} can't be quantised, at most 0.02; the network is run in fp32`);
  const features = plan.featuresPerStage;
  const stride = plan.strides.map(triple);
  const kernel = plan.kernelSizes.map(triple);
  for (const sides of [...kernel.flat(), ...stride.flat()])
    if (![1, 2, 3].includes(sides))
      throw unsupported(`a kernel or step of ${sides} can't be quantised, only 1, 2 and 3; the network is run in fp32`);
  for (const sides of kernel)
    if (sides.includes(2))
      throw unsupported(`a kernel of ${sides.join(" x ")} can't be quantised, only sides of 1 and 3; the network is run in fp32`);

  const encoder = features.map((channelsOut, stage) =>
    Array.from(
      { length: plan.encoderDepths[stage]! },
      (_, n): ConvLayer => ({
        name: `encoder.stages.${stage}.0.convs.${n}`,
        channelsIn: n > 0 ? channelsOut : stage > 0 ? features[stage - 1]! : 1,
        channelsOut,
        kernel: kernel[stage]!,
        stride: n > 0 ? [1, 1, 1] : stride[stage]!,
      }),
    ),
  );
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
        stride: [1, 1, 1],
      }),
    );
    return { up, convs };
  });
  const head = { name: `decoder.seg_layers.${decoder.length - 1}`, channels: features[0]!, classes };
  return { encoder, decoder, head, upBias: plan.convBias, normEps: plan.normEps, leakySlope: plan.leakySlope };
}

/** Every convolution with a normalisation, in the order of computing. */
export function convsOf({ encoder, decoder }: UNetLayers): readonly ConvLayer[] {
  return [...encoder.flat(), ...decoder.flatMap(({ convs }) => convs)];
}

/** What each layer reads, by names; the first reads nothing. */
export function inputsOf({ encoder, decoder }: UNetLayers): ReadonlyMap<string, readonly string[]> {
  const inputs = new Map<string, readonly string[]>();
  let from: readonly string[] = [];
  const pass = (name: string): void => {
    inputs.set(name, from);
    from = [name];
  };
  for (const { name } of encoder.flat()) pass(name);
  for (const [stage, { up, convs }] of decoder.entries()) {
    pass(up.name);
    from = [up.name, encoder[encoder.length - 2 - stage]!.at(-1)!.name];
    for (const { name } of convs) pass(name);
  }
  return inputs;
}

/** Shape after a convolution whose padding keeps the centre: kernel 3 with padding 1, or 1 with none. */
export function stridedShape(shape: Zyx, stride: Zyx): Zyx {
  return [Math.ceil(shape[0] / stride[0]), Math.ceil(shape[1] / stride[1]), Math.ceil(shape[2] / stride[2])];
}

const unsupported = (message: string): RefusedError => new RefusedError("quantise-unsupported", message);

function triple(list: readonly number[]): Zyx {
  return [list[0]!, list[1]!, list[2]!];
}
