"""Reads SEGs and Label Map SEGs with pydicom and puts every frame back by its own position.

Usage: seg_to_labels.py CASES.json, a list of {"seg": path, "grid": {dims, origin, steps}, "slices": [[sop instance uid, frame or null]
per k], "out": path}. Writes per case one byte per voxel, i fastest: the segment number, 0 where no frame has a pixel. Fails on a frame off
the grid, on one that refers to another slice's image, on two frames over one voxel, and on a label map that does not have a frame for
each slice and a description for each pixel value.
"""
import json
import sys

import numpy as np
import pydicom


def labels_of(path, grid, slices):
    seg = pydicom.dcmread(path)
    ni, nj, nk = grid["dims"]
    to_ijk = np.linalg.inv(np.array(grid["steps"], dtype=float).T)
    origin = np.array(grid["origin"], dtype=float)
    shared = seg.SharedFunctionalGroupsSequence[0]
    column_step, row_step = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    row_mm, column_mm = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    assert len(pixels) == seg.NumberOfFrames == len(seg.PerFrameFunctionalGroupsSequence)
    labels = np.zeros((nk, nj, ni), dtype=np.uint8)
    numbers = [int(s.SegmentNumber) for s in seg.SegmentSequence]
    is_label_map = seg.SegmentationType == "LABELMAP"
    taken = np.zeros((nk, nj, ni), dtype=bool)
    for frame, groups in zip(pixels, seg.PerFrameFunctionalGroupsSequence):
        if is_label_map:
            assert set(np.unique(frame)) <= set(numbers), "a pixel of no segment"
            j, i = (axis.ravel() for axis in np.indices(frame.shape))
        else:
            number = int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
            assert number in numbers and frame.any(), "a frame of no segment, or an empty one"
            frame = frame * number
            j, i = np.nonzero(frame)
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        points = position + np.outer(i * column_mm, column_step) + np.outer(j * row_mm, row_step)
        ijk = (points - origin) @ to_ijk.T
        nearest = np.rint(ijk).astype(int)
        assert np.abs(ijk - nearest).max() < 1e-4, "a pixel between voxels"
        at = tuple(nearest.T[::-1])
        assert not taken[at].any(), "two frames over one voxel"
        image = groups.DerivationImageSequence[0].SourceImageSequence[0]
        assert [image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")] == slices[nearest[0][2]], "refers to another slice"
        taken[at] = True
        labels[at] = frame[j, i]
    assert taken.all() or not is_label_map, "a slice without a frame"
    return labels


for case in json.load(open(sys.argv[1])):
    open(case["out"], "wb").write(labels_of(case["seg"], case["grid"], case["slices"]).tobytes())
