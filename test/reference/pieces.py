"""Writes pieces.json: label maps before and after scipy's connected components (ndimage.label, faces) decided what stays: pieces of at most so many
voxels removed from every label; only the largest piece kept of one label, small ones removed from the others; another number for some labels.

As TotalSegmentator does it for one label after the other; the sizes of the pieces differ, so that "largest" has one answer. Arrays are base64, first
axis fastest. Run: /usr/bin/python3 test/reference/pieces.py
"""
import base64
import json
import pathlib

import numpy as np
from scipy import ndimage

random = np.random.default_rng(200)


def without_small(labels, value, voxels):
    pieces, _ = ndimage.label(labels == value)
    sizes = np.bincount(pieces.ravel())
    small = np.isin(pieces, np.nonzero(sizes <= voxels)[0])
    labels[(labels == value) & small] = 0


def only_largest(labels, value):
    pieces, count = ndimage.label(labels == value)
    if count == 0:
        return
    sizes = np.bincount(pieces.ravel())[1:]
    assert np.sum(sizes == sizes.max()) == 1
    labels[(labels == value) & (pieces != sizes.argmax() + 1)] = 0


cases = []
for name, shape, sigma, spacing, mm3, largest, own in [
    ("blobs of five labels, 200 mm3", (27, 30, 22), 1.4, (1.5, 1.5, 1.5), 200, [], {}),
    ("specks, nearly all go", (20, 17, 9), 0.6, (3, 3, 3), 200, [], {}),
    ("largest of one label, 50 voxels of the others", (25, 18, 26), 1.2, (1, 1, 2), 100, [2], {}),
    ("one slice", (40, 40, 1), 1.0, (2, 2, 2), 96, [1], {}),
    ("volumes of their own: nothing, more, more than there is, the largest that is too small", (26, 24, 19), 1.3, (1.5, 1.5, 1.5), 200, [4, 5], {1: 0, 2: 700, 3: 1e6, 5: 1e6}),
    ("one label only, as the body's extremities", (30, 21, 20), 1.3, (2, 2, 2), None, [1], {2: 500}),
]:
    fields = np.stack([ndimage.gaussian_filter(random.normal(size=shape), sigma) for _ in range(6)])
    labels = fields.argmax(0).astype(np.uint8)
    after = labels.copy()
    for value in range(1, 6):
        if value in largest:
            only_largest(after, value)
        small = own.get(value, None if value in largest else mm3)
        if small is not None:
            without_small(after, value, small / np.prod(spacing))
    print(name, np.bincount(labels.ravel()), np.bincount(after.ravel()))
    cases.append(
        {
            "name": name,
            "dims": shape,
            "voxelMm3": float(np.prod(spacing)),
            "removeSmallBlobsMm3": mm3,
            "removeSmallBlobsMm3Of": own,
            "keepLargest": largest,
            "before": base64.b64encode(labels.ravel(order="F").tobytes()).decode(),
            "after": base64.b64encode(after.ravel(order="F").tobytes()).decode(),
            "pieces": sum(ndimage.label(labels == value)[1] for value in range(1, 6)),
        }
    )

pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, indent=1) + "\n")
