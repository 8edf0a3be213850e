"""Writes random-weight checkpoints of TotalSegmentator's full-size networks, for tests of time and memory.

Run: /usr/bin/python3 test/make/total-checkpoints.py OUT [291 292 ...]    (Debian's python3-torch)

OUT becomes a weights folder as TotalSegmentator's: OUT/DatasetNNN_.../TRAINER__nnUNetPlans__3d_fullres/{plans.json,dataset.json,fold_0}. The
five parts of `total` when no dataset is named; 297 is the 3 mm network, 298 the 6 mm one. 123 MB each. Sizes are those of the published
networks (patch, 6 stages of 32 to 320 features, a head per label), in the form of plans that they came with; intensities are made up.
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from nnunet_networks import UNet, randomise, save_results  # noqa: E402

catalogue = json.loads((pathlib.Path(__file__).parent.parent.parent / "models/catalogue/totalsegmentator.json").read_text())
PATCHES = {297: [112, 112, 128], 298: [64, 64, 64]}


def strides_of(patch):
    """As nnU-Net plans them: every axis is halved until 4 voxels would be gone below, each stage once."""
    pools = [next(n for n in range(6, -1, -1) if length % 2**n == 0 and length // 2**n >= 4) for length in patch]
    return [[1, 1, 1]] + [[2 if stage <= pool else 1 for pool in pools] for stage in range(1, max(pools) + 1)]


def old_plans(folder, patch, spacing):
    """plans.json of nnU-Net 2.0 and 2.1: the network by its counts."""
    name = "resample_data_or_seg_to_shape"
    strides = strides_of(patch)
    stages = len(strides)
    return {
        "dataset_name": folder,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [spacing] * 3,
        "original_median_shape_after_transp": [231, 231, 231],
        "image_reader_writer": "NibabelIOWithReorient",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            "3d_fullres": {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": patch,
                "median_image_size_in_voxels": [231.0, 231.0, 231.0],
                "spacing": [spacing] * 3,
                "normalization_schemes": ["CTNormalization"],
                "use_mask_for_norm": [False],
                "UNet_class_name": "PlainConvUNet",
                "UNet_base_num_features": 32,
                "n_conv_per_stage_encoder": [2] * stages,
                "n_conv_per_stage_decoder": [2] * (stages - 1),
                "num_pool_per_axis": [sum(each == 2 for each in axis) for axis in zip(*strides)],
                "pool_op_kernel_sizes": strides,
                "conv_kernel_sizes": [[3, 3, 3]] * stages,
                "unet_max_num_features": 320,
                "resampling_fn_data": name,
                "resampling_fn_seg": name,
                "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
                "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
                "resampling_fn_probabilities": name,
                "resampling_fn_probabilities_kwargs": {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None},
                "batch_dice": False,
            }
        },
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {
            "0": {"max": 3000.0, "mean": 10.0, "median": 40.0, "min": -1024.0, "percentile_00_5": -1000.0, "percentile_99_5": 1200.0, "std": 380.0}
        },
    }


def write(out, dataset):
    task, part = next((task, part) for task in catalogue["tasks"] for part in task["parts"] if part["dataset"] == dataset)
    patch = PATCHES.get(dataset, [128, 128, 128])
    strides = strides_of(patch)
    stages = len(strides)
    plans = old_plans(part["folder"], patch, task["spacingMmXyz"][0])
    kwargs = {
        "features_per_stage": [min(32 * 2**s, 320) for s in range(stages)],
        "kernel_sizes": [3] * stages,
        "strides": strides,
        "n_conv_per_stage": [2] * stages,
        "n_conv_per_stage_decoder": [2] * (stages - 1),
        "conv_bias": True,
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
    }
    labels = {"background": 0, **{name: value for value, name in enumerate(part["labels"], 1)}}
    network = randomise(UNet("PlainConvUNet", kwargs, len(labels)), dataset)
    folder = pathlib.Path(out) / part["folder"] / f"{task['trainer']}__nnUNetPlans__3d_fullres"
    described = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 1559, "file_ending": ".nii.gz"}
    save_results(folder, plans, described, "3d_fullres", network, task["trainer"], None)
    print(folder, sum(parameter.numel() for parameter in network.parameters()), "parameters", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for each in [int(word) for word in sys.argv[2:]] or [291, 292, 293, 294, 295]:
        write(sys.argv[1], each)
