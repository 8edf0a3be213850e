"""Writes the small networks of test/data/onnx. Run: /usr/bin/python3 test/make/networks.py (Debian's python3-onnx)

threshold.onnx: input "input" [1,1,d,h,w], output "logits" [1,3,d,h,w] = (0, v - 1, 2 v - 4): class 0 below 1, class 1 up to 3, class 2 above.
shrinking.onnx: the same behind a 3 x 3 x 3 mean without padding, so its output is 2 voxels shorter along each axis.
fixed-size.onnx: threshold.onnx that takes patches of 4 x 4 x 4 only.
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(__file__).parent.parent / "data" / "onnx"


def write(name, size, mean=False):
    weights = [
        numpy_helper.from_array(np.array([0, 1, 2], np.float32).reshape(3, 1, 1, 1, 1), "weight"),
        numpy_helper.from_array(np.array([0, -1, -4], np.float32), "bias"),
    ]
    nodes = [helper.make_node("Conv", ["smooth" if mean else "input", "weight", "bias"], ["logits"], kernel_shape=[1, 1, 1])]
    if mean:
        nodes.insert(0, helper.make_node("AveragePool", ["input"], ["smooth"], kernel_shape=[3, 3, 3]))
    outSize = [f"{n}-2" for n in size] if mean else size
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 1, *size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3, *outSize])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="segbox-test")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, folder / f"{name}.onnx")


write("threshold", ["depth", "height", "width"])
write("shrinking", ["depth", "height", "width"], mean=True)
write("fixed-size", [4, 4, 4])
