"""Runs prepare.py and train.py of models/headneck-oar on a made-up neck, and their loss on made-up logits. Reads the folder to work in."""
import json
import sys
from pathlib import Path

folder = Path(json.load(sys.stdin))
sys.path.insert(0, str(Path(__file__).parents[3] / "models/headneck-oar"))
import nibabel
import numpy as np
import torch

import prepare
import structures
import train

# A neck of 40 slices of 3 mm, LPS as OpenKBP has it: i to the left, j to the back. A cylinder of 45 mm with a parotid on each side, the cord
# from slice 14 up. In slices 0 to 9 the source shows nothing but the cord.
(folder / "ct").mkdir()
(folder / "labels").mkdir()
(folder / "cases").mkdir()
i, j, k = np.indices((48, 48, 40))
hu, labels = np.full(i.shape, -1000, np.int16), np.zeros(i.shape, np.uint8)
hu[((i - 24) ** 2 + (j - 24) ** 2 < 15**2) & (k >= 10)] = 40
labels[(abs(i - 24) < 2) & (abs(j - 30) < 2) & ((k >= 14) | (k < 8))] = 2
labels[(abs(i - 14) < 3) & (abs(j - 22) < 3) & (k > 30)] = 3  # low i: the patient's right
labels[(abs(i - 34) < 3) & (abs(j - 22) < 3) & (k > 30)] = 4
hu[labels > 0] = 60 + k[labels > 0]
for name, array in (("ct", hu), ("labels", labels)):
    nibabel.save(nibabel.Nifti1Image(array, np.diag([-3.0, -3.0, 3.0, 1.0])), folder / name / "made_up.nii.gz")
print_to, sys.stdout = sys.stdout, sys.stderr
prepare.prepare_one(("made_up", ["SpinalCord", "RightParotid", "LeftParotid"], folder, folder))
case = np.load(folder / "cases" / "made_up.npz")
targets = case["targets"]
middle = lambda label: [round(float(at.mean()), 2) for at in np.nonzero(targets == label)]
corner = lambda z: int(targets[z, 0, 0])
prepared = {"shape": list(targets.shape), "cord": middle(2), "right": middle(3), "left": middle(4), "belowTheCord": corner(0), "besideTheCord": corner(20)}

# Logits that say mandible (5) everywhere, with and without its being contoured.
logits = torch.zeros(1, structures.CLASSES, 4, 4, 4)
logits[:, 5] = 12
loss = lambda target: round(float(train.partial_dice_and_cross_entropy(logits, torch.full((1, 4, 4, 4), target))), 3)
losses = {"contoured": loss(structures.BACKGROUND), "notContoured": loss(structures.BACKGROUND | structures.bit(5)), "notJudged": loss(structures.NOT_JUDGED), "isMandible": loss(5)}

table = structures.mirrored()
mirrored = {"labels": table[:8].tolist(), "thereAndBack": bool((table[table] == np.arange(256)).all()), "mayBeRight": int(table[structures.BACKGROUND | structures.bit(3)])}

# Four steps at once, and two, an end, and two more; of so long a training that the learning rate does not feel the minutes.
train.PATCH = [32, 32, 48]
(folder / "intensities.json").write_text(json.dumps(prepare.foreground_intensities(folder, [])))
weights = {}
for name, stops in (("atOnce", [4]), ("resumed", [2, 4]), ("shorter", [2])):
    work = folder / name
    work.mkdir()
    for entry in ("cases", "intensities.json"):
        (work / entry).symlink_to(folder / entry)
    for stop in stops:
        train.train(work, 1e18, stop)
    weights[name] = torch.cat([tensor.flatten() for tensor in torch.load(work / "checkpoint.pt")["network"].values()])
apart = lambda name: float((weights["atOnce"] - weights[name]).abs().max())
sys.stdout = print_to
print(json.dumps({"prepared": prepared, "losses": losses, "mirrored": mirrored, "apart": {"resumed": apart("resumed"), "shorter": apart("shorter")}}))
