"""Trains the reference network on the CTs that prepare.py cached. Seeded, and resumable from its own checkpoints.

  /usr/bin/python3 train.py --work WORK [--steps 3500] [--checkpoint-every 75]

Step n draws from a generator seeded by (SEED, n) alone, so a resumed run sees what an uninterrupted one would have.
WORK/checkpoint.pt is replaced atomically; run the same command again to go on. bfloat16 and channels-last
were measured 2.4 times faster than float32 on the CPU this was trained on (Zen 4, 2 cores).
Trained by this file and not by nnU-Net, whose data loader and schedule need a GPU: the network, the normalisation and
the loss are its own (Dice + cross entropy, deep supervision, poly learning rate).
"""
import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from augment import couch, rotation
from network import CLASSES, PlainConvUNet
from targets import FAT, GAS, LUNGS, NOT_JUDGED, SOFT_TISSUE

HERE = Path(__file__).parent
SEED = 20261123
# Chance of each source per patch. Trunks are few and differ most from heads, so they are drawn far beyond their number.
SHARES = {"example_ct": 0.22, "aorta_report": 0.12, "sts_008": 0.06, "hispeed-shoulder": 0.025, "toshiba-base": 0.035, "wg04-ct1": 0.035, "wg04-ct2": 0.01, "elscint-jaw": 0.01, "hitachi-head": 0.015, "head-and-neck": 0.47}


class Cases:
    def __init__(self, folder, held_out):
        self.cases, self.head_and_neck = {}, []
        for file in sorted(folder.glob("*.npz")):
            if file.stem in held_out:
                continue
            loaded = np.load(file)
            hu, labels = torch.from_numpy(loaded["hu"]), torch.from_numpy(loaded["labels"])
            places = {label: torch.nonzero(labels.flatten() == label).flatten() for label in range(1, CLASSES)}
            keep = {label: at[:: max(1, len(at) // 2000)] for label, at in places.items() if len(at)}
            body = (labels > 0).any(0)
            rows, columns = torch.nonzero(body.any(1)).flatten(), torch.nonzero(body.any(0)).flatten()
            edges = (int(rows[-1]), float(columns[0] + columns[-1]) / 2, float(columns[-1] - columns[0]) / 2)
            self.cases[file.stem] = hu, labels, keep, edges
            if str(loaded["group"]) == "head-and-neck":
                self.head_and_neck.append(file.stem)

    def draw(self, random):
        name = random.choice(list(SHARES), p=list(SHARES.values()))
        return random.choice(self.head_and_neck) if name == "head-and-neck" else name


def blobs(shape, random, generator, share):
    """A mask of smooth lumps that fill about this share of the patch."""
    coarse = [max(2, int(side / random.uniform(5, 14))) for side in shape]
    field = F.interpolate(torch.randn((1, 1, *coarse), generator=generator), size=shape, mode="trilinear", align_corners=False)[0, 0]
    return field > torch.quantile(field[::4, ::4, ::4].flatten(), 1 - share)


def draw_patch(cases, size, random, generator, low, high, mean, std):
    """One augmented patch: normalised intensities and labels, both size^3."""
    name = cases.draw(random)
    hu, labels, places, edges = cases.cases[name]
    shape = np.array(hu.shape)
    # 1. Where the patch lies: around a voxel of a label drawn evenly, or of the body at large.
    label = random.choice(list(places)) if random.random() < 0.6 else max(places, key=lambda key: len(places[key]))
    centre = np.array(np.unravel_index(int(random.choice(places[label])), hu.shape)) + random.uniform(-0.3, 0.3, 3) * size
    matrix = rotation(random) * random.uniform(0.75, 1.3)
    if random.random() < 0.5:
        matrix[:, 2] *= -1  # left and right: no label here has a side
    if random.random() < 0.1:
        matrix[:, 1] *= -1  # prone
    if random.random() < 0.1:
        matrix[:, 0] *= -1
    # What of the patch is scanned at all: nnU-Net pads a small volume with zeros after normalising. Thin slabs are common on site.
    extent = np.full(3, size)
    if random.random() < 0.2 or shape[0] <= 14:
        extent[0] = random.integers(3, 21)
    for axis in (1, 2):
        if random.random() < 0.1:
            extent[axis] = random.integers(size // 2, size + 1)
    begin = np.array([random.integers(0, size - side + 1) if axis or random.random() < 0.5 else (size - side) // 2 for axis, side in enumerate(extent)])
    if shape[0] <= 14:  # copies of one slice: tilt would leave them at once
        matrix[0, 1:] = matrix[1:, 0] = 0
        matrix[0, 0] = np.sign(matrix[0, 0]) * 0.5
        centre[0] = shape[0] / 2 - matrix[0, 0] * (begin[0] + extent[0] / 2 - (size - 1) / 2)
    # 2. Sample the source there.
    steps = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    m = torch.from_numpy(matrix).float()
    at = [(m[row, 0] * steps[:, None, None] + m[row, 1] * steps[:, None] + m[row, 2] * steps + float(centre[row])) for row in range(3)]
    low_at = [max(0, int(axis.min()) - 1) for axis in at]
    high_at = [min(int(side), int(axis.max()) + 2) for axis, side in zip(at, shape)]
    high_at = [max(first + 1, last) for first, last in zip(low_at, high_at)]
    box = tuple(slice(min(first, int(side) - 1), last if last > first else None) for first, last, side in zip(low_at, high_at, shape))
    part_hu, part_labels = hu[box].float(), labels[box].float()
    grid = torch.stack([2 * (axis - cut.start) / max(1, n - 1) - 1 for axis, cut, n in zip(at, box, part_hu.shape)][::-1], -1)[None]
    sampled = F.grid_sample(part_hu[None, None], grid, mode="bilinear", padding_mode="border", align_corners=True)[0, 0]
    target = F.grid_sample(part_labels[None, None], grid, mode="nearest", padding_mode="border", align_corners=True)[0, 0].round().long()
    beyond = [(axis < -0.5) | (axis > side - 0.5) for axis, side in zip(at, shape)]
    scanned = ~beyond[0]
    if name in cases.head_and_neck:  # cut close around the patient by prepare.py, so what lies beside is air
        beside = beyond[1] | beyond[2]
        sampled[beside], target[beside] = -1000, 0
    else:
        scanned &= ~beyond[1] & ~beyond[2]
    # 3. Things around the patient, which most sources had removed.
    outside = target == 0
    if random.random() < (0.75 if name in cases.head_and_neck else 0.3):
        sampled = torch.where(outside, torch.maximum(sampled, couch(at[1], at[2], edges, random)), sampled)
    if random.random() < 0.25:  # blanket, clothing or mask: a skin of cloth at some distance
        near, far = sorted(int(k) for k in random.choice([0, 1, 2, 3, 4], 2, replace=False))
        body = (~outside).float()[None, None]
        grown = [body if k == 0 else F.max_pool3d(body, (1, 2 * k + 1, 2 * k + 1), 1, (0, k, k)) for k in (near, far)]
        cloth = (grown[1] > grown[0])[0, 0] & blobs((size,) * 3, random, generator, random.uniform(0.2, 0.9))
        sampled = torch.where(cloth & outside, torch.clamp(sampled, min=float(random.uniform(-930, -350))), sampled)
    # 4. Tissue that differs from patient to patient: contrast in vessels and organs, bowel gas, lung density.
    if random.random() < 0.3:
        bright = blobs((size,) * 3, random, generator, random.uniform(0.02, 0.25)) & (target == SOFT_TISSUE) & (sampled > 0)
        sampled = sampled + bright * float(random.choice([random.uniform(20, 120), random.uniform(100, 500)]))
    if random.random() < 0.15:
        bubble = blobs((size,) * 3, random, generator, random.uniform(0.01, 0.06)) & ((target == SOFT_TISSUE) | (target == FAT))
        sampled, target = torch.where(bubble, torch.full_like(sampled, -980), sampled), torch.where(bubble, GAS, target)
    if random.random() < 0.3:
        sampled = sampled + (target == LUNGS) * float(random.uniform(-60, 150))
    # 5. The scanner: calibration, blur, thick slices, noise, the round field of view.
    sampled = (sampled + 1000) * float(random.uniform(0.94, 1.06)) - 1000 + float(random.normal(0, 12))
    if random.random() < 0.3:
        factors = [random.uniform(1, 2.2), *[random.uniform(1, 1.6)] * 2]
        coarse = [max(4, int(size / factor)) for factor in factors]
        sampled = F.interpolate(F.interpolate(sampled[None, None], size=coarse, mode="trilinear", align_corners=False), size=(size,) * 3, mode="trilinear", align_corners=False)[0, 0]
    if random.random() < 0.6:
        noise = torch.randn((size,) * 3, generator=generator)
        if random.random() < 0.4:
            noise = 2 * F.avg_pool3d(noise[None, None], (1, 3, 3), 1, (0, 1, 1))[0, 0]
        sampled = sampled + noise * float(random.choice([random.uniform(0, 25), random.uniform(15, 70)], p=[0.7, 0.3]))
    if random.random() < 0.12:
        reach = random.uniform(0.35, 0.7) * size
        round_view = (steps[:, None] - float(random.normal(0, 0.1) * size)) ** 2 + (steps - float(random.normal(0, 0.1) * size)) ** 2 <= reach**2
        sampled, target = torch.where(round_view, sampled, torch.full_like(sampled, -1024)), torch.where(round_view, target, 0)
    # 6. CTNormalization, then the zeros nnU-Net pads with, where nothing is judged.
    image = (sampled.clamp(low, high) - mean) / std
    for axis, (first, side) in enumerate(zip(begin, extent)):
        line = (torch.arange(size) >= first) & (torch.arange(size) < first + side)
        scanned = scanned & line.view([-1 if a == axis else 1 for a in range(3)])
    return torch.where(scanned, image, 0.0), torch.where(scanned, target, NOT_JUDGED)


def dice_and_cross_entropy(logits, target):
    """nnU-Net's loss over the judged voxels. Dice is over the patch, background left out, labels absent from it too."""
    judged = target != NOT_JUDGED
    # A sum by hand: a patch that is all padding has nothing to judge, and the library's mean would be NaN.
    cross_entropy = F.cross_entropy(logits, target, ignore_index=NOT_JUDGED, reduction="sum") / judged.sum().clamp(min=1)
    chance = logits.softmax(1) * judged[:, None]
    truth = F.one_hot(torch.where(judged, target, 0), CLASSES).movedim(-1, 1) * judged[:, None]
    overlap, sizes = (chance * truth).sum((2, 3, 4)), chance.sum((2, 3, 4)) + truth.sum((2, 3, 4))
    dice = ((2 * overlap + 1e-5) / (sizes + 1e-5))[:, 1:]
    present = (truth.sum((2, 3, 4)) > 0)[:, 1:]
    return cross_entropy + 1 - (dice * present).sum() / present.sum().clamp(min=1)


def train(work, steps, checkpoint_every, stop_after):
    torch.set_num_threads(2)
    torch.manual_seed(SEED)
    split = json.loads((HERE / "split.json").read_text())
    measured = json.loads((work / "intensities.json").read_text())["intensities"]
    normalisation = [measured[key] for key in ("percentile_00_5", "percentile_99_5", "mean", "std")]
    cases = Cases(work / "cases", {*split["openkbpHeldOut"], *split["heldOut"]})
    network = PlainConvUNet(deep_supervision=True).to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-2)
    begin, trained_s, history = 0, 0.0, []
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        network.load_state_dict(saved["network"])
        optimizer.load_state_dict(saved["optimizer"])
        begin, trained_s, history = saved["step"], saved["trainedS"], saved["history"]
    print(f"{len(cases.cases)} cases, from step {begin} of {steps}", flush=True)
    started, losses = time.monotonic(), []
    for step in range(begin, steps):
        random, generator = np.random.default_rng([SEED, step]), torch.Generator().manual_seed(SEED * 100003 + step)
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(1, (step + 1) / 50) * (1 - step / steps) ** 0.9
        # One step in eight sees the plans' own patch: instance norm's statistics depend on the patch.
        size = 96 if step % 8 == 7 else 64
        image, target = draw_patch(cases, size, random, generator, *normalisation)
        image, target = image[None, None].contiguous(memory_format=torch.channels_last_3d), target[None]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            outputs = network(image)
        loss = sum(weight * dice_and_cross_entropy(output.float(), target[:, ::by, ::by, ::by]) for output, weight, by in zip(outputs, (4 / 7, 2 / 7, 1 / 7), (1, 2, 4)))
        assert torch.isfinite(loss), f"loss {float(loss)} at step {step}"
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12)
        optimizer.step()
        losses.append(float(loss))
        done = step + 1
        if done % 20 == 0:
            history.append([done, round(float(np.mean(losses)), 4)])
            losses = []
            print(time.strftime("%H:%M:%S"), done, history[-1][1], f"{(time.monotonic() - started) / (done - begin):.2f} s/step", flush=True)
        if done % checkpoint_every == 0 or done == steps:
            saved = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": done, "steps": steps, "history": history, "trainedS": trained_s + time.monotonic() - started}
            torch.save(saved, f"{checkpoint}.new")
            os.replace(f"{checkpoint}.new", checkpoint)
        if done == stop_after:
            return


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3500)
    parser.add_argument("--checkpoint-every", type=int, default=75)
    parser.add_argument("--stop-after", type=int, help="stop at this step, for the test of resuming")
    arguments = parser.parse_args()
    train(arguments.work, arguments.steps, arguments.checkpoint_every, arguments.stop_after)
