"""Writes zoom.json: small volumes zoomed by scipy.ndimage.zoom, orders 1 and 3 (cut to whole numbers as astype(int32) does) and order 0.

Arrays are base64 of little-endian int16 (orders 1 and 3) or uint8 (order 0), first axis fastest. Run: /usr/bin/python3 test/reference/zoom.py
"""
import base64
import json
import pathlib

import numpy as np
from scipy import ndimage

random = np.random.default_rng(20)


def text(array, dtype):
    return base64.b64encode(np.asarray(array, dtype).ravel(order="F").tobytes()).decode()


linear, nearest = [], []
for shape, zoom in [
    ((7, 9, 5), (0.6, 1.7, 2.0)),
    ((10, 6, 8), (0.5, 0.5, 0.25)),
    ((5, 5, 4), (1.0, 1.0, 1.0)),
    ((11, 3, 2), (0.33, 2.5, 3.5)),
    ((1, 8, 6), (3.0, 0.9766 / 1.5, 5 / 1.5)),
    ((13, 12, 3), (0.6510416, 0.6510416, 0.4)),
    ((6, 10, 14), (0.75, 1.05, 0.25)),
]:
    hu = random.integers(-1024, 3072, shape)
    zoomed = ndimage.zoom(hu.astype(float), zoom, order=1, mode="nearest", grid_mode=False).astype(np.int32)
    linear.append({"dims": shape, "zoom": zoom, "hu": text(hu, "<i2"), "zoomedDims": zoomed.shape, "zoomed": text(zoomed, "<i2")})
# A smooth volume, where cutting off fractions meets many values next to whole numbers.
x, y, z = np.meshgrid(*[np.arange(n) for n in (12, 9, 7)], indexing="ij")
for hu, zoom in [((40 * x - 25 * y + 60 * z - 1000), (1.5, 0.7, 1.3)), (np.full((6, 6, 6), -1024), (1.37, 0.61, 2.2))]:
    zoomed = ndimage.zoom(hu.astype(float), zoom, order=1, mode="nearest", grid_mode=False).astype(np.int32)
    linear.append({"dims": hu.shape, "zoom": zoom, "hu": text(hu, "<i2"), "zoomedDims": zoomed.shape, "zoomed": text(zoomed, "<i2")})

# Cubic splines: the same volumes, one longer than a block of slices and the reach on both sides of it, and one beyond int16 where it overshoots.
cubic = []
random3 = np.random.default_rng(3)
volumes = [(np.frombuffer(base64.b64decode(case["hu"]), "<i2").reshape(case["dims"], order="F"), case["zoom"]) for case in linear]
volumes.append((random3.integers(-1024, 3072, (6, 5, 150)), (1.2, 0.8, 0.61)))
volumes.append((random3.integers(-1024, 3072, (40, 37, 90)), (0.5, 0.45, 1.2)))
volumes.append((np.where(random3.random((5, 4, 6)) < 0.5, -32768, 32767), (1.7, 2.1, 1.9)))
for hu, zoom in volumes:
    zoomed = ndimage.zoom(hu.astype(float), zoom, order=3, mode="nearest", grid_mode=False).astype(np.int32).clip(-32768, 32767)
    cubic.append({"dims": hu.shape, "zoom": zoom, "hu": text(hu, "<i2"), "zoomedDims": zoomed.shape, "zoomed": text(zoomed, "<i2")})

for shape, target in [((7, 9, 5), (4, 15, 10)), ((4, 4, 4), (7, 7, 7)), ((5, 3, 8), (5, 9, 3)), ((1, 6, 2), (4, 11, 9)), ((9, 11, 13), (1, 2, 30))]:
    labels = random.integers(0, 256, shape)
    zoomed = ndimage.zoom(labels, np.array(target) / np.array(shape), order=0, mode="nearest", grid_mode=False)
    assert zoomed.shape == target
    nearest.append({"dims": shape, "labels": text(labels, "u1"), "zoomedDims": target, "zoomed": text(zoomed, "u1")})

here = pathlib.Path(__file__)
here.with_suffix(".json").write_text(json.dumps({"linear": linear, "cubic": cubic, "nearest": nearest}, indent=1) + "\n")
