"""Writes orientation.json: what nibabel.as_closest_canonical makes of a 2 x 3 x 4 volume holding 0..23 (first axis fastest), for all 48 axis
codes, and of random oblique and sheared affines. Affines map ijk to RAS mm. Run: /usr/bin/python3 test/reference/orientation.py
"""
import itertools
import json
import pathlib

import nibabel as nib
import numpy as np

random = np.random.default_rng(48)
volume = np.arange(24).reshape((2, 3, 4), order="F").astype(np.int16)


def case(name, matrix):
    affine = np.eye(4)
    affine[:3, :3] = matrix
    canonical = nib.as_closest_canonical(nib.Nifti1Image(volume, affine))
    data = np.asanyarray(canonical.dataobj)
    return {"name": name, "matrix": matrix.tolist(), "dims": data.shape, "order": data.ravel(order="F").tolist()}


cases = []
for axes in itertools.permutations(range(3)):
    for signs in itertools.product((1, -1), repeat=3):
        matrix = np.zeros((3, 3))
        for column, (axis, sign) in enumerate(zip(axes, signs)):
            matrix[axis, column] = sign * (0.7, 0.9, 2.5)[column]
        affine = np.eye(4)
        affine[:3, :3] = matrix
        cases.append(case("".join(nib.aff2axcodes(affine)), matrix))
assert len({c["name"] for c in cases}) == 48
for number in range(40):
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))
    shear = np.eye(3) + np.triu(random.uniform(-0.3, 0.3, (3, 3)), 1) * (number % 2)
    cases.append(case(f"{'sheared' if number % 2 else 'oblique'} {number}", rotation @ shear @ np.diag(random.uniform(0.5, 5, 3))))

pathlib.Path(__file__).with_suffix(".json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
