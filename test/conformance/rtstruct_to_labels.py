"""Reads RTSTRUCTs with pydicom and fills their contours again.

Usage: rtstruct_to_labels.py CASES.json, a list of {"rtstruct": path, "grid": see slices.py, "slices": [[sop instance uid, frame
or null] per k], "out": path}. Writes per case one byte per voxel, i fastest: the ROI number whose contours hold the voxel's centre. Fails
when a contour is off its plane, refers to another slice, has under three points, or when filling by the even-odd rule, by winding, by
the union of contours and by their exclusive or do not all give the same. Where holes are contours of their own, which the object's
description says, the exclusive or has to be what the sum of the windings gives, so that holes run the other way round.
"""
import json
import sys

import numpy as np
import pydicom

from slices import indices


def fill(i, j, ni, nj):
    """Crossings to the right of each pixel centre: parity and winding of a polygon."""
    winding = np.zeros((nj, ni), dtype=int)
    crossings = np.zeros((nj, ni), dtype=int)
    i2, j2 = np.roll(i, -1), np.roll(j, -1)
    rows = np.arange(max(0, int(np.floor(j.min()))), min(nj, int(np.ceil(j.max())) + 1))
    for row in rows:
        crosses = np.nonzero((j <= row) != (j2 <= row))[0]
        at = i[crosses] + (row - j[crosses]) / (j2[crosses] - j[crosses]) * (i2[crosses] - i[crosses])
        order = np.argsort(at)
        sign = np.where(j2[crosses] > j[crosses], 1, -1)[order]
        passed = np.searchsorted(at[order], np.arange(ni), side="right")
        crossings[row] = len(at) - passed
        winding[row] = sign.sum() - np.concatenate([[0], np.cumsum(sign)])[passed]
    return crossings % 2 == 1, winding


def labels_of(path, grid, slices):
    rt = pydicom.dcmread(path)
    ni, nj, nk = grid["dims"]
    known = [int(r.ROINumber) for r in rt.StructureSetROISequence]
    assert known == [int(r.ReferencedROINumber) for r in rt.ROIContourSequence] == [int(r.ReferencedROINumber) for r in rt.RTROIObservationsSequence]
    labels = np.zeros((nk, nj, ni), dtype=np.uint8)
    for roi in rt.ROIContourSequence:
        union = np.zeros((nk, nj, ni), dtype=bool)
        either = np.zeros((nk, nj, ni), dtype=bool)
        windings = np.zeros((nk, nj, ni), dtype=int)
        types = {contour.ContourGeometricType for contour in roi.ContourSequence}
        assert len(types) == 1 and types <= {"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"}, types
        is_xor = "combined by exclusive or" in rt.StructureSetDescription
        assert is_xor or types == {"CLOSED_PLANAR"}
        for contour in roi.ContourSequence:
            data = contour.ContourData
            if isinstance(data, bytes):  # a value written as UN, which this pydicom leaves as it is
                data = data.decode("ascii").split("\\")
            points = np.array(data, dtype=float).reshape(-1, 3)
            assert len(points) == contour.NumberOfContourPoints >= 3
            i, j, of_slice, off_mm = indices(grid, points)
            k = int(of_slice[0])
            assert (of_slice == k).all() and np.abs(off_mm).max() < 1e-3, "off its plane"
            image = contour.ContourImageSequence[0]
            assert [image.ReferencedSOPInstanceUID, image.get("ReferencedFrameNumber")] == slices[k], "refers to another slice"
            inside, winding = fill(i, j, ni, nj)
            assert is_xor or winding.min() >= 0, "runs the wrong way round"
            assert np.abs(winding).max() <= 1 and (inside == (winding != 0)).all(), "parity and winding differ"
            windings[k] += winding
            union[k] |= inside
            either[k] ^= inside
        assert is_xor or (union == either).all(), "contours of one structure overlap"
        assert (either == (windings == 1)).all() and windings.min() >= 0, "holes do not run the other way round"
        assert not labels[either].any(), "two structures over one voxel"
        labels[either] = int(roi.ReferencedROINumber)
    return labels


for case in json.load(open(sys.argv[1])):
    open(case["out"], "wb").write(labels_of(case["rtstruct"], case["grid"], case["slices"]).tobytes())
