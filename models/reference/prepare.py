"""Reads the CTs, brings them to the network's 3 mm grid, labels them by targets.py and caches both as WORK/cases/NAME.npz.

  /usr/bin/python3 prepare.py --data DATA --work WORK [--only NAME ...]

DATA is the folder with ct-corpus, labelled and totalsegmentator-example. split.json says what is held out; held-out
CTs are prepared too (evaluate.py reads them), train.py leaves them alone. Also measures the training foreground's
intensities, which become the plans' CTNormalization (WORK/intensities.json).
"""
import argparse
import json
import multiprocessing
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from scipy import ndimage as ndi

import targets

HERE = Path(__file__).parent
CORPUS, EXAMPLE, KBP = "ct-corpus", "totalsegmentator-example", "labelled/openkbp-headneck"
LONE_SLICE_COPIES = 12  # a lone slice becomes a 36 mm slab, z-constant: real tables and whole trunks are rare here

# What of a series the rules can't read from its voxels. Read off the pictures by eye, once.
SOURCES = {
    "example_ct": {"path": f"{EXAMPLE}/example_ct.nii.gz", "group": "body", "smallestLungMl": 20},
    "aorta_report": {"path": f"{EXAMPLE}/aorta_report/test_result/models/ct_cropped.nii.gz", "group": "body", "outsideAirAt": ["front"], "arterial": True, "boneSeedHu": 400, "smallestLungMl": 5},
    "sts_008": {"path": f"{CORPUS}/ge-discovery-st-sts_008", "group": "body", "noLungs": True},
    "hispeed-shoulder": {"path": f"{CORPUS}/ge-hispeed-transfer-syntaxes/CTImage.dcm", "group": "slice", "smallestLungMl": 8},
    "toshiba-base": {"path": f"{CORPUS}/toshiba-aquilion", "group": "slice", "smallestLungMl": 8, "lungFloorHu": -985, "lungSmoothing": 1.5},
    "wg04-ct1": {"path": f"{CORPUS}/wg04/CT1_JPLL", "group": "slice", "smallestLungMl": 8, "notJudgedMm": np.s_[:, 150:200, 105:155]},
    "wg04-ct2": {"path": f"{CORPUS}/wg04/CT2_JPLL", "group": "slice", "head": True, "noLungs": True},
    "elscint-jaw": {"path": f"{CORPUS}/elscint-jpegll", "group": "slice", "head": True, "noLungs": True},
    "hitachi-head": {"path": f"{CORPUS}/hitachi-supria-tilt", "group": "slice", "head": True, "noLungs": True},
    "sts_025": {"path": f"{CORPUS}/ge-discovery-st-sts_025", "group": "body", "noLungs": True, "couchBehindMm": 100},
    "lightspeed-ultra-3slice": {"path": f"{CORPUS}/ge-lightspeed-ultra-3slice", "group": "body", "smallestLungMl": 2},
    "example_ct_dicom": {"path": f"{EXAMPLE}/example_ct_dicom", "group": "body", "smallestLungMl": 0.3, "lungsBehindMm": 250},
}


def read_nifti(path):
    """Voxels zyx ascending to superior, posterior, left, and the spacing zyx in mm."""
    image = nibabel.load(path)
    image = image.as_reoriented(nibabel.orientations.ornt_transform(nibabel.orientations.io_orientation(image.affine), nibabel.orientations.axcodes2ornt("LPS")))
    return np.asarray(image.dataobj, np.float32).transpose(2, 1, 0), np.array(image.header.get_zooms()[:3], float)[::-1]


def read_dicom(path):
    images = [pydicom.dcmread(file, force=True) for file in ([path] if path.is_file() else sorted(path.iterdir()))]
    images.sort(key=lambda image: float(image.ImagePositionPatient[2]))
    voxels = np.stack([image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept) for image in images]).astype(np.float32)
    in_plane = [float(mm) for mm in images[0].PixelSpacing]
    if len(images) == 1:
        return np.repeat(voxels, LONE_SLICE_COPIES, 0), np.array([targets.SPACING_MM, *in_plane])
    heights = [float(image.ImagePositionPatient[2]) for image in images]
    return voxels, np.array([np.mean(np.diff(heights)), *in_plane])


def resample(voxels, spacing, order):
    shape = np.maximum(1, np.round(np.array(voxels.shape) * spacing / targets.SPACING_MM)).astype(int)
    return ndi.zoom(voxels, shape / voxels.shape, order=order, mode="nearest", grid_mode=True)


def blur_for_rules(voxels, spacing):
    """The rules see cell averages; the network sees nnU-Net's cubic interpolation with its aliasing."""
    return ndi.gaussian_filter(voxels, np.maximum(0, 0.4 * (targets.SPACING_MM / spacing - 1)))


def arterial_vessels(hu, seeds):
    """Heart, aorta and lung vessels of an arterial series: wide above 250 HU and near the given masks, or bright inside the lungs.

    Vertebrae here have marrow under 250 HU inside, so a 15 mm opening keeps chambers and great vessels only.
    """
    wide = ndi.binary_opening(hu > 250, targets.FACES, iterations=2)
    core = targets.grow_within(seeds & wide, wide) | seeds
    vessels = ndi.binary_dilation(core, targets.FACES, iterations=2, mask=hu > 220)
    lung = (hu > -950) & (hu < -500)
    hull = ndi.uniform_filter(ndi.binary_opening(lung, targets.FACES).astype(np.float32), 9) > 0.35
    return vessels | (hull & (hu > -200) & ~ndi.binary_closing(hu > 1200, iterations=2))


def prepare_source(name, data):
    source = dict(SOURCES[name])
    path = data / source["path"]
    voxels, spacing = read_nifti(path) if path.name.endswith(".nii.gz") else read_dicom(path)
    voxels = np.clip(voxels, -1024, 3071)  # padding outside the scanned circle (-2000, -3024) would ring
    hu, rules_hu = resample(voxels, spacing, 3), resample(blur_for_rules(voxels, spacing), spacing, 1)
    if source.get("arterial"):
        reports = data / EXAMPLE
        seeds = np.zeros(voxels.shape, bool)
        for mask in ("aorta", "brachiocephalic_trunk", "common_carotid_artery_left", "subclavian_artery_left"):
            seeds |= read_nifti(reports / f"aorta_report/test_result/models/{mask}.nii.gz")[0] > 0
        source["contrast"] = arterial_vessels(rules_hu, resample(seeds.astype(np.float32), spacing, 1) > 0.5)
    labels = targets.rule_targets(rules_hu, source)
    if source.get("arterial"):  # bright hilar vessels of no wide neighbour: bone or not, the rules can't tell
        bone = labels == targets.BONE
        labels[bone & ~targets.keep_components(bone, 2)] = targets.NOT_JUDGED
    if "notJudgedMm" in source:  # vena cava full of contrast
        labels[tuple(slice(None) if side.start is None else slice(int(side.start / 3), int(side.stop / 3)) for side in source["notJudgedMm"])] = targets.NOT_JUDGED
    return hu, labels, source["group"]


def prepare_head_and_neck(name, data):
    """One OpenKBP case, cut to the slices that show the whole body outline; some below show contoured organs only."""
    voxels, spacing = read_nifti(data / KBP / "ct" / f"{name}.nii.gz")
    organs, _ = read_nifti(data / KBP / "labels" / f"{name}.nii.gz")
    body = targets.fill_slices(ndi.binary_closing(np.pad(voxels > -1000, 2), targets.IN_PLANE, iterations=2)[2:-2, 2:-2, 2:-2])
    whole = body.sum((1, 2)) * spacing[1] * spacing[2] > 5000  # mm2; a neck has 8000 and more, organs alone less than 2500
    runs, count = ndi.label(whole)
    slices = runs == 1 + np.argmax(np.bincount(runs[runs > 0])[1:])
    stem_mm = (np.where((organs == 1).any((1, 2)))[0][0] - np.where(slices)[0][0]) * spacing[0]  # the brainstem may lie above the cut
    columns = np.where(body[slices].any((0, 1)))[0]
    rows = np.where(body[slices].any((0, 2)))[0]
    margin = 10
    box = np.s_[max(0, rows[0] - margin) : rows[-1] + margin + 1, max(0, columns[0] - margin) : columns[-1] + margin + 1]
    cut = lambda array: array[slices][:, box[0], box[1]]
    hu = resample(np.clip(cut(voxels), -1000, 3071), spacing, 1)  # linear: cubic rings at the blanked outline
    organs = resample(cut(organs), spacing, 0)
    cord = organs == 2
    cord_columns = np.array([np.nonzero(slice_)[1].mean() if slice_.any() else np.nan for slice_ in cord])
    known = np.where(~np.isnan(cord_columns))[0]
    source = {"head": True, "midlineColumns": np.interp(np.arange(len(hu)), known, cord_columns[known]), "boneSeedHu": 400, "neverBone": cord | (organs == 1), "smallestLungMl": 5, "lungFloorHu": -985, "lungsBelowSlice": max(0, int((stem_mm - 80) / targets.SPACING_MM))}
    return hu, targets.rule_targets(hu, source), "head-and-neck"


def prepare_one(job):
    name, data, work = job
    hu, labels, group = (prepare_source if name in SOURCES else prepare_head_and_neck)(name, data)
    np.savez_compressed(work / "cases" / f"{name}.npz", hu=np.clip(np.round(hu), -1024, 3071).astype(np.int16), labels=labels, group=group)
    shares = np.bincount(labels.ravel(), minlength=256)[[0, 1, 2, 3, 4, 5, 255]] / labels.size
    print(name, labels.shape, np.round(shares, 3), flush=True)


def foreground_intensities(work, held_out):
    """nnU-Net's fingerprint: the same number of foreground voxels from every training CT."""
    random = np.random.default_rng(20261123)
    samples, shapes = [], []
    for file in sorted((work / "cases").glob("*.npz")):
        if file.stem in held_out:
            continue
        case = np.load(file)
        inside = case["hu"][(case["labels"] > 0) & (case["labels"] != targets.NOT_JUDGED)]
        samples.append(random.choice(inside, 10000))
        shapes.append(case["hu"].shape)
    voxels = np.concatenate(samples).astype(float)
    low, high = np.percentile(voxels, [0.5, 99.5])
    return {"max": voxels.max(), "mean": voxels.mean(), "median": np.median(voxels), "min": voxels.min(), "percentile_00_5": low, "percentile_99_5": high, "std": voxels.std()}, np.median(shapes, 0).tolist(), len(shapes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    (arguments.work / "cases").mkdir(parents=True, exist_ok=True)
    everything = [*SOURCES, *sorted(json.loads((arguments.data / KBP / "cases.json").read_text())["cases"])]
    with multiprocessing.Pool(2) as pool:
        pool.map(prepare_one, [(name, arguments.data, arguments.work) for name in arguments.only or everything], chunksize=1)
    split = json.loads((HERE / "split.json").read_text())
    if not arguments.only:
        intensities, shape, count = foreground_intensities(arguments.work, {*split["openkbpHeldOut"], *split["heldOut"]})
        (arguments.work / "intensities.json").write_text(json.dumps({"intensities": intensities, "medianShape": shape, "numTraining": count}, indent=1))
