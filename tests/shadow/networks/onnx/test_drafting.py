import json

import numpy as np
import pytest
import yaml
from onnx import TensorProto, helper
from pydantic import TypeAdapter

from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.networks.drafting import Guess, write_draft
from shadow.networks.onnx.drafting import draft_manifest
from shadow.networks.onnx.graph import Graph, Port
from shadow.networks.onnx.guessing import MOST_CLASSES, output_entries
from shadow.networks.onnx.outputs import GraphOutput
from shadow.networks.opening import load_manifest
from shadow.networks.registry import add_network
from tests.oracles.graphs import CATEGORIES, detector, graph, passing

F = TensorProto.FLOAT


def drafted(tmp_path, model, name="my.onnx"):
    (tmp_path / name).write_bytes(model.SerializeToString())
    draft = draft_manifest(tmp_path / name)
    write_draft(draft, tmp_path / "my.yaml")
    return draft, yaml.safe_load((tmp_path / "my.yaml").read_text())


def test_plain_boxes_need_nothing(tmp_path, home):
    draft, document = drafted(tmp_path, detector())
    assert not draft.left_open and draft.network == "my-1.0"
    assert document["outputs"][0]["categories"] == CATEGORIES
    assert draft.guessed["inputs.graph.images.cameras"] == ["main"]
    entry = add_network(Lake.create(home), tmp_path / "my.yaml")
    assert (entry.network, entry.predictions) == ("my-1.0", 6)


def test_open_entries_are_marked_and_listed(tmp_path, home):
    model = passing(("n", 3, "h", "w"), names=("depth",))
    draft, document = drafted(tmp_path, model)
    open_keys = [
        "inputs.graph.x.height",
        "inputs.graph.x.width",
        "outputs.0.unit",
    ]
    assert list(draft.left_open) == open_keys
    assert document["outputs"][0]["unit"] == "FILL_IN"
    with pytest.raises(RidealongError) as caught:
        add_network(Lake.create(home), tmp_path / "my.yaml")
    assert str(caught.value).endswith(f"left to fill in: {', '.join(open_keys)}")


def test_an_output_that_says_nothing(tmp_path):
    draft, _ = drafted(tmp_path, passing((1, 3, 8, 16)))
    assert "y is float32 (1, 3, 8, 16)" in draft.left_open["outputs.0.decoder"]


def test_an_input_that_is_no_image(tmp_path):
    nodes = [helper.make_node("Add", ["images", "h"], ["y"])]
    shape = (1, 3, 8, 16)
    model = graph(nodes, {"images": (F, shape), "h": (F, [1])}, {"y": (F, shape)})
    draft, _ = drafted(tmp_path, model)
    assert "inputs.graph.h.what" in draft.left_open


@pytest.mark.parametrize(("extra", "axis"), [(0, 1), (0, 2), (1, 2)])
def test_a_yolo(tmp_path, home, extra, axis):
    """Boxes and scores of each candidate in one output, with the names of classes."""
    names = {0: "person", 1: "toaster", 2: "car"}
    shape = [1, 6, 6]
    shape[axis] = 4 + extra + len(names)
    constants = {"rows": np.full(shape, 0.3, np.float32), "zero": np.float32(0)}
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "rows"], ["output0"]),
    ]
    model = graph(nodes, {"images": (F, [1, 3, 32, 64])}, {"output0": (F, shape)}, constants)
    helper.set_model_props(model, {"names": repr(names), "stride": "32"})
    draft, document = drafted(tmp_path, model)
    assert not draft.left_open
    (output,) = document["outputs"]
    assert output["categories"] == ["pedestrian", None, "car"]
    assert output["scores"]["values"] == [4 + extra, 7 + extra]
    assert ("objectness" in output) == bool(extra)
    assert document["inputs"]["graph"]["images"]["fit"] == "letterbox"
    assert add_network(Lake.create(home), tmp_path / "my.yaml").predictions == 2


def test_a_detector_without_a_batch_and_cocos_classes(tmp_path):
    ports = {"boxes": (F, ["m", 4]), "scores": (F, ["m", 80])}
    nodes = [helper.make_node("Identity", ["b"], ["boxes"])]
    nodes += [helper.make_node("Identity", ["s"], ["scores"])]
    constants = {"b": np.zeros((1, 4), np.float32), "s": np.zeros((1, 80), np.float32)}
    model = graph(nodes, {"images": (F, [3, 32, 64])}, ports, constants)
    draft, document = drafted(tmp_path, model, "Faster R-CNN.onnx".replace(" ", "_"))
    assert not draft.left_open and draft.network == "faster_r_cnn-1.0"
    output = document["outputs"][0]
    assert (output["boxes"]["layout"], output["scores"]["layout"]) == ("MC", "MC")
    assert output["categories"][:3] == ["pedestrian", "bicycle", "car"]
    assert load_manifest(tmp_path / "my.yaml").predictions[0] == "objects/pedestrian@main"


def test_what_is_refused(tmp_path, ask, program):
    (tmp_path / "my.onnx").write_bytes(detector().SerializeToString())
    said = ask("networks", "init", tmp_path / "my.onnx", "--out", tmp_path / "my.yaml")
    assert said["open"] == {} and said["network"] == "my-1.0"
    assert said["outputs"]["boxes"] == "float32 (?, 2, 4)"
    for file, out, message in (
        ("my.onnx", "my.yaml", "exists already"),
        ("my.onnx", "deeper/my.yaml", "a manifest must be in its network's folder"),
        ("none.onnx", "other.yaml", "No such file or directory"),
        ("my.yaml", "other.yaml", "is not an ONNX file"),
    ):
        done = program("networks", "init", tmp_path / file, "--out", tmp_path / out)
        assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_check_of_a_manifest_stores_nothing(tmp_path, program):
    (tmp_path / "my.onnx").write_bytes(detector().SerializeToString())
    write_draft(draft_manifest(tmp_path / "my.onnx"), tmp_path / "my.yaml")
    home = tmp_path / "home"
    done = program("networks", "check", tmp_path / "my.yaml", "--home", home, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["ok"] and said["milliseconds_per_set"] > 0 and said["memory_mb"] > 50
    assert [check["check"].partition(" (")[0] for check in said["checks"]] == [
        "forms", "names", "ranges", "repeats", "batches", "lost frames"
    ]  # fmt: skip
    assert not home.exists()


def giving(outputs, image=("images", F, [1, 3, 32, 64]), extra=(), metadata=None):
    """A model whose outputs are constants: their values by name."""
    name, kind, shape = image
    nodes = [helper.make_node("Identity", [f"_{n}"], [n]) for n in outputs]
    types = {"f": F, "i": TensorProto.INT64}
    ports = {n: (types[v.dtype.kind], v.shape) for n, v in outputs.items()}
    inputs = {name: (kind, shape), **dict(extra)}
    model = graph(nodes, inputs, ports, {f"_{n}": v for n, v in outputs.items()})
    helper.set_model_props(model, metadata or {})
    return model


def floats(*shape):
    return np.full(shape, 0.25, np.float32)


FREE = ("pixel_values", F, ["n", "c", "h", "w"])
CORNERS = np.tile(np.float32([1, 2, 30, 20]), (1, 5, 1))
EXPORTS = {
    "detr": (
        giving(
            {"logits": floats(1, 5, 92), "pred_boxes": floats(1, 5, 4)},
            FREE,
            [("pixel_mask", (TensorProto.INT64, ["n", "h", "w"]))],
        ),
        ["inputs.graph.pixel_values.height", "inputs.graph.pixel_values.width",
         "inputs.graph.pixel_mask.shape"],
        {"format": "cxcywh", "unit": "input_fraction", "activation": "softmax", "background": 91},
    ),
    "tensorflow": (
        giving(
            {
                "detection_boxes": floats(1, 5, 4) * np.float32([1, 1, 2, 2]),
                "detection_scores": floats(1, 5),
                "detection_classes": floats(1, 5) * 12,
            },
            ("input_tensor", TensorProto.UINT8, [1, 32, 64, 3]),
        ),
        [],
        {"format": "yxyx", "unit": "input_fraction"},
    ),
    "ultralytics with nms": (
        giving(
            {"output0": np.concatenate([CORNERS, floats(1, 5, 1), floats(1, 5, 1) * 0], axis=2)},
            metadata={"names": repr({0: "car", 1: "toaster"}), "stride": "32"},
        ),
        [],
        {"labels": {"output": "output0", "layout": "NMC", "values": [5, 6]}},
    ),
    "centernet": (
        giving({"hm": floats(1, 6, 8, 16), "wh": floats(1, 2, 8, 16), "reg": floats(1, 2, 8, 16)}),
        [],
        {"decoder": "heatmap", "offset": {"output": "reg", "layout": "NCHW"}, "size_unit": "cells"},
    ),
    "cityscapes": (giving({"out": floats(1, 19, 8, 16)}), [], {"decoder": "segmentation"}),
    "depth": (
        giving({"predicted_depth": floats(1, 8, 16)}), ["outputs.0.unit"], {"decoder": "depth"}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_outputs_of_common_networks(tmp_path, home, name):
    model, left_open, guessed = EXPORTS[name]
    draft, document = drafted(tmp_path, model)
    assert list(draft.left_open) == left_open
    (output,) = document["outputs"]
    assert {key: output[key] for key in guessed} == guessed
    if name == "depth":
        output["unit"] = "metres"
        assert document["predictions"] == ["depth@main"]
    if name == "detr":
        document["inputs"]["graph"]["pixel_values"] |= {"height": 32, "width": 64}
        document["inputs"]["graph"]["pixel_mask"]["shape"] = [1, 32, 64]
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(document))
    assert add_network(Lake.create(home), tmp_path / "my.yaml").network == "my-1.0"


def test_the_outputs_of_the_page(repository):
    page = (repository / "docs/network-contract.md").read_text("utf-8")
    text = page.partition("### Outputs of common networks")[2].partition("```yaml\n")[2]
    outputs = yaml.safe_load(text.partition("```")[0])["outputs"]
    assert len(TypeAdapter(tuple[GraphOutput, ...]).validate_python(outputs)) == 8


@pytest.mark.parametrize(
    ("boxes", "unit", "said"),
    [
        (
            floats(1, 5, 4) * np.float32([1, 1, 2, 2]),
            "input_pixels",
            "all 20 boxes are smaller than a",
        ),
        (
            CORNERS,
            "input_fraction",
            "output 'boxes' has the coordinate 30; expected 0 to 1 (unit: in",
        ),
    ],
)
def test_boxes_in_another_unit(tmp_path, home, boxes, unit, said):
    model = giving({"boxes": boxes, "scores": floats(1, 5, 6)})
    _, document = drafted(tmp_path, model)
    document["outputs"][0]["unit"] = unit
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(RidealongError) as caught:
        add_network(Lake.create(home), tmp_path / "my.yaml")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ([1, 32], "is int64 (?, ?, ?); expected the shape (1, 32), as in the manifest"),
        (None, None),
    ],
)
def test_a_mask_of_another_shape(tmp_path, home, shape, said):
    model, _, _ = EXPORTS["detr"]
    _, document = drafted(tmp_path, model)
    document["inputs"]["graph"]["pixel_values"] |= {"height": 32, "width": 64}
    document["inputs"]["graph"]["pixel_mask"] |= {"shape": shape}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(document))
    if said is None:  # a graph that broadcasts takes one number
        assert add_network(Lake.create(home), tmp_path / "my.yaml").predictions == 6
        return
    with pytest.raises(RidealongError) as caught:
        add_network(Lake.create(home), tmp_path / "my.yaml")
    assert said in str(caught.value)


@pytest.mark.parametrize("names", [{10**12: "bus", 1: "car", -5: "truck"}, 5, ("person", "car")])
def test_classes_that_a_file_cannot_mean_take_no_memory(names):
    ports = [Port("boxes", "float32", (1, 10, 4)), Port("scores", "float32", (1, 10, 10**12))]
    outputs = {port.name: port for port in ports}
    (entry,) = output_entries(Graph({}, outputs, 0, 17, {"names": repr(names)}, ()))
    found = entry["categories"]
    if isinstance(names, int):
        assert not isinstance(found, Guess)
    else:
        assert found.value[1] == "car" and len(found.value) == MOST_CLASSES
