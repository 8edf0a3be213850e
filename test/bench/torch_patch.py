"""Times one patch of TotalSegmentator's 3 mm network in PyTorch, fp32. In: checkpoint, threads, then the patch's sides. Out: {wallMs, cpuMs} of a second run."""
import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "make"))
from nnunet_networks import UNet  # noqa: E402

checkpoint, threads, *sides = sys.argv[1:]
torch.set_num_threads(int(threads))
weights = torch.load(checkpoint, map_location="cpu")["network_weights"]
head = max((name for name in weights if name.startswith("decoder.seg_layers.") and name.endswith(".weight")), key=lambda name: int(name.split(".")[2]))
features, stages = [], 0
while f"encoder.stages.{stages}.0.convs.0.conv.weight" in weights:
    features.append(weights[f"encoder.stages.{stages}.0.convs.0.conv.weight"].shape[0])
    stages += 1
strides = [[1, 1, 1]] + [list(weights[f"decoder.transpconvs.{stages - 1 - stage}.weight"].shape[2:]) for stage in range(1, stages)]
kwargs = {"features_per_stage": features, "kernel_sizes": [3] * stages, "strides": strides, "n_conv_per_stage": [2] * stages, "n_conv_per_stage_decoder": [2] * (stages - 1), "conv_bias": True, "norm_op_kwargs": {"eps": 1e-5, "affine": True}}
network = UNet("PlainConvUNet", kwargs, weights[head].shape[0]).eval()
network.load_state_dict(weights)
patch = torch.randn(1, 1, *map(int, sides))
with torch.no_grad():
    network(patch)
    wall, cpu = time.perf_counter(), time.process_time()
    network(patch)
    print(json.dumps({"wallMs": (time.perf_counter() - wall) * 1000, "cpuMs": (time.process_time() - cpu) * 1000}))
