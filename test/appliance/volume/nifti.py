"""Reads a NIfTI file with nibabel: what another program makes of it."""

import json
import sys
import xml.etree.ElementTree

import nibabel
import numpy

asked = json.load(sys.stdin)
image = nibabel.load(asked["file"])
data = numpy.asanyarray(image.dataobj)


def names(extension):
    """The label table as TotalSegmentator's load_multilabel_nifti reads it: the whole content is XML."""
    root = xml.etree.ElementTree.fromstring(extension.get_content())
    return [[int(label.get("Key")), label.text, [float(label.get(part)) for part in ("Red", "Green", "Blue")]]
            for label in root.findall("VolumeInformation/LabelTable/Label")]


json.dump(
    {
        "shape": list(image.shape),
        "dtype": str(data.dtype),
        "affine": image.affine.tolist(),
        "zooms": [float(zoom) for zoom in image.header.get_zooms()],
        "units": image.header.get_xyzt_units()[0],
        "sform": int(image.header["sform_code"]),
        "voxels": [[int(data[tuple(ijk)]) for ijk in asked["ijk"]]][0],
        "extensions": [[extension.get_code(), names(extension)] for extension in image.header.extensions],
        "middle": nibabel.affines.apply_affine(image.affine, numpy.argwhere(data).mean(axis=0)).tolist() if data.any() else [],
        "sum": int(data.astype(numpy.int64).sum()),
    },
    sys.stdout,
)
