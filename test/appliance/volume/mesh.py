"""Reads a binary STL file with numpy alone: what another program makes of it."""

import json
import sys

import numpy

asked = json.load(sys.stdin)
with open(asked["file"], "rb") as file:
    header = file.read(80)
    (count,) = numpy.fromfile(file, dtype="<u4", count=1)
    records = numpy.fromfile(file, dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
corners = records["corners"].astype(float)
points, numbers = numpy.unique(records["corners"].reshape(-1, 3), axis=0, return_inverse=True)
triangles = numbers.reshape(-1, 3)
sides = numpy.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
there, times = numpy.unique(sides, axis=0, return_counts=True)
back = {tuple(side) for side in there[:, ::-1].tolist()}
cross = numpy.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
six = numpy.einsum("ni,ni->n", corners[:, 0], numpy.cross(corners[:, 1], corners[:, 2]))
json.dump(
    {
        "header": header.decode("ascii").strip(),
        "count": int(count),
        "records": len(records),
        "points": len(points),
        "openSides": sum(tuple(side) not in back for side in there.tolist()),
        "sidesTaken": int(times.max()),
        "volume": float(six.sum() / 6),
        "centre": ((corners.mean(axis=1) * six[:, None]).sum(axis=0) * 0.75 / six.sum()).tolist(),
        "low": corners.min(axis=(0, 1)).tolist(),
        "high": corners.max(axis=(0, 1)).tolist(),
        "normalsAgree": bool((numpy.einsum("ni,ni->n", cross, records["normal"]) >= 0).all()),
    },
    sys.stdout,
)
