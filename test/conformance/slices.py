"""Where slices lie, worked out apart from the appliance: a grid is {dims, origin, steps} and, where slices are uneven, sliceOrigins."""
import numpy as np


def slice_origins(grid):
    if "sliceOrigins" in grid:
        return np.array(grid["sliceOrigins"], dtype=float)
    return np.array(grid["origin"], dtype=float) + np.outer(np.arange(grid["dims"][2]), grid["steps"][2])


def indices(grid, points):
    """Fractional i and j, the k of the slice that is nearest along the normal, and how far off it each point is, mm."""
    row, column = (np.array(step, dtype=float) for step in grid["steps"][:2])
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    origins = slice_origins(grid)
    heights = points @ normal
    k = np.abs(heights[:, None] - (origins @ normal)[None, :]).argmin(axis=1)
    within = np.linalg.solve(np.column_stack([row, column, normal]), (points - origins[k]).T)
    return within[0], within[1], k, within[2]


def slab_mm(grid):
    """From half-way to the slice before to half-way to the next; outermost slices reach as far out as in."""
    normal = np.cross(*grid["steps"][:2])
    if grid["dims"][2] == 1:
        return np.array([abs(np.dot(grid["steps"][2], normal)) / np.linalg.norm(normal)])
    heights = slice_origins(grid) @ (normal / np.linalg.norm(normal))
    gaps = np.abs(np.diff(heights))
    return (np.concatenate([gaps[:1], gaps]) + np.concatenate([gaps, gaps[-1:]])) / 2
