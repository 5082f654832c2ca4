"""What each quantized layer loses by itself: its inputs are those of the float graph.

Both graphs are run as one. In it, every quantized layer gets the float graph's numbers, rounded to
its own inputs. So the rounding of the layers before it does not count.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from shadow.networks.onnx.quantizing.layers import LAYERS

ROUND, UNROUND = "QuantizeLinear", "DequantizeLinear"
WEIGHT, GIVEN, FOUND = "weight:", "given:", "found:"  # before names of the quantized graph


class Comparison:
    """One graph that runs a float graph and each layer of its quantized version.

    Args:
        exact: The float graph.
        rounded: Its quantized version; tensors and nodes have the same names in both.
        names: The nodes that are quantized.

    Attributes:
        model: The graph.
        outputs: The outputs to ask it for.
    """

    def __init__(
        self, exact: onnx.ModelProto, rounded: onnx.ModelProto, names: Collection[str]
    ) -> None:
        nodes = rounded.graph.node
        self._made_by = {name: node for node in nodes for name in node.output}
        self._rounded_by = {n.input[0]: n for n in nodes if n.op_type == ROUND}
        self._unrounded_by = {n.input[0]: n for n in nodes if n.op_type == UNROUND}
        self._layers: list[tuple[str, str]] = []  # names, and tensors
        self._there: set[str] = set()
        self.model = onnx.ModelProto()
        self.model.CopyFrom(exact)
        del self.model.graph.output[:]
        for tensor in rounded.graph.initializer:
            copy = self.model.graph.initializer.add()
            copy.CopyFrom(tensor)
            copy.name = WEIGHT + tensor.name
        for node in nodes:
            if node.name in names and node.op_type in LAYERS:
                self._add_layer(node)
        sums = ("lost", "all")
        self.outputs = [f"{tensor}:{what}" for _, tensor in self._layers for what in sums]

    def losses(self, runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
        """The loss of each layer by name, the greatest first.

        A loss is the root mean square of the difference, as a share of that of the numbers.

        Args:
            runs: What some runs gave for `outputs`.
        """
        found = []
        for layer, tensor in self._layers:
            lost, everything = (
                sum(float(run[f"{tensor}:{what}"]) for run in runs) for what in ("lost", "all")
            )
            found.append((layer, (lost / everything) ** 0.5 if everything else 0.0))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _add_layer(self, node: Any) -> None:
        """A quantized layer on the float graph's numbers, and its difference."""
        self._add(node, [self._given(name) for name in node.input], FOUND)
        tensor, last = node.output[0], node.output[0]
        if tensor in self._rounded_by:
            rounding = self._rounded_by[tensor]
            restoring = self._unrounded_by[rounding.output[0]]
            for each in (rounding, restoring):
                scales = [WEIGHT + name for name in each.input[1:]]
                self._add(each, [FOUND + each.input[0], *scales], FOUND)
            last = restoring.output[0]
        self._compare(tensor, FOUND + last)
        self._layers.append((node.name, tensor))

    def _given(self, name: str) -> str:
        """An input of a layer: rounded numbers of the float graph, or weights."""
        if not name:
            return name
        restoring = self._made_by.get(name)
        if restoring is None:
            return WEIGHT + name
        rounding = self._made_by.get(restoring.input[0])
        scales = [WEIGHT + each for each in restoring.input[1:]]
        if rounding is None:
            self._add(restoring, [WEIGHT + restoring.input[0], *scales], GIVEN)
        else:
            self._add(rounding, [rounding.input[0], *scales], GIVEN)
            self._add(restoring, [GIVEN + rounding.output[0], *scales], GIVEN)
        return GIVEN + name

    def _add(self, node: Any, inputs: Sequence[str], prefix: str) -> None:
        output = prefix + node.output[0]
        if output in self._there:
            return
        self._there.add(output)
        copy = self.model.graph.node.add()
        copy.CopyFrom(node)
        copy.name = prefix + node.name
        copy.input[:], copy.output[:] = inputs, [output]

    def _compare(self, exact: str, rounded: str) -> None:
        graph = self.model.graph
        graph.node.append(helper.make_node("Sub", [exact, rounded], [f"{exact}:gap"]))
        for source, output in ((f"{exact}:gap", f"{exact}:lost"), (exact, f"{exact}:all")):
            graph.node.append(helper.make_node("ReduceSumSquare", [source], [output], keepdims=0))
            graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, []))
