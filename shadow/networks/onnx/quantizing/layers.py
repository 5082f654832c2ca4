"""Which nodes of a graph are quantized.

- **Layers** (`LAYERS`) with constant weights, on features of images: nearly all of the work is in
  them.
- **What lies between them** (`BETWEEN`), if all that it takes comes from quantized nodes. Then
  numbers stay integers from layer to layer. Anything else, such as coordinates, is no feature and
  would be ruined by 256 steps.
- **The first and the last layers stay as they are.** The first ones look for small differences of
  bright images, and few channels gain no time. After the last ones no layer averages the rounding:
  their outputs are what is judged, and with 256 steps depth alone would lose a percent.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import onnx

LAYERS = frozenset({"Conv", "Gemm", "MatMul"})
BETWEEN = frozenset(
    {"Add", "AveragePool", "Clip", "Concat", "GlobalAveragePool", "LeakyRelu", "MaxPool", "Mul"}
    | {"Relu", "Reshape", "Resize", "Sigmoid", "Squeeze", "Transpose", "Unsqueeze"}
)


def name_nodes(model: onnx.ModelProto) -> None:
    """Give each node a name of its own, in place; a unique one is kept."""
    taken: set[str] = set()
    for at, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{at}"
        while node.name in taken:
            node.name += "_"
        taken.add(node.name)


def quantized_nodes(model: onnx.ModelProto, images: Collection[str]) -> list[str]:
    """The names of the nodes to quantize, in order; none if the graph has no such layer.

    Args:
        model: The graph; its nodes have names.
        images: The inputs that are images.
    """
    constants = _constants(model)
    last = _last_layers(model, constants)
    seen = set(images)  # tensors that depend on images
    features: set[str] = set()  # those of them that depend on layers
    integers: set[str] = set()  # tensors of quantized nodes
    found: list[str] = []
    for node in model.graph.node:
        layer = _is_layer(node, constants)
        if layer:
            chosen = node.name not in last and node.input[0] in features
        else:
            data = [name for name in _data(node) if name not in constants]
            chosen = node.op_type in BETWEEN and bool(data) and integers.issuperset(data)
        if chosen:
            found.append(node.name)
            integers.update(node.output)
        if not seen.isdisjoint(node.input):
            seen.update(node.output)
            features.update(node.output if layer or not features.isdisjoint(node.input) else ())
    return found


def _last_layers(model: onnx.ModelProto, constants: set[str]) -> set[str]:
    """The layers from which a way to an output passes no other layer."""
    ends = {port.name for port in model.graph.output}  # tensors with such a way
    last = set()
    for node in reversed(model.graph.node):
        if ends.isdisjoint(node.output):
            continue
        if _is_layer(node, constants):
            last.add(node.name)
        else:
            ends.update(node.input)
    return last


def _is_layer(node: Any, constants: set[str]) -> bool:
    return node.op_type in LAYERS and node.input[1] in constants


def _data(node: Any) -> Sequence[str]:
    """The inputs that are numbers; the others of these nodes are shapes, scales or limits."""
    several = node.op_type in ("Add", "Concat", "Mul")
    return list(node.input) if several else list(node.input[:1])


def _constants(model: onnx.ModelProto) -> set[str]:
    return {tensor.name for tensor in model.graph.initializer} | set(_constant_nodes(model))


def _constant_nodes(model: onnx.ModelProto) -> Iterator[str]:
    for node in model.graph.node:
        if node.op_type == "Constant":
            yield from node.output
