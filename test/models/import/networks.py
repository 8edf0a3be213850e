"""Makes nnU-Net results folders with random weights, and says what torch computes with them.

Reads {"out": folder, "cases": [{"name", "architecture", "kwargs", "classes", "patch", "form": "new" | "old", "shapes", "mirroring"}, ...]}. Writes
per case OUT/NAME/nnUNetTrainer__nnUNetPlans__3d_fullres (as nnU-Net leaves it), and per shape OUT/NAME/N.input.raw and N.logits.raw (float32).
A case may also name its "labels" (in their order), "trainer" and "folds", and a weight that is to be "poisoned" with a number.
"""
import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "make"))
from nnunet_networks import UNet, randomise, save_results  # noqa: E402


def architecture(case):
    """The network in one of the two forms that plans.json has had."""
    kwargs = case["kwargs"]
    if case["form"] == "old":
        features = kwargs["features_per_stage"]
        depths = kwargs["n_conv_per_stage" if case["architecture"] == "PlainConvUNet" else "n_blocks_per_stage"]
        return {
            "UNet_class_name": case["architecture"],
            "UNet_base_num_features": features[0],
            "unet_max_num_features": max(features),
            "n_conv_per_stage_encoder": depths,
            "n_conv_per_stage_decoder": kwargs["n_conv_per_stage_decoder"],
            "num_pool_per_axis": [3, 3, 3],
            "pool_op_kernel_sizes": kwargs["strides"],
            "conv_kernel_sizes": kwargs["kernel_sizes"],
        }
    return {
        "architecture": {
            "network_class_name": f"dynamic_network_architectures.architectures.unet.{case['architecture']}",
            "arch_kwargs": kwargs,
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        }
    }


def plans(case):
    return {
        "dataset_name": "Dataset900_Test",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            "2d": {"preprocessor_name": "DefaultPreprocessor", "patch_size": [64, 64], "spacing": [1.0, 1.0]},
            "3d_fullres": {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": case["patch"],
                "spacing": [3.0, 1.5, 1.5],
                "normalization_schemes": ["CTNormalization"],
                "use_mask_for_norm": [False],
                "resampling_fn_data": "resample_data_or_seg_to_shape",
                "resampling_fn_seg": "resample_data_or_seg_to_shape",
                "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
                "batch_dice": True,
                **architecture(case),
            },
        },
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": {"max": 2000.0, "mean": 10.0, "median": 40.0, "min": -1024.0, "percentile_00_5": -1000.0, "percentile_99_5": 1200.0, "std": 380.0}},
    }


def main():
    given = json.load(sys.stdin)
    torch.set_num_threads(2)
    for seed, case in enumerate(given["cases"], 1):
        network = randomise(UNet(case["architecture"], case["kwargs"], case["classes"]), seed)
        for name, value in case.get("poisoned", {}).items():
            dict(network.named_parameters())[name].data.view(-1)[-1] = float(value)
        out = pathlib.Path(given["out"]) / case["name"]
        names = case.get("labels") or [f"organ_{value}" for value in range(1, case["classes"])]
        dataset = {"channel_names": {"0": "CT"}, "labels": {"background": 0, **{name: value for value, name in enumerate(names, 1)}}, "numTraining": 3, "file_ending": ".nii.gz"}
        mirroring = tuple(case["mirroring"]) if case["mirroring"] is not None else None
        trainer = case.get("trainer", "nnUNetTrainer")
        for fold in case.get("folds", [0]):
            save_results(out / f"{trainer}__nnUNetPlans__3d_fullres", plans(case), dataset, "3d_fullres", network, trainer, mirroring, fold)
        generator = torch.Generator().manual_seed(seed)
        for number, shape in enumerate(case["shapes"]):
            voxels = torch.randn(1, 1, *shape, generator=generator)
            with torch.no_grad():
                logits = network(voxels)
            (out / f"{number}.input.raw").write_bytes(voxels.numpy().tobytes())
            (out / f"{number}.logits.raw").write_bytes(logits.contiguous().numpy().tobytes())
    json.dump(None, sys.stdout)


main()
