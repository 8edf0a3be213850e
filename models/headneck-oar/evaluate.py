"""Measures a model of these labels on the held-out cases, against the human contours, by the box's own `segbox segment` on DICOM.

  /usr/bin/python3 evaluate.py --data OPENKBP --work WORK [--grid source] [--form fp32] [--model NAME --models DIR] [--names NAME ...]

Whole volumes, on the source's own grid, or (--grid model) brought to the model's by prepare.py, contours too, so that nothing is resampled. Only
structures contoured in a case count, cord and oesophagus from their lowest contour upwards. --models DIR: a data folder of `segbox model`, for a model
that is not the shipped one. Writes the figures under GRID and FORM into evaluation.json beside this file (not when --names picks some cases), and every
label map to WORK/segmented.
"""
import argparse
import json
import re
import subprocess
import time
from pathlib import Path

import numpy as np

from cut_cases import cut_case, write_series
from prepare import read_nifti
from structures import BACKGROUND, OPEN_BELOW, SPACING_MM, STRUCTURES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def segment(dicom, folder, model, models):
    """Runs the box on a series; its label map zyx of canonical RAS, and how it computed."""
    folder.mkdir(parents=True, exist_ok=True)
    given = [] if models is None else ["--data", models]
    done = subprocess.run([ROOT / "node_modules/.bin/node", ROOT / "appliance/cli/main.ts", "segment", "--input", dicom, "--output", folder, "--model", model, "--outputs", "seg", *given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return read_nifti(folder / "labels.nii.gz")[0], done.stdout.strip().splitlines()[-1]


def prepared_case(work, name):
    case = np.load(work / "cases" / f"{name}.npz")
    return case["hu"], np.where(case["targets"] < BACKGROUND, case["targets"], 0), SPACING_MM


def compare(predicted, reference, spacing, contoured):
    """Dice and volumes of the contoured structures; predicted and reference lie on one grid."""
    voxel_ml = float(np.prod(spacing)) / 1000
    result = {}
    for label, (source_name, name) in STRUCTURES.items():
        theirs = reference == label
        if source_name not in contoured or not theirs.any():
            continue
        lowest = np.where(theirs.any((1, 2)))[0][0] if label in OPEN_BELOW else 0
        ours, theirs = (predicted == label)[lowest:], theirs[lowest:]
        dice = 2 * (ours & theirs).sum() / (ours.sum() + theirs.sum())
        result[name] = {"dice": round(float(dice), 4), "referenceMl": round(float(theirs.sum() * voxel_ml), 2), "predictedMl": round(float(ours.sum() * voxel_ml), 2)}
    return result


def summary(cases):
    rows = {}
    for _, name in STRUCTURES.values():
        scores = sorted((case[name]["dice"], key) for key, case in cases.items() if name in case)
        if not scores:
            continue
        volumes = [case[name]["predictedMl"] / case[name]["referenceMl"] - 1 for case in cases.values() if name in case]
        rows[name] = {"cases": len(scores), "meanDice": round(float(np.mean([score for score, _ in scores])), 4), "medianDice": round(float(np.median([score for score, _ in scores])), 4), "worst": scores[0], "meanVolumeDifferencePercent": round(100 * float(np.mean(volumes)), 1), "meanAbsoluteVolumeDifferencePercent": round(100 * float(np.mean(np.abs(volumes))), 1)}
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--grid", choices=["source", "model"], default="source")
    parser.add_argument("--form", default="fp32")
    parser.add_argument("--model", default="headneck-oar")
    parser.add_argument("--models", type=Path)
    parser.add_argument("--names", nargs="*")
    arguments = parser.parse_args()
    contoured = json.loads((arguments.data / "cases.json").read_text())["cases"]
    cases, runs, began = {}, [], time.monotonic()
    for name in arguments.names or json.loads((HERE / "split.json").read_text())["heldOut"]:
        place = Path(arguments.grid, arguments.form, name)
        hu, reference, spacing = cut_case(arguments.data, name) if arguments.grid == "source" else prepared_case(arguments.work, name)
        write_series(hu, spacing, name, arguments.work / "dicom" / place)
        predicted, run = segment(arguments.work / "dicom" / place, arguments.work / "segmented" / place, arguments.model, arguments.models)
        cases[name] = compare(predicted, reference, spacing, contoured[name]["labelled"])
        runs.append(run)
        print(name, run, {label: row["dice"] for label, row in cases[name].items()}, flush=True)
    found = {"how": re.sub(r".*, ", "", runs[0]), "structures": summary(cases), "cases": cases} if not arguments.names else None
    if found:
        path = HERE / "evaluation.json"
        everything = json.loads(path.read_text()) if path.exists() else {"referenceStandard": "human contours (OpenKBP)", "grids": {}}
        everything["grids"].setdefault(arguments.grid, {})[arguments.form] = found
        path.write_text(json.dumps(everything, indent=1) + "\n")
    print(json.dumps(summary(cases), indent=1), f"{time.monotonic() - began:.0f} s")
