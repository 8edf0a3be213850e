/** plans.json as nnU-Net 2.2 and later write it, with one small configuration. Each call gives a new object to change. */
export function newPlans(changes: Record<string, unknown> = {}) {
  return {
    dataset_name: "Dataset001_Small",
    plans_name: "nnUNetPlans",
    image_reader_writer: "NibabelIOWithReorient",
    transpose_forward: [0, 1, 2],
    transpose_backward: [0, 1, 2],
    experiment_planner_used: "ExperimentPlanner",
    label_manager: "LabelManager",
    foreground_intensity_properties_per_channel: {
      "0": { max: 3000.0, mean: 77.25, median: 60.0, min: -1024.0, percentile_00_5: -300.0, percentile_99_5: 650.5, std: 181.3 },
    },
    configurations: {
      "3d_fullres": {
        data_identifier: "nnUNetPlans_3d_fullres",
        preprocessor_name: "DefaultPreprocessor",
        batch_size: 2,
        patch_size: [16, 24, 32],
        spacing: [3.0, 1.5, 1.5],
        normalization_schemes: ["CTNormalization"],
        use_mask_for_norm: [false],
        resampling_fn_data: "resample_data_or_seg_to_shape",
        resampling_fn_seg: "resample_data_or_seg_to_shape",
        resampling_fn_probabilities: "resample_data_or_seg_to_shape",
        architecture: {
          network_class_name: "dynamic_network_architectures.architectures.unet.PlainConvUNet",
          arch_kwargs: {
            n_stages: 3,
            features_per_stage: [8, 16, 20],
            conv_op: "torch.nn.modules.conv.Conv3d",
            kernel_sizes: [
              [1, 3, 3],
              [3, 3, 3],
              [3, 3, 3],
            ],
            strides: [
              [1, 1, 1],
              [1, 2, 2],
              [2, 2, 2],
            ],
            n_conv_per_stage: [2, 2, 2],
            n_conv_per_stage_decoder: [2, 2],
            conv_bias: true,
            norm_op: "torch.nn.modules.instancenorm.InstanceNorm3d",
            norm_op_kwargs: { eps: 1e-5, affine: true },
            dropout_op: null,
            dropout_op_kwargs: null,
            nonlin: "torch.nn.LeakyReLU",
            nonlin_kwargs: { inplace: true },
          },
          _kw_requires_import: ["conv_op", "norm_op", "dropout_op", "nonlin"],
        },
        ...changes,
      },
    },
  };
}

/** dataset.json with three labels. */
export function smallDataset() {
  return {
    channel_names: { "0": "CT" } as Record<string, string>,
    labels: { background: 0, liver: 1, spleen: 2, aorta: 3 } as Record<string, number | number[]>,
    numTraining: 10,
    file_ending: ".nii.gz",
  };
}
