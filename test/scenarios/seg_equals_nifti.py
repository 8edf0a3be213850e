"""Places every frame of a SEG back by its own position and compares with a NIfTI label map, voxel for voxel.

Standard input: {"seg": path, "nifti": path, "labels": {segment label: value}}; standard output: counts as JSON.
"""
import json
import sys

import nibabel
import numpy
import pydicom

request = json.load(sys.stdin)
seg = pydicom.dcmread(request["seg"])
image = nibabel.load(request["nifti"])
expected = numpy.asarray(image.dataobj)
to_ijk = numpy.linalg.inv(image.affine)
frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
shared = seg.SharedFunctionalGroupsSequence[0]
orientation = [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient]
row_spacing, column_spacing = [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing]
values = {item.SegmentNumber: request["labels"][item.SegmentLabel] for item in seg.SegmentSequence}
placed = numpy.zeros(expected.shape, numpy.uint8)
rows, columns = numpy.mgrid[0 : seg.Rows, 0 : seg.Columns]
along_row, along_column = numpy.array(orientation[:3]) * column_spacing, numpy.array(orientation[3:]) * row_spacing
for frame, groups in zip(frames, seg.PerFrameFunctionalGroupsSequence):
    origin = numpy.array([float(v) for v in groups.PlanePositionSequence[0].ImagePositionPatient])
    lps = origin + columns[..., None] * along_row + rows[..., None] * along_column
    ijk = numpy.rint((lps * [-1, -1, 1]) @ to_ijk[:3, :3].T + to_ijk[:3, 3]).astype(int)
    inside = frame > 0
    at = tuple(ijk[inside].T)
    assert not placed[at].any(), "two segments share a voxel"
    placed[at] = values[groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
json.dump({"differing": int((placed != expected).sum()), "segments": len(values), "frames": len(frames)}, sys.stdout)
