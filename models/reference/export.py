"""Turns a training checkpoint into what the box reads: nnunet/ (nnU-Net's own form), model.onnx and manifest.json.

  /usr/bin/python3 export.py --work WORK

Run it on a half-trained checkpoint too: the version then carries the step. The ONNX file is compared with PyTorch on two
shapes through the repository's onnxruntime-node, as Debian has no onnxruntime for Python; without node_modules it fails.
"""
import argparse
import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch

from network import CLASSES, FEATURES, PlainConvUNet, strides

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATCH = [96, 96, 96]
TOLERANCE = 1e-3  # logits are about 10; float32 sums in another order

# Codes are rows of PS3.16 CID 7150 (category), CID 7192, 7197 and 7191 (type) and CID 244 (modifier), as pydicom 3.0.2
# carries them, which generates its tables from the standard. Older tables have 123037004 for the category of
# anatomy, 272673000 for bone and 248300009 for fat.
ANATOMY, SUBSTANCE, TISSUE = ("91723000", "Anatomical Structure"), ("91720002", "Body Substance"), ("85756007", "Tissue")
LABELS = [
    (1, "lungs", "Lungs", ANATOMY, ("39607008", "Lung"), [("51440002", "Bilateral")], [118, 169, 219], "ORGAN"),
    (2, "gas", "Gas in airways, sinuses and bowel", SUBSTANCE, ("74947009", "Gas"), [], [150, 222, 209], "CAVITY"),
    (3, "bone", "Bone", TISSUE, ("3138006", "Bone"), [], [241, 214, 145], "ORGAN"),
    (4, "fat", "Fat", TISSUE, ("55603005", "Fat"), [], [230, 196, 90], "ORGAN"),
    (5, "soft_tissue", "Other soft tissue", TISSUE, ("87784001", "Soft tissue"), [], [177, 95, 90], "ORGAN"),
]


def code(pair):
    value, meaning = pair
    return {"value": value, "scheme": "SCT", "meaning": meaning}


def plans(prepared):
    resample = {"is_seg": False, "order_z": 0, "force_separate_z": None}
    shape = prepared["medianShape"]
    name = "resample_data_or_seg_to_shape"
    return {
        "dataset_name": "Dataset801_SegboxReference",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [3.0, 3.0, 3.0],
        "original_median_shape_after_transp": [int(side) for side in shape],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {
            "3d_fullres": {
                "data_identifier": "nnUNetPlans_3d_fullres",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": PATCH,
                "median_image_size_in_voxels": shape,
                "spacing": [3.0, 3.0, 3.0],
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
                        "n_stages": len(FEATURES),
                        "features_per_stage": FEATURES,
                        "conv_op": "torch.nn.modules.conv.Conv3d",
                        "kernel_sizes": [[3, 3, 3]] * len(FEATURES),
                        "strides": strides(FEATURES),
                        "n_conv_per_stage": [2] * len(FEATURES),
                        "n_conv_per_stage_decoder": [2] * (len(FEATURES) - 1),
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


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def export_onnx(network, path):
    axes = {2: "depth", 3: "height", 4: "width"}
    torch.onnx.export(network, torch.zeros(1, 1, 32, 32, 32), path, opset_version=17, input_names=["input"], output_names=["logits"], dynamic_axes={"input": axes, "logits": axes})
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version >= 17 and [value.name for value in (*model.graph.input, *model.graph.output)] == ["input", "logits"]


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


def compare_with_onnxruntime(network, path):
    """The largest difference on logits. Two shapes, neither the one that was traced."""
    random = np.random.default_rng(1)
    worst = 0.0
    for shape in ([40, 64, 56], [96, 48, 72]):
        voxels = random.normal(-1, 1.5, (1, 1, *shape)).astype(np.float32)
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            (Path(folder) / "input.raw").write_bytes(voxels.tobytes())
            subprocess.run([ROOT / "node_modules/.bin/node", "--input-type=module", "-e", RUN_IN_NODE, "--", path.resolve(), folder, *map(str, shape)], cwd=ROOT, check=True)
            theirs = np.frombuffer((Path(folder) / "logits.raw").read_bytes(), np.float32).reshape(1, CLASSES, *shape)
            worst = max(worst, float(np.abs(network(torch.from_numpy(voxels)).numpy() - theirs).max()))
    return worst


def manifest(version, onnx_file, training):
    content = onnx_file.read_bytes()
    return {
        "schema": 2,
        "name": "reference",
        "version": version,
        "title": "Lungs, gas, bone, fat and soft tissue",
        "intendedUse": "Shows that a Segbox works, from the scanner to the viewer, on any CT: a small real network whose errors a person can see at once. Body composition at 3 mm for demonstration and acceptance tests.",
        "notFor": "Not for diagnosis. Not for treatment planning, nor for measuring a patient. Its reference standard is a set of rules, not a human.",
        "licence": "Apache-2.0",
        "algorithm": {"name": "Segbox reference", "version": version},
        "trainingData": training,
        "parts": [
            {
                "name": "main",
                "nnunet": {"plans": "nnunet/plans.json", "dataset": "nnunet/dataset.json", "configuration": "3d_fullres"},
                "networks": [{"file": onnx_file.name, "sha256": hashlib.sha256(content).hexdigest(), "sizeBytes": len(content), "precision": "fp32", "engine": "onnx", "input": "input", "output": "logits"}],
            }
        ],
        "crop": None,
        "stepSize": 0.5,
        "mirrorAxes": [],
        "postprocessing": {"removeSmallBlobsMm3": None, "keepLargest": []},
        "labels": [
            {"value": value, "name": name, "title": title, "category": code(category), "type": code(type_), "modifiers": [code(pair) for pair in modifiers], "anatomicRegion": None, "color": colour, "rtRoiInterpretedType": interpreted}
            for value, name, title, category, type_, modifiers, colour, interpreted in LABELS
        ],
    }


# What train.py draws from, grouped by the licence it came under. See card.md for what is held out.
TRAINING_DATA = [
    {"name": "OpenKBP head and neck (ababier/open-kbp)", "licence": "MIT", "use": "CT voxels; brainstem and cord contours only to keep them out of bone and lungs", "cases": 200},
    {"name": "TotalSegmentator example CTs (example_ct, aorta_report)", "licence": "Apache-2.0", "use": "CT voxels; its artery masks only to tell vessels from bone in aorta_report", "cases": 2},
    {"name": "Soft-tissue sarcoma STS_008 (TCIA, as in theibsi/data_sets)", "licence": "CC BY 3.0", "use": "CT voxels", "cases": 1},
    {"name": "Single slices: cornerstoneWADOImageLoader CTImage, pylibjpeg-data Toshiba, dcm4che Elscint, pydicom Hitachi, NEMA WG-04 CT1 and CT2", "licence": "MIT; MIT; MPL-1.1/GPL/LGPL; MIT; public sample images", "use": "CT voxels, each slice repeated into a 36 mm slab", "cases": 6},
]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    prepared = json.loads((work / "intensities.json").read_text())
    saved = torch.load(work / "checkpoint.pt")
    version = "1.0.0" if saved["step"] == saved["steps"] else f"1.0.0-step.{saved['step']}"
    network = PlainConvUNet().eval()
    network.load_state_dict(saved["network"])  # into fresh, contiguous storages: training used channels-last
    the_plans, dataset = plans(prepared), {"channel_names": {"0": "CT"}, "labels": {"background": 0, **{name: value for value, name, *_ in LABELS}}, "numTraining": prepared["numTraining"], "file_ending": ".nii.gz"}
    assert sum(source["cases"] for source in TRAINING_DATA) == prepared["numTraining"]
    write_json(HERE / "nnunet/plans.json", the_plans)
    write_json(HERE / "nnunet/dataset.json", dataset)
    losses = [loss for _, loss in saved["history"]]  # one per 20 steps; an "epoch" for readers of the checkpoint
    checkpoint = {
        "network_weights": network.state_dict(),
        "optimizer_state": None,
        "grad_scaler_state": None,
        "logging": {"train_losses": losses},
        "_best_ema": None,
        "current_epoch": len(losses),
        "init_args": {"plans": the_plans, "configuration": "3d_fullres", "fold": 0, "dataset_json": dataset, "device": torch.device("cpu")},
        "trainer_name": "nnUNetTrainer",  # nnU-Net builds the network through this class; train.py did the training
        "inference_allowed_mirroring_axes": (2,),
    }
    (HERE / "nnunet/fold_0").mkdir(exist_ok=True)
    torch.save(checkpoint, HERE / "nnunet/fold_0/checkpoint_final.pth")
    export_onnx(network, HERE / "model.onnx.new")
    difference = compare_with_onnxruntime(network, HERE / "model.onnx.new")
    assert difference <= TOLERANCE, f"logits differ by {difference}, expected at most {TOLERANCE}"
    (HERE / "model.onnx.new").replace(HERE / "model.onnx")
    write_json(HERE / "manifest.json", manifest(version, HERE / "model.onnx", TRAINING_DATA))
    print(f"{version}, trained {saved['trainedS'] / 60:.1f} min, loss {losses[-1]}, largest difference to onnxruntime {difference:.2g}")
