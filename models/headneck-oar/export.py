"""Turns a training checkpoint into what the box reads: nnunet/ (nnU-Net's own form), model.onnx and manifest.json.

  /usr/bin/python3 export.py --work WORK [--to FOLDER]

Run it on a half-trained checkpoint too: the version then carries the step. Stored is the float32 of training.
"""
import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "reference"))
import torch

from manifest import manifest
from network import PlainConvUNet
from nnunet_form import compare_with_onnxruntime, dataset, export_onnx, plans, save_checkpoint, write_json
from structures import CLASSES, FEATURES, PATCH, SPACING_MM, STRUCTURES

# Codes are rows of PS3.16 CID 7150 (category), CID 7192 (type) and CID 244 (modifier), as pydicom 3.0.2 carries them.
ANATOMY, RIGHT, LEFT = ("91723000", "Anatomical Structure"), [("24028007", "Right")], [("7771000", "Left")]
PAROTID = ("45289007", "Parotid gland")
LABELS = [
    (1, "brainstem", "Brainstem", ANATOMY, ("119238007", "Brain Stem"), [], [226, 164, 128], "ORGAN"),
    (2, "spinal_cord", "Spinal cord", ANATOMY, ("2748008", "Spinal cord"), [], [255, 215, 0], "ORGAN"),
    (3, "parotid_right", "Right parotid gland", ANATOMY, PAROTID, RIGHT, [112, 193, 179], "ORGAN"),
    (4, "parotid_left", "Left parotid gland", ANATOMY, PAROTID, LEFT, [58, 134, 176], "ORGAN"),
    (5, "mandible", "Mandible", ANATOMY, ("91609006", "Mandible"), [], [222, 198, 101], "ORGAN"),
    (6, "larynx", "Larynx", ANATOMY, ("4596009", "Larynx"), [], [150, 98, 83], "ORGAN"),
    (7, "esophagus", "Oesophagus", ANATOMY, ("32849002", "Esophagus"), [], [190, 90, 170], "ORGAN"),
]
WORDS = {
    "name": "headneck-oar",
    "title": "Organs at risk in the head and neck",
    "intendedUse": "Shows on real anatomy, against human contours, what a Segbox and its INT8 form keep of a network: brainstem, spinal cord, parotid glands, mandible and larynx in CTs of the head and neck, to look at and to correct.",
    "notFor": "Not for diagnosis. Not for treatment planning: contours are 4 mm coarse and its training was short. The larynx is drawn a third too small, the oesophagus a third too large; both roughly.",
    "algorithm": "Segbox headneck-oar",
    "trainingData": [{"name": "OpenKBP head and neck (ababier/open-kbp)", "licence": "MIT", "use": "CT voxels and human contours of seven structures, not all in every case", "cases": 200}],
    # Each is one piece in everybody. A mandible cut by the edge of the scan is two, and the long ones may have gaps.
    "keepLargest": ["brainstem", "parotid_right", "parotid_left", "larynx"],
}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=HERE)
    arguments = parser.parse_args()
    work, to = arguments.work, arguments.to
    assert [(value, name) for value, name, *_ in LABELS] == [(value, name) for value, (_, name) in STRUCTURES.items()]
    prepared = json.loads((work / "intensities.json").read_text())
    saved = torch.load(work / "checkpoint.pt")
    version = "1.1.0" if saved["trainedS"] >= saved["minutes"] * 60 else f"1.1.0-step.{saved['step']}"
    network = PlainConvUNet(FEATURES, CLASSES).eval()
    network.load_state_dict(saved["network"])  # into fresh, contiguous storages: training used channels-last
    the_plans = plans("Dataset802_SegboxHeadneckOar", FEATURES, PATCH, SPACING_MM, prepared)
    the_dataset = dataset([name for _, name, *_ in LABELS], prepared)
    write_json(to / "nnunet/plans.json", the_plans)
    write_json(to / "nnunet/dataset.json", the_dataset)
    losses = [loss for _, loss, _ in saved["history"]]
    save_checkpoint(network, the_plans, the_dataset, losses, (), to / "nnunet/fold_0/checkpoint_final.pth")
    export_onnx(to / "nnunet", to / "model.onnx.new")
    difference = compare_with_onnxruntime(network, CLASSES, to / "model.onnx.new")
    (to / "model.onnx.new").replace(to / "model.onnx")
    write_json(to / "manifest.json", manifest(WORDS, version, to / "model.onnx", LABELS))
    print(f"{version}, step {saved['step']}, trained {saved['trainedS'] / 60:.1f} min, loss {losses[-1]}, largest difference to onnxruntime {difference:.2g}")
