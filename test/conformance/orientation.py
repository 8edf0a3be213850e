"""Says where each structure lies in the patient according to each file of a result, by pydicom, nibabel and numpy alone.

Reads a JSON list of {"seg", "labelmap", "rtstruct", "nifti", "obj", "picture": path, "stl": [path per label], "colors": [[r, g, b] per
label]} and writes, per case, {format: {label: [x, y, z] of the middle, LPS mm}}, and for the picture {panel: {label: [x, y] pixels from
the upper left corner}}, null where there is none.
"""
import json
import sys

import nibabel
import numpy as np
import pydicom


def middles(points_by_label):
    return {str(label): np.concatenate(points).mean(axis=0).tolist() for label, points in points_by_label.items()}


def of_seg(path):
    seg = pydicom.dcmread(path)
    shared = seg.SharedFunctionalGroupsSequence[0]
    column_step, row_step = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, dtype=float).reshape(2, 3)
    # Titles end with their label: segments are numbered otherwise.
    label_of = {int(s.SegmentNumber): int(s.SegmentLabel.split()[-1]) for s in seg.SegmentSequence if s.SegmentNumber > 0}
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    found = {}
    for frame, groups in zip(pixels, seg.PerFrameFunctionalGroupsSequence):
        [measures] = (shared if "PixelMeasuresSequence" in shared else groups).PixelMeasuresSequence
        row_mm, column_mm = (float(mm) for mm in measures.PixelSpacing)
        if seg.SegmentationType == "BINARY":
            frame = frame * int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
        for number in set(np.unique(frame)) - {0}:
            j, i = np.nonzero(frame == number)
            points = position + np.outer(i * column_mm, column_step) + np.outer(j * row_mm, row_step)
            found.setdefault(label_of[number], []).append(points)
    return middles(found)


def of_rtstruct(path):
    """Middle of the areas: half the sum of cross products about the first point, weighted by area."""
    rt = pydicom.dcmread(path)
    label_of = {int(roi.ROINumber): int(roi.ROIName.split()[-1]) for roi in rt.StructureSetROISequence}
    found = {}
    for roi in rt.ROIContourSequence:
        weighted, total = np.zeros(3), 0.0
        for contour in roi.ContourSequence:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            first = points[0]
            a, b = points - first, np.roll(points, -1, axis=0) - first
            crosses = np.cross(a, b)
            normal = crosses.sum(axis=0)
            areas = crosses @ (normal / np.linalg.norm(normal)) / 2
            weighted += (areas[:, None] * ((a + b) / 3 + first)).sum(axis=0)
            total += areas.sum()
        found[str(label_of[int(roi.ReferencedROINumber)])] = (weighted / total).tolist()
    return found


def of_nifti(path):
    image = nibabel.load(path)
    data = np.asanyarray(image.dataobj)
    found = {}
    for label in set(np.unique(data)) - {0}:
        ras = nibabel.affines.apply_affine(image.affine, np.argwhere(data == label))
        found[int(label)] = [ras * [-1, -1, 1]]
    return middles(found)


def solid(triangles):
    """Middle of what the triangles enclose; they have to face outwards."""
    first = triangles[0, 0]
    corners = triangles - first
    volumes = np.einsum("ni,ni->n", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volumes.sum() > 0, "faces inwards"
    return ((corners.sum(axis=1) / 4 * volumes[:, None]).sum(axis=0) / volumes.sum() + first).tolist()


def of_stl(path):
    with open(path, "rb") as file:
        assert b"SPACE=LPS" in file.read(80)
        file.read(4)
        records = np.fromfile(file, dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    return solid(records["corners"].astype(float))


def of_obj(path):
    lines = open(path).read().splitlines()
    assert lines[0] == "# SPACE=LPS"
    points = np.array([line.split()[1:] for line in lines if line.startswith("v ")], dtype=float)
    faces, name = {}, None
    for line in lines:
        if line.startswith("o "):
            name = line.split("_")[-1]
        if line.startswith("f "):
            faces.setdefault(name, []).append([int(number) - 1 for number in line.split()[1:]])
    return {name: solid(points[np.array(of)]) for name, of in faces.items()}


def runs(flags):
    """First and one behind the last of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def of_picture(path, colors):
    """The picture's panels lie apart by lines of one grey, from the first row of the longest line to its last."""
    picture = pydicom.dcmread(path).pixel_array.astype(int)
    line = (picture == 48).all(axis=2)
    top, bottom = max(runs(line[:, picture.shape[1] // 2]), key=lambda run: run[1] - run[0])
    area = picture[top:bottom]
    columns = runs(~line[top:bottom].all(axis=0))
    assert len(columns) == 4, columns  # two of axial pictures, one coronal, one sagittal
    panels = {}
    for number, (left, right) in enumerate(columns):
        rows = runs(~line[top:bottom, left:right].all(axis=1))
        for row, (first, last) in enumerate(rows):
            found = {}
            for label, color in enumerate(colors, start=1):
                y, x = np.nonzero((area[first:last, left:right] == color).all(axis=2))
                if len(x) > 0:
                    found[label] = [x.mean(), y.mean()]
            name = f"axial {number} {row}" if number < 2 else ["coronal", "sagittal"][number - 2]
            panels[name] = found
    return panels


def read(case):
    return {
        "seg": of_seg(case["seg"]),
        "labelmap": of_seg(case["labelmap"]),
        "rtstruct": of_rtstruct(case["rtstruct"]),
        "nifti": of_nifti(case["nifti"]),
        "stl": {str(at + 1): of_stl(path) for at, path in enumerate(case["stl"])},
        "obj": of_obj(case["obj"]),
        "picture": of_picture(case["picture"], case["colors"]) if case["picture"] else None,
    }


json.dump([read(case) for case in json.load(sys.stdin)], sys.stdout)
