"""Measures the exported weights on CTs never trained on, whole volumes by nnU-Net's sliding window, on the 3 mm grid.

  /usr/bin/python3 evaluate.py --data DATA --work WORK [--at-most N]

The reference standard is targets.py, not a human: Dice says how well the network learned the rules, also where the rules
are wrong. Writes evaluation.json, and every prediction to WORK/predictions for looking at.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from network import CLASSES, PlainConvUNet
from prepare import EXAMPLE, read_nifti, resample
from targets import BONE, NAMES, NOT_JUDGED, VOXEL_ML

HERE = Path(__file__).parent
SMALLEST_ML = 0.5  # below this in the reference, Dice is chance: what was predicted is told in ml instead


def window_starts(side, patch):
    """nnU-Net's tile positions for a step of half a patch: as few as reach that, spread evenly."""
    count = int(np.ceil((side - patch) / (patch * 0.5))) + 1
    return [int(round((side - patch) / max(1, count - 1) * at)) for at in range(count)]


def gaussian(patch):
    line = [np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (side / 8)) ** 2) for side in patch]
    weights = line[0][:, None, None] * line[1][:, None] * line[2]
    return torch.from_numpy(np.maximum(weights, weights[weights > 0].min()).astype(np.float32))


def predict(network, hu, plans):
    """Labels of a volume on the plans' grid: clip, z-score, pad with zeros to the patch, tiles weighted by a Gaussian."""
    patch = plans["configurations"]["3d_fullres"]["patch_size"]
    fit = plans["foreground_intensity_properties_per_channel"]["0"]
    image = (np.clip(hu.astype(np.float32), fit["percentile_00_5"], fit["percentile_99_5"]) - fit["mean"]) / fit["std"]
    missing = [max(0, wanted - side) for wanted, side in zip(patch, image.shape)]
    image = torch.from_numpy(np.pad(image, [(n // 2, n - n // 2) for n in missing]))
    logits, weights = torch.zeros((CLASSES, *image.shape)), gaussian(patch)
    with torch.no_grad():
        for z in window_starts(image.shape[0], patch[0]):
            for y in window_starts(image.shape[1], patch[1]):
                for x in window_starts(image.shape[2], patch[2]):
                    tile = np.s_[z : z + patch[0], y : y + patch[1], x : x + patch[2]]
                    logits[(slice(None), *tile)] += network(image[tile][None, None].contiguous(memory_format=torch.channels_last_3d))[0] * weights
    inside = tuple(slice(n // 2, n // 2 + side) for n, side in zip(missing, hu.shape))
    return logits.argmax(0).numpy().astype(np.uint8)[inside]


def compare(predicted, reference):
    judged = reference != NOT_JUDGED
    result = {}
    for label, name in NAMES.items():
        ours, theirs = (predicted == label) & judged, (reference == label) & judged
        volume = theirs.sum() * VOXEL_ML
        dice = 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()) if volume >= SMALLEST_ML else None
        result[name] = {"dice": None if dice is None else round(float(dice), 4), "referenceMl": round(float(volume), 1), "predictedMl": round(float(ours.sum() * VOXEL_ML), 1)}
    return result


def summary(cases):
    rows = {}
    for name in NAMES.values():
        scores = sorted((case[name]["dice"], key) for key, case in cases.items() if case[name]["dice"] is not None)
        false_ml = [case[name]["predictedMl"] for case in cases.values() if case[name]["dice"] is None]
        rows[name] = {"cases": len(scores), "mean": round(float(np.mean([score for score, _ in scores])), 4) if scores else None, "worst": scores[0] if scores else None, "absentIn": len(false_ml), "mostPredictedWhereAbsentMl": max(false_ml, default=0)}
    return rows


def against_totalsegmentator(data, predicted):
    """How much of TotalSegmentator's own bones (its 3 mm model's output, not a human) the bone label covers; arms it doesn't label, so no Dice."""
    classes = json.loads((data / EXAMPLE / "classes-total.json").read_text())
    classes = classes.get("total", classes)
    bony = [int(number) for number, name in classes.items() if name.startswith(("vertebrae", "rib_", "humerus", "scapula", "sternum", "hip", "sacrum", "clavicula"))]
    labels, spacing = read_nifti(data / EXAMPLE / "example_seg_dicom.nii.gz")
    bones = resample(np.isin(labels, bony).astype(np.float32), spacing, 1) > 0.5
    return {"totalSegmentatorBoneMl": round(float(bones.sum() * VOXEL_ML), 1), "calledBone": round(float((predicted[bones] == BONE).mean()), 4)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--at-most", type=int, default=None, help="head and neck cases, for a first look; then nothing is written")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    plans = json.loads((HERE / "nnunet/plans.json").read_text())
    split = json.loads((HERE / "split.json").read_text())
    network = PlainConvUNet().eval()
    network.load_state_dict(torch.load(HERE / "nnunet/fold_0/checkpoint_final.pth")["network_weights"])
    network = network.to(memory_format=torch.channels_last_3d)
    (arguments.work / "predictions").mkdir(exist_ok=True)
    groups, began = {"headAndNeck": {}, "others": {}}, time.monotonic()
    for group, names in (("others", split["heldOut"]), ("headAndNeck", split["openkbpHeldOut"][: arguments.at_most])):
        for name in names:
            case = np.load(arguments.work / "cases" / f"{name}.npz")
            predicted = predict(network, case["hu"], plans)
            np.savez_compressed(arguments.work / "predictions" / f"{name}.npz", hu=case["hu"], labels=predicted)
            groups[group][name] = compare(predicted, case["labels"])
            if name == "example_ct_dicom":
                totalsegmentator = against_totalsegmentator(arguments.data, predicted)
            print(name, {label: row["dice"] if row["dice"] is not None else f"{row['predictedMl']} ml" for label, row in groups[group][name].items()}, flush=True)
    found = {"version": json.loads((HERE / "manifest.json").read_text())["version"], "grid": "3 mm", "referenceStandard": "targets.py (rules), not a human", "headAndNeck": summary(groups["headAndNeck"]), "exampleCtDicomAgainstTotalSegmentator": totalsegmentator, "cases": groups}
    if arguments.at_most is None:
        (HERE / "evaluation.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found["headAndNeck"], indent=1), totalsegmentator, f"{time.monotonic() - began:.0f} s")
