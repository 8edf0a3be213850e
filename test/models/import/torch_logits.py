"""What torch computes with a checkpoint. Reads {"results": folder with plans.json, "checkpoint": path, "input": float32 file, "shape": [d, h, w],
"output": float32 file to write}. Plans in the new form only."""
import json
import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "make"))
from nnunet_networks import UNet  # noqa: E402

given = json.load(sys.stdin)
torch.set_num_threads(2)
plans = json.loads((pathlib.Path(given["results"]) / "plans.json").read_text())
architecture = plans["configurations"]["3d_fullres"]["architecture"]
weights = torch.load(given["checkpoint"])["network_weights"]
head = [value for name, value in weights.items() if name.startswith("decoder.seg_layers.") and name.endswith(".weight")][-1]
network = UNet(architecture["network_class_name"].split(".")[-1], architecture["arch_kwargs"], head.shape[0])
network.load_state_dict(weights)
voxels = torch.from_numpy(np.fromfile(given["input"], np.float32).reshape(1, 1, *given["shape"]))
with torch.no_grad():
    network.eval()(voxels).numpy().tofile(given["output"])
json.dump(list(weights), sys.stdout)
