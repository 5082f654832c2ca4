"""The process that quantizes a graph: ``python -m shadow.networks.onnx.quantizing.worker``.

It runs the float graph as `shadow.networks.onnx.worker` does, and looks at the range of each
tensor. The message ``quantize`` ends that: the reply is the quantized graph, and what each layer
loses.
"""

import logging
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import (
    CalibrationMethod,
    QDQQuantizer,
    QuantType,
    TensorsData,
    quant_pre_process,
)

from shadow.networks.onnx.quantizing.layers import LAYERS, name_nodes, quantized_nodes
from shadow.networks.onnx.quantizing.losses import Comparison
from shadow.networks.onnx.quantizing.ranges import Ranges, measuring, tensors_of
from shadow.networks.onnx.reading import GraphError, read_graph, weights_elsewhere
from shadow.networks.onnx.wire import Array
from shadow.networks.onnx.worker import (
    about_model,
    content_of,
    limit,
    mapped,
    options_of_one_thread,
    ports_of,
    run,
    serve,
)

LARGEST = 2**31 - 1  # of an ONNX file without other files, in bytes
OLDEST_OPSET = 13  # the first with a scale for each channel
COMPARED = 16  # runs in which layers are compared, drawn from all
Message = tuple[dict[str, Any], dict[str, Array]]


def main() -> None:
    """Serve until the input ends."""
    serve(_open)


def _open(request: dict[str, Any]) -> "tuple[Quantizer, dict[str, Any]]":
    limit(request, file_bytes=LARGEST)
    logging.disable(logging.CRITICAL)
    model = read_graph(content_of(request["graph"]))
    about = about_model(model)
    if about["opset"] < OLDEST_OPSET:
        raise GraphError(
            f"needs opset {about['opset']} of ONNX's operators",
            expected=f"at least {OLDEST_OPSET} to be quantized",
            hint="export it with a newer opset",
        )
    _take_in(model, request["data"])
    opened = Quantizer(_prepared(model), request["images"])
    return opened, about | opened.ports


def _take_in(model: onnx.ModelProto, data: dict[str, Any]) -> None:
    """Replace weights in other files by the weights themselves."""
    arrays = mapped(weights_elsewhere(model, data), data)
    if sum(array.nbytes for array in arrays.values()) + model.ByteSize() > LARGEST:
        raise GraphError("is too large to be quantized", expected="less than 2 GiB")
    for tensor in model.graph.initializer:
        if tensor.name in arrays:
            tensor.CopyFrom(numpy_helper.from_array(np.asarray(arrays[tensor.name]), tensor.name))


def _prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, with what is constant computed, and with the types and sizes of tensors."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prepared.onnx"
        quant_pre_process(model, str(path), skip_symbolic_shape=True)
        prepared = onnx.load(path)
    name_nodes(prepared)
    return prepared


class Quantizer:
    """A graph that is run to see the ranges of its tensors, and then quantized."""

    def __init__(self, model: onnx.ModelProto, images: Collection[str]) -> None:
        self._model = model
        self._nodes = quantized_nodes(model, images)
        types = {node.op_type for node in model.graph.node if node.name in set(self._nodes)}
        if types.isdisjoint(LAYERS):
            raise GraphError(
                "has no layer that can be quantized",
                expected=f"{', '.join(sorted(LAYERS))} with constant weights, not the last ones",
            )
        tensors = tensors_of(model, set(self._nodes))
        self._ranges = Ranges(tensors)
        self._session = _session(measuring(model, tensors))
        self.ports = ports_of(self._session)
        outputs = {port.name for port in model.graph.output}
        self.ports["outputs"] = [port for port in self.ports["outputs"] if port[0] in outputs]
        self._random = np.random.default_rng(0)
        self._runs = 0
        self._kept: list[dict[str, Array]] = []

    def answer(self, header: dict[str, Any], arrays: dict[str, Array]) -> Message:
        """Run the graph, or quantize it."""
        if "quantize" in header:
            return self._quantized()
        self._keep(arrays)
        found = run(self._session, [*header["outputs"], *self._ranges.outputs], arrays)
        self._ranges.add(found)
        return {}, {name: found[name] for name in header["outputs"]}

    def _keep(self, arrays: dict[str, Array]) -> None:
        """Keep the inputs of some runs, each with the same chance."""
        self._runs += 1
        if len(self._kept) < COMPARED:
            self._kept.append(arrays)
        elif (at := int(self._random.integers(self._runs))) < COMPARED:
            self._kept[at] = arrays

    def _quantized(self) -> Message:
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        quantizer = QDQQuantizer(
            model,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, self._ranges_found()),
            nodes_to_quantize=self._nodes,
            nodes_to_exclude=[],
            op_types_to_quantize=sorted({n.op_type for n in model.graph.node}),
            extra_options={},
        )
        quantizer.quantize_model()
        rounded = quantizer.model.model
        comparison = Comparison(self._model, rounded, set(self._nodes))
        session = _session(comparison.model)
        losses = comparison.losses([run(session, comparison.outputs, a) for a in self._kept])
        content = np.frombuffer(rounded.SerializeToString(), np.uint8)
        return {"losses": losses}, {"graph": content}

    def _ranges_found(self) -> dict[str, tuple[Any, Any]]:
        known = self._ranges.known()
        return {n: (np.float32(low), np.float32(high)) for n, (low, high) in known.items()}


def _session(model: onnx.ModelProto) -> Any:
    options = options_of_one_thread()
    content = model.SerializeToString()
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
