"""Writes predict.json: label maps from the whole way of a CT through TotalSegmentator and nnU-Net v2, step by step with nibabel, scipy and numpy.

canonical orientation, zoom order 1 cut to whole numbers, zyx, transpose, crop to the box of non-zero voxels, CT normalisation, padding,
sliding window with Gaussian weights, argmax, and all the way back with zoom order 0. The network is a formula: logit c is
gain[c] * value + bias[c] + 0.4 * ((7 z + 3 y + 5 x + 2 c) mod 11), with z, y, x the place in the tile, so that a wrong place or weight shows.

Arrays are base64, first axis fastest. Run: /usr/bin/python3 test/reference/predict.py
"""
import base64
import json
import math
import pathlib

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform
from scipy import ndimage

random = np.random.default_rng(218)
GAIN, BIAS = [-2.0, 0.5, 2.5, 0.0], [0.0, 0.8, -1.0, 1.1]


def network(patch):
    z, y, x = np.meshgrid(*[np.arange(n) for n in patch.shape], indexing="ij")
    return np.stack([g * patch + b + 0.4 * ((7 * z + 3 * y + 5 * x + 2 * c) % 11) for c, (g, b) in enumerate(zip(GAIN, BIAS))])


def starts(length, tile, step):
    count = int(math.ceil((length - tile) / (tile * step))) + 1
    return [int(np.round((length - tile) / max(count - 1, 1) * n)) for n in range(count)]


def weights(tile):
    delta = np.zeros(tile)
    delta[tuple(n // 2 for n in tile)] = 1
    exact = ndimage.gaussian_filter(delta, [n / 8 for n in tile], 0, mode="constant", cval=0)
    half = (exact / exact.max() * 10).astype(np.float16)
    half[half == 0] = half[half != 0].min()
    return half.astype(float)


def predict(hu, affine, patch, spacing, transpose, step, ct):
    canonical = nib.as_closest_canonical(nib.Nifti1Image(hu.astype(np.int16), affine))
    data = np.asanyarray(canonical.dataobj).astype(float)
    zyx_spacing = [0, 0, 0]
    for n, axis in enumerate(transpose):
        zyx_spacing[axis] = spacing[n]
    zoom = np.array(canonical.header.get_zooms()) / np.array(zyx_spacing[::-1])
    image = ndimage.zoom(data, zoom, order=1, mode="nearest", grid_mode=False).astype(np.int32)
    image = image.transpose(2, 1, 0).transpose(transpose)

    inside = np.where(ndimage.binary_fill_holes(image != 0))
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in inside)
    cropped = np.clip(image[box].astype(np.float32), ct["low"], ct["high"])
    cropped = (cropped - np.float32(ct["mean"])) / np.float32(ct["std"])
    missing = [max(0, p - n) for p, n in zip(patch, cropped.shape)]
    padded = np.pad(cropped, [(m // 2, m - m // 2) for m in missing])

    logits, total, weight = np.zeros((len(GAIN), *padded.shape)), np.zeros(padded.shape), weights(patch)
    for z in starts(padded.shape[0], patch[0], step):
        for y in starts(padded.shape[1], patch[1], step):
            for x in starts(padded.shape[2], patch[2], step):
                at = (slice(z, z + patch[0]), slice(y, y + patch[1]), slice(x, x + patch[2]))
                logits[(slice(None), *at)] += network(padded[at].astype(float)) * weight
                total[at] += weight
    found = (logits / total).argmax(0).astype(np.uint8)
    found = found[tuple(slice(m // 2, m // 2 + n) for m, n in zip(missing, cropped.shape))]

    labels = np.zeros(image.shape, np.uint8)
    labels[box] = found
    labels = labels.transpose(np.argsort(transpose)).transpose(2, 1, 0)
    labels = ndimage.zoom(labels, np.array(data.shape) / np.array(labels.shape), order=0, mode="nearest", grid_mode=False)
    back = ornt_transform(axcodes2ornt("RAS"), io_orientation(affine))
    labels = apply_orientation(labels, back)
    assert labels.shape == hu.shape
    return labels, image, box


def blobs(shape):
    smooth = ndimage.gaussian_filter(random.normal(size=shape), 1.2)
    return np.round(smooth / smooth.std() * 250).astype(int)


cases = []
CT = {"low": -300.0, "high": 650.5, "mean": 77.25, "std": 181.3}
for name, shape, codes, steps, margin, patch, spacing, transpose, step in [
    ("axial, as scanners send it", (30, 26, 14), "LPS", (0.9, 0.9, 2.5), 0, (8, 16, 12), (1.5, 1.5, 1.5), (0, 1, 2), 0.5),
    ("sagittal, with a margin of 0 HU", (21, 34, 27), "PIR", (1.1, 1.0, 0.8), 4, (8, 8, 8), (1.5, 1.5, 1.5), (0, 1, 2), 0.8),
    ("smaller than a patch along two axes", (9, 31, 6), "ASL", (1.0, 1.2, 3.0), 1, (24, 16, 16), (1.5, 2.0, 1.25), (0, 1, 2), 0.5),
    ("transposed, anisotropic", (22, 24, 30), "RAI", (1.3, 1.3, 1.0), 2, (12, 8, 10), (1.75, 1.1, 1.6), (1, 2, 0), 0.5),
]:
    hu = blobs(shape)
    if margin:
        kept = np.zeros(shape, bool)
        kept[margin:-margin, margin : -margin or None, margin:] = True
        hu[~kept] = 0
    matrix = np.zeros((3, 3))
    for column, code in enumerate(codes):
        axis, sign = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}[code]
        matrix[axis, column] = sign * steps[column]
    affine = np.eye(4)
    affine[:3, :3] = matrix
    labels, image, box = predict(hu, affine, patch, spacing, transpose, step, CT)
    print(name, image.shape, [(b.start, b.stop) for b in box], np.bincount(labels.ravel()))
    cases.append(
        {
            "name": name,
            "matrix": matrix.tolist(),
            "dims": shape,
            "hu": base64.b64encode(hu.astype("<i2").ravel(order="F").tobytes()).decode(),
            "patch": patch,
            "spacing": spacing,
            "transpose": transpose,
            "step": step,
            "preparedShape": image.shape,
            "box": [[b.start, b.stop] for b in box],
            "labels": base64.b64encode(labels.ravel(order="F").tobytes()).decode(),
        }
    )

pathlib.Path(__file__).with_suffix(".json").write_text(
    json.dumps({"ct": CT, "gain": GAIN, "bias": BIAS, "cases": cases}, indent=1) + "\n"
)
