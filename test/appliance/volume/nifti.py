"""Reads a NIfTI file with nibabel: what another program makes of it."""

import json
import sys

import nibabel
import numpy

asked = json.load(sys.stdin)
image = nibabel.load(asked["file"])
data = numpy.asanyarray(image.dataobj)
json.dump(
    {
        "shape": list(image.shape),
        "dtype": str(data.dtype),
        "affine": image.affine.tolist(),
        "zooms": [float(zoom) for zoom in image.header.get_zooms()],
        "units": image.header.get_xyzt_units()[0],
        "sform": int(image.header["sform_code"]),
        "voxels": [[int(data[tuple(ijk)]) for ijk in asked["ijk"]]][0],
        "sum": int(data.astype(numpy.int64).sum()),
    },
    sys.stdout,
)
