"""Reads a graph without running it, and refuses what is not made of ONNX's own operators.

It runs in the process of the graph alone: the file is a stranger's.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError

# ONNX's own, and those that come with ONNX Runtime.
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
MOST_PARAMETERS = 10**12  # in one array


class GraphError(Exception):
    """The graph cannot be used: what is wrong, what was expected, and what to do."""

    def __init__(self, what: str, expected: str | None = None, hint: str | None = None) -> None:
        self.what, self.expected, self.hint = what, expected, hint
        super().__init__(what)


def read_graph(content: bytes) -> onnx.ModelProto:
    """The model, without the data of other files.

    Raises:
        GraphError: It is not ONNX, too new, or has custom operators.
    """
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as error:
        raise GraphError("is not an ONNX file") from error
    if not model.HasField("graph") or not model.opset_import:
        raise GraphError("is not an ONNX file: it has no graph")
    _check_opset(model)
    _check_operators(model)
    return model


@dataclass(frozen=True)
class Weights:
    """Weights in another file."""

    name: str
    file: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int


def weights_elsewhere(model: onnx.ModelProto, files: Collection[str]) -> list[Weights]:
    """The weights in other files.

    Raises:
        GraphError: A file is not one of these, or something else than weights is in it.
    """
    found = [_elsewhere(t, files) for t in model.graph.initializer if t.external_data]
    every = sum(1 for tensor in _tensors(model) if tensor.external_data)
    if every > len(found):
        raise GraphError(
            "keeps constants of inner graphs in another file",
            expected="weights of the main graph only",
        )
    return found


def files_named(model: onnx.ModelProto) -> list[str]:
    """The other files in which a graph keeps weights."""
    places = (entry for tensor in model.graph.initializer for entry in tensor.external_data)
    return sorted({entry.value for entry in places if entry.key == "location"})


def _elsewhere(tensor: Any, files: Collection[str]) -> Weights:
    place = {entry.key: entry.value for entry in tensor.external_data}
    file = place.get("location", "")
    if file not in files:
        inside = not Path(file).is_absolute() and ".." not in Path(file).parts
        raise GraphError(
            f"keeps weights in {file!r}" + ("" if inside else ", outside of its folder"),
            expected="a file beside the ONNX file that the manifest lists under data, no link",
        )
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    if dtype.kind not in "fiub" or not place.get("offset", "0").isdecimal():
        raise GraphError(f"keeps weights of type {dtype} in {file!r}", expected="plain numbers")
    return Weights(tensor.name, file, dtype, tuple(tensor.dims), int(place.get("offset", "0")))


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators."""
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)


def parameters_of(model: onnx.ModelProto) -> int:
    """The number of weights.

    Raises:
        GraphError: There are more than a file can hold.
    """
    for tensor in model.graph.initializer:
        if any(size < 0 for size in tensor.dims) or math.prod(tensor.dims) > MOST_PARAMETERS:
            raise GraphError(f"has weights of the size {tuple(tensor.dims)}: {tensor.name!r}")
    return sum(math.prod(tensor.dims) for tensor in model.graph.initializer)


def _check_opset(model: onnx.ModelProto) -> None:
    newest = onnx.defs.onnx_opset_version()
    if opset_of(model) > newest:
        raise GraphError(
            f"needs opset {opset_of(model)} of ONNX's operators",
            expected=f"at most {newest}",
            hint="export it with an older opset, or install newer onnx and onnxruntime",
        )


def _check_operators(model: onnx.ModelProto) -> None:
    own = {(f.domain, f.name) for f in model.functions}
    for node in _nodes(model):
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
            raise GraphError(
                f"has the custom operator {node.domain}.{node.op_type}, which is refused",
                expected="operators of ONNX",
                hint="export it without custom operators",
            )


def _nodes(model: onnx.ModelProto) -> Iterator[Any]:
    for node in model.graph.node:
        yield from _with_inner(node)
    for function in model.functions:
        for node in function.node:
            yield from _with_inner(node)


def _with_inner(node: Any) -> Iterator[Any]:
    yield node
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _with_inner(inner)


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    yield from model.graph.initializer
    for sparse in model.graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in _nodes(model):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.initializer
