"""Reads a graph without running it, and refuses what is not one file of ONNX's own operators.

It runs in the process of the graph alone: the file is a stranger's.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

# ONNX's own, and those that come with ONNX Runtime.
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})


class GraphError(Exception):
    """The graph cannot be used: what is wrong, what was expected, and what to do."""

    def __init__(self, what: str, expected: str | None = None, hint: str | None = None) -> None:
        self.what, self.expected, self.hint = what, expected, hint
        super().__init__(what)


def read_graph(path: Path) -> onnx.ModelProto:
    """The model, without the data of external files.

    Raises:
        GraphError: It is not ONNX, too new, has custom operators, or needs other files.
    """
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise GraphError("is not an ONNX file") from error
    if not model.HasField("graph") or not model.opset_import:
        raise GraphError("is not an ONNX file: it has no graph")
    _check_opset(model)
    _check_operators(model)
    _check_files(model)
    return model


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators."""
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)


def parameters_of(model: onnx.ModelProto) -> int:
    """The number of weights."""
    total = 0
    for tensor in model.graph.initializer:
        count = 1
        for size in tensor.dims:
            count *= size
        total += count
    return total


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


def _check_files(model: onnx.ModelProto) -> None:
    for tensor in _tensors(model):
        for place in tensor.external_data:
            if place.key == "location":
                raise GraphError(
                    f"keeps weights in another file ({place.value})",
                    expected="one file",
                    hint="load it with onnx.load and save it with onnx.save, which puts the weights"
                    " into the file",
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
