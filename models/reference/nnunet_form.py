"""nnU-Net's own form of a model trained here: plans, checkpoint, and the ONNX file that must compute what PyTorch does."""
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

from network import strides

ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-3  # logits are about 10; float32 sums in another order


def plans(dataset_name, features, patch, spacing_mm, prepared):
    """plans.json of a PlainConvUNet; prepared is what prepare.py measured."""
    resample = {"is_seg": False, "order_z": 0, "force_separate_z": None}
    shape = prepared["medianShape"]
    name = "resample_data_or_seg_to_shape"
    return {
        "dataset_name": dataset_name,
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": spacing_mm,
        "original_median_shape_after_transp": [int(side) for side in shape],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            "3d_fullres": {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": patch,
                "median_image_size_in_voxels": shape,
                "spacing": spacing_mm,
                "normalization_schemes": ["CTNormalization"],
                "use_mask_for_norm": [False],
                "resampling_fn_data": name,
                "resampling_fn_seg": name,
                "resampling_fn_data_kwargs": {**resample, "order": 3},
                "resampling_fn_seg_kwargs": {**resample, "is_seg": True, "order": 1},
                "resampling_fn_probabilities": name,
                "resampling_fn_probabilities_kwargs": {**resample, "order": 1},
                "architecture": {
                    "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                    "arch_kwargs": {
                        "n_stages": len(features),
                        "features_per_stage": features,
                        "conv_op": "torch.nn.modules.conv.Conv3d",
                        "kernel_sizes": [[3, 3, 3]] * len(features),
                        "strides": strides(features),
                        "n_conv_per_stage": [2] * len(features),
                        "n_conv_per_stage_decoder": [2] * (len(features) - 1),
                        "conv_bias": True,
                        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
                        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
                        "dropout_op": None,
                        "dropout_op_kwargs": None,
                        "nonlin": "torch.nn.LeakyReLU",
                        "nonlin_kwargs": {"inplace": True},
                    },
                    "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
                },
                "batch_dice": False,
            }
        },
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": prepared["intensities"]},
    }


def dataset(labels, prepared):
    """dataset.json; labels are names in the order of their values, from 1."""
    return {"channel_names": {"0": "CT"}, "labels": {"background": 0, **{name: value for value, name in enumerate(labels, 1)}}, "numTraining": prepared["numTraining"], "file_ending": ".nii.gz"}


def save_checkpoint(network, the_plans, the_dataset, losses, mirror_axes, path):
    """checkpoint_final.pth as nnU-Net's predictor loads it. A loss stands for 20 steps: an "epoch" for readers of the checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = {
        "network_weights": network.state_dict(),
        "optimizer_state": None,
        "grad_scaler_state": None,
        "logging": {"train_losses": losses},
        "_best_ema": None,
        "current_epoch": len(losses),
        "init_args": {"plans": the_plans, "configuration": "3d_fullres", "fold": 0, "dataset_json": the_dataset, "device": torch.device("cpu")},
        "trainer_name": "nnUNetTrainer",  # nnU-Net builds the network through this class; train.py did the training
        "inference_allowed_mirroring_axes": mirror_axes,
    }
    torch.save(checkpoint, path)


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


WRITE_IN_NODE = """
import { readFileSync } from "node:fs";
import { parsePlans } from "./appliance/nnunet/plans.ts";
import { Checkpoint } from "./models/import/checkpoint.ts";
import { readWeights } from "./models/import/weights.ts";
import { fp32Graph } from "./models/network/u-net.ts";
import { writeOnnxFile } from "./models/onnx/write.ts";
const [nnunet, onnx] = process.argv.slice(1);
const json = (file) => JSON.parse(readFileSync(`${nnunet}/${file}`, "utf8"));
const plans = parsePlans(json("plans.json"), json("dataset.json"), "3d_fullres");
await using checkpoint = await Checkpoint.open(`${nnunet}/fold_0/checkpoint_final.pth`);
await writeOnnxFile(onnx, fp32Graph(plans.network, plans.classes, await readWeights(checkpoint, plans.network, plans.classes)));
"""


def in_node(script, *arguments):
    subprocess.run([ROOT / "node_modules/.bin/node", "--input-type=module", "-e", script, "--", *map(str, arguments)], cwd=ROOT, check=True)


def export_onnx(nnunet, path):
    """The ONNX file of a checkpoint as the box itself imports it; nnunet holds plans.json, dataset.json and fold_0."""
    in_node(WRITE_IN_NODE, nnunet.resolve(), path.resolve())


RUN_IN_NODE = """
import { readFileSync, writeFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
const [model, folder, ...shape] = process.argv.slice(1);
const session = await InferenceSession.create(model);
const raw = readFileSync(folder + "/input.raw");
const input = new Tensor("float32", new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length)), [1, 1, ...shape.map(Number)]);
const { logits } = await session.run({ input });
writeFileSync(folder + "/logits.raw", Buffer.from(logits.data.buffer, logits.data.byteOffset, logits.data.byteLength));
"""


def compare_with_onnxruntime(network, classes, path):
    """The largest difference on logits. Two shapes, neither of them the plans'."""
    random = np.random.default_rng(1)
    worst = 0.0
    for shape in ([32, 64, 48], [96, 48, 80]):
        voxels = random.normal(-1, 1.5, (1, 1, *shape)).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            (Path(folder) / "input.raw").write_bytes(voxels.tobytes())
            in_node(RUN_IN_NODE, path.resolve(), folder, *shape)
            theirs = np.frombuffer((Path(folder) / "logits.raw").read_bytes(), np.float32).reshape(1, classes, *shape)
            worst = max(worst, float(np.abs(network(torch.from_numpy(voxels)).numpy() - theirs).max()))
    assert worst <= TOLERANCE, f"logits differ by {worst}, expected at most {TOLERANCE}"
    return worst
