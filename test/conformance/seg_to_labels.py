"""Reads SEGs and Label Map SEGs with pydicom and puts every frame back by its own position.

Usage: seg_to_labels.py CASES.json, a list of {"seg": path, "grid": see slices.py, "slices": [[sop instance uid, frame or null]
per k], "out": path}. Writes per case one byte per voxel, i fastest: the segment number, 0 where no frame has a pixel. Fails on a frame off
the grid or with another thickness than its slice's slab, on one that refers to another slice's image, on two frames over one voxel, and on a label map that does not have a frame for
each slice and a description for each pixel value.
"""
import json
import sys

import numpy as np
import pydicom

from slices import indices, slab_mm


def labels_of(path, grid, slices):
    seg = pydicom.dcmread(path)
    ni, nj, nk = grid["dims"]
    slabs = slab_mm(grid)
    shared = seg.SharedFunctionalGroupsSequence[0]
    column_step, row_step = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    assert len(pixels) == seg.NumberOfFrames == len(seg.PerFrameFunctionalGroupsSequence)
    labels = np.zeros((nk, nj, ni), dtype=np.uint8)
    numbers = [int(s.SegmentNumber) for s in seg.SegmentSequence]
    is_label_map = seg.SegmentationType == "LABELMAP"
    taken = np.zeros((nk, nj, ni), dtype=bool)
    for frame, groups in zip(pixels, seg.PerFrameFunctionalGroupsSequence):
        # What is not said of all frames is said of each.
        [measures] = (shared if "PixelMeasuresSequence" in shared else groups).PixelMeasuresSequence
        row_mm, column_mm = (float(v) for v in measures.PixelSpacing)
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
        at_i, at_j, k, off_mm = indices(grid, points)
        nearest_i, nearest_j = np.rint(at_i).astype(int), np.rint(at_j).astype(int)
        assert max(np.abs(at_i - nearest_i).max(), np.abs(at_j - nearest_j).max(), np.abs(off_mm).max()) < 1e-4, "a pixel between voxels"
        assert abs(float(measures.SliceThickness) - slabs[k[0]]) < 0.06, "not as thick as its slab"  # rounded positions
        assert "SpacingBetweenSlices" not in measures or np.ptp(slabs) < 0.12, "uneven slices have no one spacing"
        at = (k, nearest_j, nearest_i)
        assert not taken[at].any(), "two frames over one voxel"
        image = groups.DerivationImageSequence[0].SourceImageSequence[0]
        assert [image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")] == slices[k[0]], "refers to another slice"
        taken[at] = True
        labels[at] = frame[j, i]
    assert taken.all() or not is_label_map, "a slice without a frame"
    return labels


for case in json.load(open(sys.argv[1])):
    open(case["out"], "wb").write(labels_of(case["seg"], case["grid"], case["slices"]).tobytes())
