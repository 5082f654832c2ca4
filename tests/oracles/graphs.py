"""Tiny ONNX graphs, whose outputs are known for every image."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
Sizes = Sequence[int | str]


def graph(
    nodes: Sequence[Any],
    inputs: Mapping[str, tuple[int, Sizes]],
    outputs: Mapping[str, tuple[int, Sizes]],
    constants: Mapping[str, Any] | None = None,
    **options: Any,
) -> onnx.ModelProto:
    """A model of these nodes; ports have a type and sizes, and constants become weights."""
    weights = [numpy_helper.from_array(np.array(a), n) for n, a in (constants or {}).items()]
    made = helper.make_graph(
        list(nodes),
        "test",
        [helper.make_tensor_value_info(n, *port) for n, port in inputs.items()],
        [helper.make_tensor_value_info(n, *port) for n, port in outputs.items()],
        weights,
    )
    opsets = [helper.make_opsetid("", OPSET), *options.pop("opsets", [])]
    return helper.make_model(made, opset_imports=opsets, ir_version=8, **options)


def detector(batch: int | str = "n", height: int = 32, width: int = 64) -> onnx.ModelProto:
    """Two boxes in every image: a car left, a pedestrian right.

    The car's score is the mean of the image's red channel (0 to 1), the other one half of it.
    """
    F, L = TensorProto.FLOAT, TensorProto.INT64
    return graph(
        [
            helper.make_node("Split", ["images", "split"], ["red", "rest"], axis=1),
            helper.make_node("ReduceMean", ["red"], ["mean"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
            helper.make_node("Mul", ["column", "weights"], ["scores"]),
            helper.make_node("Mul", ["scores", "zero"], ["nothing"]),
            helper.make_node("Unsqueeze", ["nothing", "two"], ["flat"]),
            helper.make_node("Add", ["flat", "corners"], ["boxes"]),
            helper.make_node("Cast", ["nothing"], ["whole"], to=L),
            helper.make_node("Add", ["whole", "classes"], ["labels"]),
        ],
        {"images": (F, [batch, 3, height, width])},
        {"boxes": (F, [batch, 2, 4]), "scores": (F, [batch, 2]), "labels": (L, [batch, 2])},
        {
            "split": np.array([1, 2]),
            "one": np.array([1]),
            "two": np.array([2]),
            "zero": np.float32(0),
            "weights": np.array([[1.0, 0.5]], np.float32),
            "corners": np.array([[[0, 0, 16, 16], [32, 8, 64, 24]]], np.float32),
            "classes": np.array([[0, 5]]),
        },
    )


def passing(
    shape: Sizes = ("n", 3, 8, 16), kind: int = TensorProto.FLOAT, names: Sequence[str] = ("y",)
) -> onnx.ModelProto:
    """Every output is the image as the graph gets it."""
    nodes = [helper.make_node("Identity", ["x"], [name]) for name in names]
    return graph(nodes, {"x": (kind, shape)}, {name: (kind, shape) for name in names})


CATEGORIES = ["car", "truck", "bus", "motorcycle", "bicycle", "pedestrian"]


def document(**changes: Any) -> dict[str, Any]:
    """The manifest of `detector`, without its hash."""
    return {
        "name": "tiny",
        "version": "1",
        "description": "For tests.",
        "licence": "Apache-2.0",
        "trained": "no",
        "artifact": "tiny.onnx",
        "kind": "onnx",
        "inputs": {
            "rate_hz": 5,
            "graph": {
                "images": {
                    "what": "images",
                    "cameras": ["main"],
                    "layout": "NCHW",
                    "height": 32,
                    "width": 64,
                }
            },
        },
        "outputs": [
            {
                "decoder": "boxes",
                "boxes": {"output": "boxes", "layout": "NMC"},
                "scores": {"output": "scores", "layout": "NM"},
                "labels": {"output": "labels", "layout": "NM"},
                "categories": CATEGORIES,
            }
        ],
        "predictions": ["objects/car@main", "objects/pedestrian@main"],
    } | changes


def write_model(folder: Path, model: onnx.ModelProto | None = None, **changes: Any) -> Path:
    """Write a model and its manifest; gives the path of the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    content = (model or detector()).SerializeToString()
    manifest = document(**changes)
    (folder / manifest["artifact"]).write_bytes(content)
    manifest.setdefault("sha256", hashlib.sha256(content).hexdigest())
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump(manifest, sort_keys=False), "utf-8")
    return path
