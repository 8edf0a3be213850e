"""Writes NIfTI images with nibabel. In: {out, images: [{name, type, shape, affine, form, slope, inter}]}; voxel n holds n - 500, scaled."""
import json
import pathlib
import sys

import nibabel
import numpy

request = json.load(sys.stdin)
for image in request["images"]:
    count = int(numpy.prod(image["shape"]))
    stored = (numpy.arange(count) - image.get("offset", 0)).astype(image["type"]).reshape(image["shape"], order="F")
    made = nibabel.Nifti1Image(stored, None)
    affine = numpy.array(image["affine"])
    made.set_sform(affine if image["form"] == "sform" else None, code=1 if image["form"] == "sform" else 0)
    if image["form"] == "qform":
        made.set_qform(affine, code=1)
    made.header.set_slope_inter(image.get("slope", 1), image.get("inter", 0))
    # to_filename would choose a scaling of its own: the header and the voxels are written as they are.
    made.header["vox_offset"] = 352
    made.header["magic"] = b"n+1"
    bytes_ = made.header.binaryblock + b"\0" * 4 + stored.tobytes(order="F")
    bytes_ = bytearray(bytes_)
    numpy.frombuffer(bytes_, numpy.float32, 2, 112)[:] = [image.get("slope", 1), image.get("inter", 0)]
    (pathlib.Path(request["out"]) / image["name"]).write_bytes(bytes_)
print("null")
