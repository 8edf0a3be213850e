"""Reads {"path": ONNX file} and answers what Debian's python3-onnx sees in it after its own check."""
import json
import sys

import onnx
from onnx import numpy_helper

path = json.load(sys.stdin)["path"]
onnx.checker.check_model(path, full_check=True)
model = onnx.load(path)
json.dump(
    {
        "opset": {each.domain: each.version for each in model.opset_import},
        "metadata": {each.key: each.value for each in model.metadata_props},
        "nodes": [[node.op_type, list(node.input), list(node.output)] for node in model.graph.node],
        "attributes": {attribute.name: onnx.helper.get_attribute_value(attribute) for node in model.graph.node for attribute in node.attribute if attribute.type in (1, 2, 6, 7)},
        "tensors": {each.name: [str(numpy_helper.to_array(each).dtype), list(each.dims), numpy_helper.to_array(each).ravel().tolist()[:8]] for each in model.graph.initializer},
        "input": [dim.dim_value or dim.dim_param for dim in model.graph.input[0].type.tensor_type.shape.dim],
    },
    sys.stdout,
)
