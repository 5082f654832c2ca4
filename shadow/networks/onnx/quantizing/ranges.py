"""The range of each tensor of a graph over the frames that go through it."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)


class Ranges:
    """The least and the greatest number of each tensor.

    Attributes:
        outputs: What to ask the measuring graph for, besides its own outputs.
    """

    def __init__(self, tensors: Collection[str]) -> None:
        self.outputs = [name for tensor in tensors for name in _names(tensor)]
        self._found: dict[str, tuple[float, float]] = {}
        self._tensors = tensors

    def add(self, found: Mapping[str, Any]) -> None:
        """Widen the ranges by what a run gave for `outputs`; an empty tensor has none."""
        for tensor in self._tensors:
            least, most = (found[name] for name in _names(tensor))
            if least.size:
                low, high = self._found.get(tensor, (np.inf, -np.inf))
                self._found[tensor] = (min(low, float(least)), max(high, float(most)))

    def known(self) -> dict[str, tuple[float, float]]:
        """The range of each tensor that was not empty every time."""
        return self._found


def measuring(model: onnx.ModelProto, tensors: Collection[str]) -> onnx.ModelProto:
    """The graph with the least and the greatest number of these tensors as further outputs."""
    measured = onnx.ModelProto()
    measured.CopyFrom(model)
    for tensor in tensors:
        for operator, name in zip(("ReduceMin", "ReduceMax"), _names(tensor), strict=True):
            node = helper.make_node(operator, [tensor], [f"{name}:wide"], keepdims=0)
            cast = helper.make_node("Cast", [f"{name}:wide"], [name], to=TensorProto.FLOAT)
            measured.graph.node.extend([node, cast])
            port = helper.make_tensor_value_info(name, TensorProto.FLOAT, [])
            measured.graph.output.append(port)
    return measured


def tensors_of(model: onnx.ModelProto, nodes: Collection[str]) -> list[str]:
    """The tensors of floats that these nodes take and give, apart from weights."""
    weights = {tensor.name for tensor in model.graph.initializer}
    ports = [*model.graph.value_info, *model.graph.input, *model.graph.output]
    floats = {port.name for port in ports if port.type.tensor_type.elem_type in FLOATS}
    chosen = [node for node in model.graph.node if node.name in nodes]
    named = dict.fromkeys(name for node in chosen for name in (*node.input, *node.output))
    return [name for name in named if name in floats and name not in weights]


def _names(tensor: str) -> tuple[str, str]:
    return f"{tensor}:least", f"{tensor}:most"
