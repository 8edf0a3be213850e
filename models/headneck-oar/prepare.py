"""Brings the OpenKBP cases to the network's grid as the box would, and caches CT and targets as WORK/cases/NAME.npz.

  /usr/bin/python3 prepare.py --data OPENKBP --work WORK [--only NAME ...]

OPENKBP has cases.json, ct/ and labels/. Axes are zyx of canonical RAS: ascending to superior, anterior and the patient's right, as the
box turns a CT. Held-out cases are prepared too, train.py leaves them alone. Also measures the training cases' foreground
intensities, which become the plans' CTNormalization (WORK/intensities.json).
"""
import argparse
import json
import multiprocessing
import sys
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage as ndi

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "reference"))
from structures import BACKGROUND, CLASSES, OPEN_BELOW, SPACING_MM, STRUCTURES, bit
from targets import IN_PLANE, fill_slices

WHOLE_MM2 = 5000  # a neck has 8000 and more, contoured organs alone less than 2500


def read_nifti(path):
    """Voxels zyx of canonical RAS, and the spacing zyx in mm."""
    image = nibabel.as_closest_canonical(nibabel.load(path))
    return np.asarray(image.dataobj).transpose(2, 1, 0), np.array(image.header.get_zooms()[:3], float)[::-1]


def whole_slices(hu, spacing):
    """The longest run of slices that show the whole body. The source blanked others but for the contoured organs: shapes that give themselves away."""
    body = fill_slices(ndi.binary_closing(np.pad(hu > -1000, 2), IN_PLANE, iterations=2)[2:-2, 2:-2, 2:-2])
    runs, _ = ndi.label(body.sum((1, 2)) * spacing[1] * spacing[2] > WHOLE_MM2)
    at = np.where(runs == 1 + np.argmax(np.bincount(runs[runs > 0])[1:]))[0]
    return slice(at[0], at[-1] + 1)


def patient_box(hu, spacing):
    """Those slices, and a margin of four pixels around the patient: the air beyond says nothing."""
    slices = whole_slices(hu, spacing)
    rows, columns = (np.where((hu[slices] > -1000).any(axes))[0] for axes in ((0, 2), (0, 1)))
    return np.s_[slices, max(0, rows[0] - 4) : rows[-1] + 5, max(0, columns[0] - 4) : columns[-1] + 5]


def zoom(voxels, spacing):
    """The box's zoom: linear, first and last sample on the first and last voxel."""
    shape = np.maximum(1, np.round(np.array(voxels.shape) * spacing / SPACING_MM)).astype(int)
    return ndi.zoom(voxels.astype(np.float32), shape / voxels.shape, output=np.float32, order=1, mode="nearest")


def zoom_labels(labels, spacing):
    """Each label's share is zoomed, the largest wins."""
    present = np.unique(labels)
    return present[np.argmax([zoom(labels == label, spacing) for label in present], 0)].astype(np.uint8)


def write_targets(labels, contoured):
    """Targets as structures.py says: a background voxel may be any structure that nobody contoured in this case, or below its last contour."""
    targets = np.where(labels > 0, labels, BACKGROUND).astype(np.uint8)
    for label, (source_name, _) in STRUCTURES.items():
        slices = np.where((labels == label).any((1, 2)))[0]
        if source_name not in contoured or not len(slices):
            below = len(labels)
        elif label in OPEN_BELOW:
            below = slices[0]
        else:
            continue
        part = targets[:below]
        part[part >= BACKGROUND] |= bit(label)
    return targets


def prepare_one(job):
    name, contoured, data, work = job
    hu, spacing = read_nifti(data / "ct" / f"{name}.nii.gz")
    labels, _ = read_nifti(data / "labels" / f"{name}.nii.gz")
    box = patient_box(hu, spacing)
    hu, labels = zoom(hu[box], spacing), zoom_labels(labels[box], spacing)
    np.savez(work / "cases" / f"{name}.npz", hu=np.trunc(hu).astype(np.int16), targets=write_targets(labels, contoured))
    print(name, labels.shape, np.bincount(labels.ravel(), minlength=CLASSES)[1:], flush=True)


def foreground_intensities(work, held_out):
    """nnU-Net's fingerprint: the same number of foreground voxels from every training CT."""
    random = np.random.default_rng(20261125)
    samples, shapes = [], []
    for file in sorted((work / "cases").glob("*.npz")):
        if file.stem in held_out:
            continue
        case = np.load(file)
        inside = case["hu"][(case["targets"] > 0) & (case["targets"] < BACKGROUND)]
        samples.append(random.choice(inside, 10000))
        shapes.append(case["hu"].shape)
    voxels = np.concatenate(samples).astype(float)
    low, high = np.percentile(voxels, [0.5, 99.5])
    found = {"max": voxels.max(), "mean": voxels.mean(), "median": np.median(voxels), "min": voxels.min(), "percentile_00_5": low, "percentile_99_5": high, "std": voxels.std()}
    return {"intensities": found, "medianShape": np.median(shapes, 0).tolist(), "numTraining": len(shapes)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    (arguments.work / "cases").mkdir(parents=True, exist_ok=True)
    cases = json.loads((arguments.data / "cases.json").read_text())["cases"]
    with multiprocessing.Pool(2) as pool:
        pool.map(prepare_one, [(name, cases[name]["labelled"], arguments.data, arguments.work) for name in arguments.only or sorted(cases)], chunksize=1)
    if not arguments.only:
        held_out = json.loads((HERE / "split.json").read_text())["heldOut"]
        (arguments.work / "intensities.json").write_text(json.dumps(foreground_intensities(arguments.work, held_out), indent=1))
