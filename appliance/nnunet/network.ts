import { z } from "zod";
import { readUpstream, refusedPlans } from "./upstream-file.ts";

/** The shape of a network as plans describe it: enough to rebuild it from its weights. Lists go from the finest stage to the coarsest. */
export type NetworkPlan = {
  readonly architecture: "PlainConvUNet" | "ResidualEncoderUNet";
  readonly featuresPerStage: readonly number[];
  /** Per stage, in the network's order of axes. */
  readonly kernelSizes: readonly (readonly number[])[];
  /** Step of each stage's first convolution, per axis. */
  readonly strides: readonly (readonly number[])[];
  /** Convolutions (PlainConvUNet) or residual blocks (ResidualEncoderUNet) of each encoder stage. */
  readonly encoderDepths: readonly number[];
  /** Convolutions of each decoder stage: one stage less. */
  readonly decoderDepths: readonly number[];
  readonly convBias: boolean;
  readonly normEps: number;
  readonly normAffine: boolean;
  readonly leakySlope: number;
};

const positive = z.int().positive();
/** Far above what nnU-Net plans, and small enough that no plan asks for more memory than a file of weights can fill. */
const width = positive.max(8192);
const count = positive.max(64);
const size = positive.max(64);
const perAxis = z.array(size);
const optionalKwargs = z.record(z.string(), z.unknown()).nullish();
/** Strict: a word that is not here would make another network. */
const kwargsSchema = z.strictObject({
  n_stages: positive.min(2).max(16),
  features_per_stage: z.union([width, z.array(width)]),
  conv_op: z.string(),
  kernel_sizes: z.union([size, z.array(z.union([size, perAxis]))]),
  strides: z.array(z.union([size, perAxis])),
  n_conv_per_stage: z.union([count, z.array(count)]).optional(),
  n_blocks_per_stage: z.union([count, z.array(count)]).optional(),
  n_conv_per_stage_decoder: z.union([count, z.array(count)]),
  conv_bias: z.boolean(),
  norm_op: z.string(),
  norm_op_kwargs: z.strictObject({
    eps: z.number().positive().default(1e-5),
    affine: z.boolean().default(false),
    // Of a norm that keeps no statistics it changes nothing at inference.
    momentum: z.number().nullish(),
    track_running_stats: z.literal(false).optional(),
  }),
  dropout_op: z.string().nullish(),
  dropout_op_kwargs: optionalKwargs,
  nonlin: z.string(),
  nonlin_kwargs: z.object({ negative_slope: z.number().default(0.01) }).nullish(),
  // Only the training has the coarser heads; conv, norm, nonlinearity is the only order that is computed here.
  deep_supervision: z.boolean().optional(),
  nonlin_first: z.literal(false).optional(),
});
const newSchema = z.object({ network_class_name: z.string(), arch_kwargs: z.record(z.string(), z.unknown()) });
const oldSchema = z.object({
  UNet_class_name: z.string(),
  UNet_base_num_features: width,
  unet_max_num_features: width,
  n_conv_per_stage_encoder: z.array(count),
  n_conv_per_stage_decoder: z.array(count),
  conv_kernel_sizes: z.array(perAxis),
  pool_op_kernel_sizes: z.array(perAxis),
});

/**
 * Reads the network of a configuration, from `architecture` (nnU-Net 2.2 and later) or from the older keys `UNet_class_name` and so on. Only
 * the two architectures that nnU-Net plans, in 3-D with instance normalisation and leaky ReLU.
 *
 * @source nnunetv2/utilities/plans_handling/plans_handler.py, ConfigurationManager.__init__ (old form to new form);
 * dynamic_network_architectures/architectures/unet.py
 */
export function parseNetwork(configuration: Readonly<Record<string, unknown>>, name: string): NetworkPlan {
  if (configuration.architecture === undefined) {
    const old = readUpstream(oldSchema, configuration, `configuration ${name}`);
    const stages = old.n_conv_per_stage_encoder.length;
    return checked(old.UNet_class_name, {
      n_stages: stages,
      features_per_stage: old.n_conv_per_stage_encoder.map((_, stage) =>
        Math.min(old.UNet_base_num_features * 2 ** stage, old.unet_max_num_features),
      ),
      conv_op: "torch.nn.modules.conv.Conv3d",
      kernel_sizes: old.conv_kernel_sizes,
      strides: old.pool_op_kernel_sizes,
      [old.UNet_class_name === "PlainConvUNet" ? "n_conv_per_stage" : "n_blocks_per_stage"]: old.n_conv_per_stage_encoder,
      n_conv_per_stage_decoder: old.n_conv_per_stage_decoder,
      conv_bias: true,
      norm_op: "torch.nn.modules.instancenorm.InstanceNorm3d",
      norm_op_kwargs: { eps: 1e-5, affine: true },
      nonlin: "torch.nn.LeakyReLU",
    });
  }
  const { network_class_name: className, arch_kwargs: kwargs } = readUpstream(
    newSchema,
    configuration.architecture,
    `architecture of configuration ${name}`,
  );
  const home = "dynamic_network_architectures.architectures.";
  if (!className.startsWith(home)) throw refusedPlans(`unknown network ${className}, expected one of ${home}*`);
  return checked(className.slice(className.lastIndexOf(".") + 1), kwargs);
}

function checked(className: string, value: unknown): NetworkPlan {
  if (className !== "PlainConvUNet" && className !== "ResidualEncoderUNet")
    throw refusedPlans(`unknown network ${className}, expected PlainConvUNet or ResidualEncoderUNet`);
  const kwargs = readUpstream(kwargsSchema, value, `arch_kwargs of ${className}`);
  only("conv_op", kwargs.conv_op, "Conv3d");
  only("norm_op", kwargs.norm_op, "InstanceNorm3d");
  only("nonlin", kwargs.nonlin, "LeakyReLU");
  if (kwargs.dropout_op) throw refusedPlans(`unknown dropout_op ${kwargs.dropout_op}, expected none`);
  const stages = kwargs.n_stages;
  const depths = className === "PlainConvUNet" ? kwargs.n_conv_per_stage : kwargs.n_blocks_per_stage;
  if (depths === undefined)
    throw refusedPlans(`arch_kwargs of ${className} lack ${className === "PlainConvUNet" ? "n_conv_per_stage" : "n_blocks_per_stage"}`);
  const numbers = (list: number | readonly number[], length: number, what: string): readonly number[] => {
    const all = typeof list === "number" ? Array<number>(length).fill(list) : list;
    if (all.length !== length) throw refusedPlans(`${what} has ${all.length} entries, expected ${length} for ${stages} stages`);
    return all;
  };
  const triples = (given: number | readonly (number | readonly number[])[], what: string): readonly (readonly number[])[] => {
    const list = typeof given === "number" ? Array<number>(stages).fill(given) : given;
    if (list.length !== stages) throw refusedPlans(`${what} has ${list.length} entries, expected ${stages}`);
    return list.map((entry) => numbers(entry, 3, `an entry of ${what}`));
  };
  const kernelSizes = triples(kwargs.kernel_sizes, "kernel_sizes");
  const strides = triples(kwargs.strides, "strides");
  // An even kernel can't be centred: upstream's padding then makes the image smaller.
  const even = kernelSizes.find((kernel) => kernel.some((length) => length % 2 === 0));
  if (even) throw refusedPlans(`kernel_sizes has [${even}], expected odd lengths`);
  if (strides[0]!.some((step) => step !== 1)) throw refusedPlans(`the first of strides is [${strides[0]}], expected [1,1,1]`);
  return {
    architecture: className,
    featuresPerStage: numbers(kwargs.features_per_stage, stages, "features_per_stage"),
    kernelSizes,
    strides,
    encoderDepths: numbers(depths, stages, "convolutions per stage"),
    decoderDepths: numbers(kwargs.n_conv_per_stage_decoder, stages - 1, "n_conv_per_stage_decoder"),
    convBias: kwargs.conv_bias,
    normEps: kwargs.norm_op_kwargs.eps,
    normAffine: kwargs.norm_op_kwargs.affine,
    leakySlope: kwargs.nonlin_kwargs?.negative_slope ?? 0.01,
  };
}

/** Plans name torch's classes by module, which moved between versions; the class decides. */
function only(what: string, found: string, expected: string): void {
  if (!found.startsWith("torch.nn.") || found.slice(found.lastIndexOf(".") + 1) !== expected)
    throw refusedPlans(`unknown ${what} ${found}, expected torch.nn.${expected}`);
}
