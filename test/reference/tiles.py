"""Writes tiles.json: positions and weights of sliding-window tiles as nnU-Net v2 defines them, by numpy and scipy.

Positions follow the published rule: ceil((length - tile) / (tile * step)) + 1 tiles, spread evenly, rounded by numpy. Weights are
scipy.ndimage.gaussian_filter of a single 1 at index tile // 2, sigma tile / 8, mode constant, scaled to a peak of 10, stored as float16,
zeros replaced by the smallest other value. Run: /usr/bin/python3 test/reference/tiles.py
"""
import json
import math
import pathlib

import numpy as np
from scipy.ndimage import gaussian_filter

random = np.random.default_rng(8)


def starts(length, tile, step):
    count = int(math.ceil((length - tile) / (tile * step))) + 1
    if count == 1:
        return [0]
    distance = (length - tile) / (count - 1)
    return [int(np.round(distance * n)) for n in range(count)]


positions = []
for tile in (8, 32, 96, 112, 128, 160):
    for step in (0.5, 0.8, 1.0):
        for length in [tile, tile + 1, tile * 2, tile * 2 + 3] + random.integers(tile, 6 * tile, 8).tolist():
            positions.append({"length": length, "tile": tile, "step": step, "starts": starts(length, tile, step)})

weights = []
for tile in ((8, 10, 12), (5, 7, 6), (96, 96, 96), (112, 112, 128), (28, 96, 40)):
    delta = np.zeros(tile)
    delta[tuple(n // 2 for n in tile)] = 1
    exact = gaussian_filter(delta, [n / 8 for n in tile], 0, mode="constant", cval=0)
    exact /= exact.max()
    half = (exact * 10).astype(np.float16)
    zeros = int((half == 0).sum())
    half[half == 0] = half[half != 0].min()
    # Every voxel of a small tile; of a large one its diagonal and some at random.
    flat = np.arange(exact.size)
    if exact.size > 500:
        n = max(tile)
        diagonal = [np.minimum(np.arange(n), length - 1) for length in tile]
        flat = np.concatenate([np.ravel_multi_index(diagonal, tile), random.integers(0, exact.size, 50)])
    weights.append(
        {
            "tile": tile,
            "zerosInHalf": zeros,
            "at": flat.tolist(),
            "exact": exact.ravel()[flat].tolist(),
            "half": half.ravel()[flat].astype(float).tolist(),
        }
    )

pathlib.Path(__file__).with_suffix(".json").write_text(
    '{"positions": [\n' + ",\n".join(map(json.dumps, positions)) + '\n],\n"weights": [\n' + ",\n".join(map(json.dumps, weights)) + "\n]}\n"
)
