import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlans } from "../../../appliance/nnunet/plans.ts";
import { newPlans, smallDataset } from "../../reference/plans.ts";

const architecture = () => newPlans().configurations["3d_fullres"].architecture;

test("plans in the new form give patch, spacing, intensities, labels and network", () => {
  assert.deepEqual(parsePlans(newPlans(), smallDataset(), "3d_fullres"), {
    datasetName: "Dataset001_Small",
    plansName: "nnUNetPlans",
    configuration: "3d_fullres",
    patchSize: [16, 24, 32],
    spacing: [3, 1.5, 1.5],
    transposeForward: [0, 1, 2],
    ct: { low: -300, high: 650.5, mean: 77.25, std: 181.3 },
    classes: 4,
    labels: [
      { name: "liver", value: 1 },
      { name: "spleen", value: 2 },
      { name: "aorta", value: 3 },
    ],
    network: {
      architecture: "PlainConvUNet",
      featuresPerStage: [8, 16, 20],
      kernelSizes: [
        [1, 3, 3],
        [3, 3, 3],
        [3, 3, 3],
      ],
      strides: [
        [1, 1, 1],
        [1, 2, 2],
        [2, 2, 2],
      ],
      encoderDepths: [2, 2, 2],
      decoderDepths: [2, 2],
      convBias: true,
      normEps: 1e-5,
      normAffine: true,
      leakySlope: 0.01,
    },
    zoomOrder: 1,
    resampling: {
      image: "resample_data_or_seg_to_shape",
      order: 3,
      labels: "resample_data_or_seg_to_shape",
      logits: "resample_data_or_seg_to_shape",
    },
  });
});

test("the old form of the network means the same", () => {
  const { kernel_sizes, strides } = architecture().arch_kwargs;
  const old = newPlans({
    architecture: undefined,
    UNet_class_name: "PlainConvUNet",
    UNet_base_num_features: 8,
    unet_max_num_features: 20,
    n_conv_per_stage_encoder: [2, 2, 2],
    n_conv_per_stage_decoder: [2, 2],
    num_pool_per_axis: [1, 2, 2],
    pool_op_kernel_sizes: strides,
    conv_kernel_sizes: kernel_sizes,
  });
  assert.deepEqual(parsePlans(old, smallDataset(), "3d_fullres"), parsePlans(newPlans(), smallDataset(), "3d_fullres"));
});

test("a residual encoder is described by its blocks", () => {
  const given = architecture();
  const plans = newPlans({
    architecture: {
      network_class_name: "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
      arch_kwargs: { ...given.arch_kwargs, n_conv_per_stage: undefined, n_blocks_per_stage: [1, 3, 4], n_conv_per_stage_decoder: [1, 1] },
    },
  });
  const { network } = parsePlans(plans, smallDataset(), "3d_fullres");
  assert.equal(network.architecture, "ResidualEncoderUNet");
  assert.deepEqual(
    [network.encoderDepths, network.decoderDepths],
    [
      [1, 3, 4],
      [1, 1],
    ],
  );
});

test("a configuration takes from its ancestor what it does not say itself", () => {
  const plans = newPlans();
  const configurations: Record<string, unknown> = plans.configurations;
  configurations.wide = { inherits_from: "3d_fullres", patch_size: [16, 48, 48] };
  configurations.wider = { inherits_from: "wide", spacing: [2, 2, 2] };
  const parsed = parsePlans(plans, smallDataset(), "wider");
  assert.deepEqual(
    [parsed.patchSize, parsed.spacing],
    [
      [16, 48, 48],
      [2, 2, 2],
    ],
  );
  configurations.wide = { inherits_from: "wider" };
  assert.throws(() => parsePlans(plans, smallDataset(), "wider"), { code: "plans-unknown", message: /inherits from itself/ });
});

test("the label ignore has no channel", () => {
  const dataset = smallDataset();
  dataset.labels.ignore = 4;
  assert.equal(parsePlans(newPlans(), dataset, "3d_fullres").classes, 4);
});

const withKwargs = (changes: object) => {
  const given = architecture();
  return newPlans({ architecture: { ...given, arch_kwargs: { ...given.arch_kwargs, ...changes } } });
};
const faults: [name: string, plans: unknown, message: RegExp][] = [
  [
    "another normalization",
    newPlans({ normalization_schemes: ["ZScoreNormalization"] }),
    /unknown normalization scheme ZScoreNormalization/,
  ],
  [
    "two channels' normalization",
    newPlans({ normalization_schemes: ["CTNormalization", "CTNormalization"] }),
    /one normalization scheme, found 2/,
  ],
  ["another preprocessor", newPlans({ preprocessor_name: "ResEncPreprocessor" }), /unknown preprocessor ResEncPreprocessor/],
  ["a 2-D configuration", newPlans({ patch_size: [64, 64] }), /patch_size of configuration 3d_fullres has 2 axes, expected 3/],
  ["a cascade", newPlans({ previous_stage: "3d_lowres" }), /cascade on 3d_lowres/],
  [
    "an unknown network",
    newPlans({ architecture: { network_class_name: "monai.networks.nets.UNETR", arch_kwargs: {} } }),
    /unknown network monai\.networks\.nets\.UNETR/,
  ],
  [
    "an unknown network of the known family",
    newPlans({ architecture: { ...architecture(), network_class_name: "dynamic_network_architectures.architectures.primus.PrimusM" } }),
    /unknown network PrimusM/,
  ],
  [
    "another normalisation layer",
    withKwargs({ norm_op: "torch.nn.modules.batchnorm.BatchNorm3d" }),
    /unknown norm_op torch\.nn\.modules\.batchnorm\.BatchNorm3d/,
  ],
  ["another non-linearity", withKwargs({ nonlin: "torch.nn.GELU" }), /unknown nonlin torch\.nn\.GELU/],
  ["dropout", withKwargs({ dropout_op: "torch.nn.Dropout3d" }), /unknown dropout_op/],
  ["too few strides", withKwargs({ strides: [[1, 1, 1]] }), /strides has 1 entries, expected 3/],
  ["a patch that the strides do not divide", newPlans({ patch_size: [16, 24, 30] }), /total stride 4 along axis 2/],
  ["a transpose that is none", { ...newPlans(), transpose_forward: [0, 1, 1] }, /not a permutation and its inverse/],
  [
    "a transpose with another inverse",
    { ...newPlans(), transpose_forward: [1, 2, 0], transpose_backward: [1, 2, 0] },
    /not a permutation and its inverse/,
  ],
  ["a label manager of their own", { ...newPlans(), label_manager: "Other" }, /unknown label manager Other/],
  ["no intensities", { ...newPlans(), foreground_intensity_properties_per_channel: {} }, /no foreground intensity properties/],
  ["something else entirely", { hello: "world" }, /plans\.json is not as nnU-Net v2 writes it: dataset_name/],
  ["nothing", null, /plans\.json is not as nnU-Net v2 writes it/],
];
for (const [name, plans, message] of faults)
  test(`refused by name: ${name}`, () => {
    assert.throws(() => parsePlans(plans, smallDataset(), "3d_fullres"), { code: "plans-unknown", message });
  });

test("a configuration that is not there is refused with those that are", () => {
  assert.throws(() => parsePlans(newPlans(), smallDataset(), "3d_lowres"), {
    code: "plans-unknown",
    message: /no configuration 3d_lowres, only 3d_fullres/,
  });
  assert.throws(() => parsePlans(newPlans(), smallDataset(), "toString"), { code: "plans-unknown", message: /no configuration toString/ });
});

test("labels must be background and then 1, 2, …, each a single class, of a single channel", () => {
  const withLabels = (labels: Record<string, number | number[]>) => ({ ...smallDataset(), labels });
  for (const [dataset, message] of [
    [withLabels({ background: 0, liver: 1, spleen: 3 }), /expected labels background = 0, then 1, 2/],
    [withLabels({ liver: 1, spleen: 2 }), /expected labels background = 0/],
    [withLabels({ background: 0 }), /found 0/],
    [withLabels({ background: 0, whole: [1, 2], core: 2 }), /trains on regions \(whole\)/],
    [{ ...smallDataset(), channel_names: { "0": "CT", "1": "PET" } }, /one input channel, found 2/],
  ] as const)
    assert.throws(() => parsePlans(newPlans(), dataset, "3d_fullres"), { code: "plans-unknown", message });
});
