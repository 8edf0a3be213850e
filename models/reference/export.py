"""Turns a training checkpoint into what the box reads: nnunet/ (nnU-Net's own form), model.onnx and manifest.json.

  /usr/bin/python3 export.py --work WORK

Run it on a half-trained checkpoint too: the version then carries the step. The ONNX file is compared with PyTorch on two
shapes through the repository's onnxruntime-node, as Debian has no onnxruntime for Python; without node_modules it fails.
"""
import argparse
import json
from pathlib import Path

import torch

from manifest import manifest
from network import CLASSES, FEATURES, PlainConvUNet
from nnunet_form import compare_with_onnxruntime, dataset, export_onnx, plans, save_checkpoint, write_json

HERE = Path(__file__).parent
PATCH = [96, 96, 96]

# value, name, title, category, type, modifiers, RGB, RT ROI interpreted type. Codes are rows of PS3.16 CID 7150 (category), CID 7192, 7197 and 7191 (type) and CID 244 (modifier), as pydicom 3.0.2
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

# What train.py draws from, grouped by the licence it came under. See card.md for what is held out.
TRAINING_DATA = [
    {"name": "OpenKBP head and neck (ababier/open-kbp)", "licence": "MIT", "use": "CT voxels; brainstem and cord contours only to keep them out of bone and lungs", "cases": 200},
    {"name": "TotalSegmentator example CTs (example_ct, aorta_report)", "licence": "Apache-2.0", "use": "CT voxels; its artery masks only to tell vessels from bone in aorta_report", "cases": 2},
    {"name": "Soft-tissue sarcoma STS_008 (TCIA, as in theibsi/data_sets)", "licence": "CC BY 3.0", "use": "CT voxels", "cases": 1},
    {"name": "Single slices: cornerstoneWADOImageLoader CTImage, pylibjpeg-data Toshiba, dcm4che Elscint, pydicom Hitachi, NEMA WG-04 CT1 and CT2", "licence": "MIT; MIT; MPL-1.1/GPL/LGPL; MIT; public sample images", "use": "CT voxels, each slice repeated into a 36 mm slab", "cases": 6},
]

WORDS = {
    "name": "reference",
    "title": "Lungs, gas, bone, fat and soft tissue",
    "intendedUse": "Shows that a Segbox works, from the scanner to the viewer, on any CT: a small real network whose errors a person can see at once. Body composition at 3 mm for demonstration and acceptance tests.",
    "notFor": "Not for diagnosis. Not for treatment planning, nor for measuring a patient. Its reference standard is a set of rules, not a human.",
    "algorithm": "Segbox reference",
    "trainingData": TRAINING_DATA,
    "keepLargest": [],
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    prepared = json.loads((work / "intensities.json").read_text())
    saved = torch.load(work / "checkpoint.pt")
    version = "1.0.0" if saved["step"] == saved["steps"] else f"1.0.0-step.{saved['step']}"
    network = PlainConvUNet().eval()
    network.load_state_dict(saved["network"])  # into fresh, contiguous storages: training used channels-last
    the_plans, the_dataset = plans("Dataset801_SegboxReference", FEATURES, PATCH, [3.0, 3.0, 3.0], prepared), dataset([name for _, name, *_ in LABELS], prepared)
    assert sum(source["cases"] for source in TRAINING_DATA) == prepared["numTraining"]
    write_json(HERE / "nnunet/plans.json", the_plans)
    write_json(HERE / "nnunet/dataset.json", the_dataset)
    losses = [loss for _, loss in saved["history"]]
    save_checkpoint(network, the_plans, the_dataset, losses, (2,), HERE / "nnunet/fold_0/checkpoint_final.pth")
    export_onnx(HERE / "nnunet", HERE / "model.onnx.new")
    difference = compare_with_onnxruntime(network, CLASSES, HERE / "model.onnx.new")
    (HERE / "model.onnx.new").replace(HERE / "model.onnx")
    write_json(HERE / "manifest.json", manifest(WORDS, version, HERE / "model.onnx", LABELS))
    print(f"{version}, trained {saved['trainedS'] / 60:.1f} min, loss {losses[-1]}, largest difference to onnxruntime {difference:.2g}")
