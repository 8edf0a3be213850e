"""Trains the head and neck network on the cases that prepare.py cached, for a given time of one processor, resumable from its own checkpoints.

  /usr/bin/python3 train.py --work WORK [--minutes 150] [--threads 2]

The minutes are the processor's, all threads together: 150 are 75 by the clock on two cores, on one that others use it takes longer, and pauses
cost nothing. The learning rate follows them and not the steps, so that the decay is whole however fast the machine is; checkpoint.pt tells how
many steps that were. Step n draws from a generator seeded by (SEED, n) alone. WORK/checkpoint.pt is replaced atomically; run the same
command again to go on. The network, the normalisation, and Dice + cross entropy with deep supervision and poly decay are nnU-Net's; new
is that a voxel which may be a structure nobody contoured counts neither for nor against it (partial labels: Fang and Yan, IEEE TMI 39
(2020) 3619; marginal loss: Shi et al., Medical Image Analysis 70 (2021) 101979).
"""
import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # on a machine that does other things too, threads that spin while they wait cost half the pace
import torch
from torch.nn import functional as F

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "reference"))
from augment import couch, rotation
from network import PlainConvUNet
from structures import BACKGROUND, CLASSES, FEATURES, NOT_JUDGED, PATCH, SPACING_MM, STRUCTURES, allowed, mirrored

SEED = 20261125
LEARNING_RATE = 1e-3
CHECKPOINT_EVERY = 100
WEIGHTS = [8 / 15, 4 / 15, 2 / 15, 1 / 15]  # of the loss at full, half, quarter and eighth resolution
ALLOWED = torch.from_numpy(allowed().T.copy())
MIRRORED = torch.from_numpy(mirrored())


class Cases:
    def __init__(self, folder, held_out):
        self.cases = []
        self.with_structure = {label: [] for label in STRUCTURES}
        for file in sorted(folder.glob("*.npz")):
            if file.stem in held_out:
                continue
            loaded = np.load(file)
            hu, targets = torch.from_numpy(loaded["hu"]), torch.from_numpy(loaded["targets"])
            places = {label: torch.nonzero(targets == label).numpy() for label in STRUCTURES}
            body = (hu > -900).any(0)
            rows, columns = torch.nonzero(body.any(1)).flatten(), torch.nonzero(body.any(0)).flatten()
            edges = (-float(rows[0]), float(columns[0] + columns[-1]) / 2, float(columns[-1] - columns[0]) / 2)
            for label, at in places.items():
                if len(at):
                    self.with_structure[label].append(len(self.cases))
            self.cases.append((hu, targets, places, edges))

    def draw(self, random):
        """A case, and where a patch is centred in it: three in four at a structure, structures alike however many cases have them; else anywhere."""
        if random.random() < 0.75:
            label = int(random.choice([label for label, having in self.with_structure.items() if having]))
            case = self.cases[random.choice(self.with_structure[label])]
            return case, random.choice(case[2][label]) + random.uniform(-0.3, 0.3, 3) * PATCH
        case = self.cases[random.integers(len(self.cases))]
        return case, random.uniform(0, 1, 3) * case[0].shape


def draw_patch(cases, random, generator, low, high, mean, std):
    """One augmented patch: normalised intensities and targets, both of the plans' patch size."""
    (hu, targets, _, edges), centre = cases.draw(random)
    # 1. Pose and scale. What lies beyond the first and last slice was not scanned; beside the patient is air.
    spacing = np.array(SPACING_MM)
    matrix = rotation(random, any_turn=0) * spacing / spacing[:, None] * random.uniform(0.8, 1.25) * random.uniform(0.93, 1.07, 3)
    mirror = random.random() < 0.5
    if mirror:
        matrix[:, 2] *= -1
    half = PATCH[0] / 2 * abs(matrix[0, 0])
    if random.random() < 0.85:  # the box's patches lie inside the volume where it is long enough
        centre[0] = np.clip(centre[0], half, hu.shape[0] - 1 - half) if hu.shape[0] > 2 * half + 1 else (hu.shape[0] - 1) / 2
    steps = [torch.arange(side, dtype=torch.float32) - (side - 1) / 2 for side in PATCH]
    m = torch.from_numpy(matrix).float()
    at = [m[row, 0] * steps[0][:, None, None] + m[row, 1] * steps[1][:, None] + m[row, 2] * steps[2] + float(centre[row]) for row in range(3)]
    grid = torch.stack([2 * axis / (side - 1) - 1 for axis, side in zip(at, hu.shape)][::-1], -1)[None]
    beyond = [(axis < -0.5) | (axis > side - 0.5) for axis, side in zip(at, hu.shape)]
    image = F.grid_sample(hu[None, None].float(), grid, mode="bilinear", padding_mode="border", align_corners=True)[0, 0]
    target = F.grid_sample(targets[None, None].float(), grid, mode="nearest", padding_mode="border", align_corners=True)[0, 0].round().long()
    image[beyond[1] | beyond[2]] = -1000
    target[beyond[1] | beyond[2]] = BACKGROUND
    target[beyond[0]] = NOT_JUDGED
    if mirror:
        target = MIRRORED[target].long()
    # 2. The couch and the scanner: sharper and noisier than the source's 4 mm pixels, or softer; calibration.
    if random.random() < 0.3:
        made_up = couch(-at[1], at[2], edges, random)
        image = torch.where(image < -900, torch.maximum(image, made_up), image)
    if random.random() < 0.4:
        soft = F.avg_pool3d(image[None, None], 3, 1, 1, count_include_pad=False)[0, 0]
        image = image + (image - soft) * float(random.uniform(-0.7, 0.9))
    image = (image + 1000) * float(random.uniform(0.97, 1.03)) - 1000 + float(random.normal(0, 10))
    if random.random() < 0.5:
        image = image + torch.randn(tuple(PATCH), generator=generator) * float(random.uniform(0, 40))
    # 3. CTNormalization, then the zeros nnU-Net pads with.
    image = (image.clamp(low, high) - mean) / std
    return torch.where(beyond[0], 0.0, image), target


def partial_dice_and_cross_entropy(logits, target):
    """nnU-Net's loss where a voxel may be any of several classes: their chances are added. Dice leaves out voxels that may or may not be the class."""
    may_be = ALLOWED[:, target[0]][None]
    logs = logits.log_softmax(1)
    judged = target != NOT_JUDGED
    cross_entropy = -(torch.logsumexp(logs.masked_fill(~may_be, -1e4), 1) * judged).sum() / judged.sum().clamp(min=1)
    truth, open_ = may_be[:, 1:] & ~may_be[:, :1], may_be[:, 1:] & may_be[:, :1]
    chance = logs[:, 1:].exp()
    overlap, sizes = (chance * truth).sum((2, 3, 4)), (chance * ~open_).sum((2, 3, 4)) + truth.sum((2, 3, 4))
    present = truth.any(4).any(3).any(2)
    dice = (2 * overlap + 1e-5) / (sizes + 1e-5)
    return cross_entropy + 1 - (dice * present).sum() / present.sum().clamp(min=1)


def train(work, minutes, stop_after, threads=2):
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    held_out = json.loads((HERE / "split.json").read_text())["heldOut"]
    measured = json.loads((work / "intensities.json").read_text())["intensities"]
    normalisation = [measured[key] for key in ("percentile_00_5", "percentile_99_5", "mean", "std")]
    cases = Cases(work / "cases", held_out)
    network = PlainConvUNet(FEATURES, CLASSES, deep_supervision=True).to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    step, trained_s, history, losses = 0, 0.0, [], []
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        step, trained_s, history = saved["step"], saved["trainedS"], saved["history"]
    print(f"{len(cases.cases)} cases, from step {step}, {trained_s / 60:.1f} of {minutes} minutes", flush=True)
    before = time.process_time()
    while trained_s < minutes * 60 and step != stop_after:
        random, generator = np.random.default_rng([SEED, step]), torch.Generator().manual_seed(SEED * 100003 + step)
        rate = LEARNING_RATE * min(1, (step + 1) / 50) * (1 - trained_s / (minutes * 60)) ** 0.9
        for group in optimizer.param_groups:
            group["lr"] = rate
        image, target = draw_patch(cases, random, generator, *normalisation)
        image, target = image[None, None].contiguous(memory_format=torch.channels_last_3d), target[None]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = network(image)
        loss = sum(weight * partial_dice_and_cross_entropy(output.float(), target[:, ::by, ::by, ::by]) for output, weight, by in zip(outputs, WEIGHTS, (1, 2, 4, 8)))
        assert torch.isfinite(loss), f"loss {float(loss)} at step {step}"
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12)
        optimizer.step()
        losses.append(float(loss))
        step += 1
        now = time.process_time()
        trained_s, before = trained_s + now - before, now
        if step % 20 == 0:
            history.append([step, round(float(np.mean(losses)), 4), round(trained_s)])
            losses = []
            print(time.strftime("%H:%M:%S"), *history[-1], f"rate {rate:.2g}", flush=True)
        if step % CHECKPOINT_EVERY == 0 or trained_s >= minutes * 60 or step == stop_after:
            saved = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "minutes": minutes, "history": history, "trainedS": trained_s}
            torch.save(saved, f"{checkpoint}.new")
            os.replace(f"{checkpoint}.new", checkpoint)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=150)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stop-after", type=int, help="stop at this step, for a test")
    arguments = parser.parse_args()
    train(arguments.work, arguments.minutes, arguments.stop_after, arguments.threads)
