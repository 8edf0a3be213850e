"""Straightens slices by scipy's interpolation in index space, and counts the voxels that another program made otherwise.

Reads {"source", "target"}: each {"dims", "origin", "steps", "sliceOrigins"?, "hu"}. For every target voxel: each source slice is asked for the
place straight below or above it, and the two nearest are weighed by their distance. Voxels within a pixel of the border are not compared.
"""
import json
import sys

import numpy as np
from scipy.interpolate import interp1d
from scipy.ndimage import map_coordinates

asked = json.load(sys.stdin)
source, target = asked["source"], asked["target"]


def origins(grid):
    regular = [np.array(grid["origin"]) + k * np.array(grid["steps"][2]) for k in range(grid["dims"][2])]
    return np.array(grid.get("sliceOrigins") or regular, dtype=float)


def voxels(grid):
    return np.array(grid["hu"], dtype=float).reshape(grid["dims"][::-1])


row, column = (np.array(step) for step in source["steps"][:2])
normal = np.cross(row, column)
normal /= np.linalg.norm(normal)
ni, nj, _ = target["dims"]
j, i = np.mgrid[0:nj, 0:ni]
heights = origins(source) @ normal
differing = compared = 0
for place, found in zip(origins(target), voxels(target)):
    # Every source slice, moved under the target's pixels; then along the normal.
    moved, inside = [], np.ones((nj, ni), dtype=bool)
    nearest = np.argsort(abs(heights - place @ normal))[:2]
    for k, (origin, pixels) in enumerate(zip(origins(source), voxels(source))):
        ijk = np.linalg.solve(np.column_stack([row, column, normal]), place - origin)
        at = [j + ijk[1], i + ijk[0]]
        moved.append(map_coordinates(pixels, at, order=1, mode="nearest"))
        if k in nearest:
            inside &= (at[0] >= 0) & (at[0] <= pixels.shape[0] - 1) & (at[1] >= 0) & (at[1] <= pixels.shape[1] - 1)
    height = np.clip(place @ normal, heights[0], heights[-1])
    expected = interp1d(heights, np.array(moved), axis=0)(height)
    differing += int((abs(found - expected)[inside] > 0.51).sum())  # rounded to whole HU
    compared += int(inside.sum())
json.dump({"differing": differing, "compared": compared}, sys.stdout)
