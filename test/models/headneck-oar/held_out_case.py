"""Segments the held-out case of test/data as the box would, and compares with the human contours. Reads the folder to work in."""
import json
import sys
from pathlib import Path

folder = Path(json.load(sys.stdin))
ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "models/headneck-oar"))
import numpy as np

from cut_cases import cut_case, write_series
from evaluate import compare, segment
from structures import STRUCTURES

data, name = ROOT / "test/data/openkbp-headneck", "pt_120"
hu, reference, spacing = cut_case(data, name)
write_series(hu, spacing, name, folder / "dicom")
labels, _ = segment(folder / "dicom", folder / "out", "headneck-oar", None)
contoured = json.loads((data / "cases.json").read_text())["cases"][name]["labelled"]
compared = compare(labels, reference, spacing, contoured)
# Columns of canonical RAS: the patient's right is at high x.
columns = {own: float(np.nonzero(labels == label)[2].mean()) for label, (_, own) in STRUCTURES.items() if (labels == label).any()}
print(json.dumps({"compared": compared, "columns": columns, "midline": (labels.shape[2] - 1) / 2}))
