import hashlib
import os
from contextlib import closing

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from ridealong.errors import RidealongError
from ridealong.lake import Lake
from shadow.networks.drafting import write_draft
from shadow.networks.onnx.drafting import draft_manifest
from shadow.networks.opening import open_network
from shadow.networks.registry import add_network, list_networks
from tests.oracles.graphs import CATEGORIES, detector, document, graph, passing, write_model

F = TensorProto.FLOAT
FRAMES = {"main": np.zeros((3, 32, 64, 3), np.uint8)}
TIMES = np.arange(3, dtype=np.int64)


def refusal(home, path):
    """The message of `networks add`; the lake is unchanged."""
    lake = Lake.create(home)
    commits = lake.snapshot().commits().num_rows
    with pytest.raises(RidealongError) as caught:
        add_network(lake, path)
    assert lake.snapshot().commits().num_rows == commits and not list_networks(lake.snapshot())
    return str(caught.value)


def test_a_good_one_is_registered(home, tmp_path):
    entry = add_network(Lake.create(home), write_model(tmp_path))
    assert (entry.network, entry.predictions, entry.parameters) == ("tiny-1", 2, 17)


def test_not_onnx(home, tmp_path):
    path = write_model(tmp_path)
    text = yaml.safe_load(path.read_text())
    (tmp_path / "tiny.onnx").write_bytes(b"PK no")
    assert "the file's sha256 is" in refusal(home, path)
    assert "as in the manifest" in refusal(home, path)
    text["sha256"] = hashlib.sha256(b"PK no").hexdigest()
    path.write_text(yaml.safe_dump(text))
    assert refusal(home, path) == f"{tmp_path}/tiny.onnx: is not an ONNX file"


def test_a_missing_file(home, tmp_path):
    path = write_model(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    assert refusal(home, path) == f"{tmp_path}/tiny.onnx: No such file or directory"


def test_a_custom_operator(home, tmp_path):
    node = helper.make_node("Magic", ["x"], ["y"], domain="acme")
    model = graph([node], {"x": (F, [1])}, {"y": (F, [1])}, opsets=[helper.make_opsetid("acme", 1)])
    assert "has the custom operator acme.Magic, which is refused" in refusal(
        home, write_model(tmp_path, model)
    )


def test_an_operator_that_the_runtime_lacks(home, tmp_path):
    node = helper.make_node("Nonsense", ["x"], ["y"])
    model = graph([node], {"x": (F, [1])}, {"y": (F, [1])})
    said = refusal(home, write_model(tmp_path, model))
    assert "has the operator Nonsense, which ONNX Runtime lacks at opset 17" in said


def test_a_type_that_the_runtime_lacks(home, tmp_path):
    node = helper.make_node("Conv", ["images", "w"], ["y"])
    shape = {"images": (TensorProto.DOUBLE, ["n", 3, 32, 64])}
    model = graph([node], shape, {"y": (TensorProto.DOUBLE, None)}, {"w": np.zeros((1, 3, 3, 3))})
    said = refusal(home, write_model(tmp_path, model))
    assert "has the operator Conv (of opset 11), which ONNX Runtime cannot run with these" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda m: setattr(m, "ir_version", 99),
            "is written in version 99 of ONNX's format; expec",
        ),
        (
            lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx.ml", 77)),
            "needs opset 77 of the operators of ai.onnx.ml; expected at most",
        ),
        (
            lambda m: weights(m, [10**9] * 5),
            "has weights of the size (1000000000, 1000000000, 1000",
        ),
        (lambda m: weights(m, [-1, 5]), "has weights of the size (-1, 5): 'more'"),
    ],
)
def test_a_file_of_impossible_versions_and_sizes(home, tmp_path, change, said):
    model = detector()
    change(model)
    assert said in refusal(home, write_model(tmp_path, model))


def weights(model, sizes):
    """Add an array that has no numbers."""
    tensor = model.graph.initializer.add()
    tensor.name, tensor.data_type = "more", F
    tensor.dims.extend(sizes)


@pytest.mark.parametrize(
    ("kind", "said"),
    [("STRING", "the output 'y' is tensor(string)"), ("sequence", "is seq(tensor(float))")],
)
def test_an_output_that_is_no_numbers(home, tmp_path, kind, said):
    shape = ("n", 3, 32, 64)
    node = helper.make_node("Cast", ["images"], ["y"], to=TensorProto.STRING)
    model = graph([node], {"images": (F, shape)}, {"y": (TensorProto.STRING, shape)})
    if kind == "sequence":
        node = helper.make_node("SequenceConstruct", ["images"], ["y"])
        model = graph([node], {"images": (F, shape)}, {})
        model.graph.output.append(helper.make_tensor_sequence_value_info("y", F, None))
    refused = refusal(home, write_model(tmp_path, model, **depth_of_y()))
    assert said in refused and refused.endswith("expected a tensor of numbers")


def test_an_output_without_cells(home, tmp_path):
    shape = ("n", 3, 32, 64)
    node = helper.make_node("Slice", ["images", "none", "none", "axis"], ["y"])
    constants = {"none": np.array([0]), "axis": np.array([2])}
    model = graph([node], {"images": (F, shape)}, {"y": (F, ("n", "b", "c", "d"))}, constants)
    said = refusal(home, write_model(tmp_path, model, **depth_of_y()))
    assert said == "tiny-1: output 'y' has 0 along H; expected at least 1, for depth.depth"


def test_what_is_no_regular_file(home, tmp_path):
    path = write_model(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    os.mkfifo(tmp_path / "tiny.onnx")
    assert "tiny.onnx: is a named pipe; expected a regular file" in refusal(home, path)
    with pytest.raises(RidealongError, match="is a named pipe"):
        draft_manifest(tmp_path / "tiny.onnx")


@pytest.mark.parametrize("name", ["../tiny.onnx", "/etc/passwd", "sub/tiny.onnx", ".."])
def test_a_path_outside_the_folder(home, tmp_path, name):
    said = refusal(home, write_model(tmp_path, artifact="tiny.onnx", data={name: "0" * 64}))
    assert f"{name!r} is not the name of a file beside the manifest" in said
    path = write_model(tmp_path)
    path.write_text(path.read_text().replace("artifact: tiny.onnx", f"artifact: {name}"))
    assert f"artifact: {name!r} is not the name of a file beside the manifest" in refusal(
        home, path
    )


def test_a_network_in_place_of_its_manifest(home, tmp_path):
    write_model(tmp_path)
    said = refusal(home, tmp_path / "tiny.onnx")
    assert "is a network; expected its manifest (YAML); write one: ridealong networks init" in said


def test_a_device_that_is_unknown(tmp_path, program, home):
    done = program("networks", "check", write_model(tmp_path), "--device", "tpu", "--home", home)
    assert done.returncode == 2
    assert done.stderr == "error: device 'tpu' is not supported; expected cpu or cuda\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"what": None}, "the key 'inputs.graph.images.what' is missing"),
        ({"what": "image"}, "inputs.graph.images.what: unknown 'image'; did you mean 'images'?"),
        ({"height": None}, "the key 'inputs.graph.images.height' is missing"),
        ({"heigth": 3}, "unknown key 'inputs.graph.images.heigth'; did you mean 'height'?"),
        ({"layout": "NQ"}, "inputs.graph.images.layout: String should match pattern"),
    ],
)
def test_a_mistake_in_an_input_names_its_key(home, tmp_path, changes, said):
    inputs = document()["inputs"]
    inputs["graph"]["images"] |= changes
    given = inputs["graph"]["images"]
    inputs["graph"]["images"] = {key: given[key] for key in given if given[key] is not None}
    assert said in refusal(home, write_model(tmp_path, inputs=inputs))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"decoder": "box"}, "outputs.0.decoder: unknown 'box'; did you mean 'boxes'?"),
        ({"scores": {"output": "scores", "layout": "Q"}}, "outputs.0.scores.layout: String should"),
        ({"category": []}, "unknown key 'outputs.0.category'; did you mean 'categories'?"),
    ],
)
def test_a_mistake_in_an_output_names_its_key(home, tmp_path, changes, said):
    """One of the decoders, ``boxes``, has a key of its own name."""
    outputs = document()["outputs"]
    outputs[0] |= changes
    assert said in refusal(home, write_model(tmp_path, outputs=outputs))


def test_a_new_opset(home, tmp_path):
    model = detector()
    model.opset_import[0].version = 999
    said = refusal(home, write_model(tmp_path, model))
    assert "needs opset 999 of ONNX's operators; expected at most" in said


@pytest.mark.parametrize("place", ["/etc/passwd", "../weights.bin", "weights.bin"])
def test_weights_in_other_files(home, tmp_path, place):
    model = elsewhere(place)
    (tmp_path / "weights.bin").write_bytes(bytes(100))
    said = refusal(home, write_model(tmp_path / "model", model))
    outside = ", outside of its folder" if "/" in place else ""
    assert f"keeps weights in {place!r}{outside}; expected a file beside the ONNX file" in said


def elsewhere(place, start=8):
    """The detector with the corners of its boxes in another file."""
    model = detector()
    tensor = next(w for w in model.graph.initializer if w.name == "corners")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", place), ("offset", str(start)), ("length", "32")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return model


CORNERS = np.array([[[0, 0, 16, 16], [32, 8, 64, 24]]], np.float32).tobytes()


def with_data(folder, content=bytes(8) + CORNERS, start=8, **changes):
    folder.mkdir()
    (folder / "corners.bin").write_bytes(content)
    data = {"corners.bin": hashlib.sha256(content).hexdigest()}
    return write_model(folder, elsewhere("corners.bin", start), **{"data": data, **changes})


def test_weights_in_a_file_of_the_folder(home, tmp_path, open_model):
    path = with_data(tmp_path / "model")
    lake = Lake.create(home)
    entry = add_network(lake, path)
    assert entry.blob.endswith(".tar") and lake.check().sound
    frames = {"main": np.full((3, 32, 64, 3), 200, np.uint8)}
    with closing(open_network(entry.manifest, entry.artifact(lake))) as network:
        found = network.perceive(frames, TIMES, {})
    assert found.sparse.equals(open_model().perceive(frames, TIMES, {}).sparse)
    assert found.sparse.num_rows == 6


def test_weights_that_are_not_what_the_manifest_says(home, tmp_path):
    path = with_data(tmp_path / "other", data={"corners.bin": "0" * 64})
    assert "corners.bin: the file's sha256 is" in refusal(home, path)
    path = with_data(tmp_path / "short", start=16)
    assert "needs more of 'corners.bin' than its 40 bytes" in refusal(home, path)
    path = with_data(tmp_path / "gone")
    (tmp_path / "gone/corners.bin").unlink()
    assert "corners.bin: No such file or directory" in refusal(home, path)
    path = with_data(tmp_path / "link")
    (tmp_path / "link/corners.bin").rename(tmp_path / "corners.bin")
    (tmp_path / "link/corners.bin").symlink_to(tmp_path / "corners.bin")
    assert "corners.bin: is a link to another folder" in refusal(home, path)


def test_a_draft_lists_the_files_with_weights(tmp_path, home):
    folder = with_data(tmp_path / "model").parent
    draft = draft_manifest(folder / "tiny.onnx")
    write_draft(draft, folder / "my.yaml")
    assert list(draft.document["data"]) == ["corners.bin"]
    assert add_network(Lake.create(home), folder / "my.yaml").blob.endswith(".tar")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"height": 64}, "'images' is float32 (?, 3, 32, 64); expected float32 (1, 3, 64, 64)"),
        ({"layout": "NHWC"}, "expected float32 (1, 32, 64, 3), which is layout NHWC"),
        ({"dtype": "float16"}, "expected float16 (1, 3, 32, 64)"),
        ({"colour": "grey"}, "expected float32 (1, 1, 32, 64)"),
    ],
)
def test_another_input(home, tmp_path, change, said):
    inputs = document()["inputs"]
    inputs["graph"]["images"] |= change
    assert said in refusal(home, write_model(tmp_path, inputs=inputs))


def test_another_name(home, tmp_path):
    inputs = document()["inputs"]
    inputs["graph"]["image"] = inputs["graph"].pop("images")
    said = refusal(home, write_model(tmp_path, inputs=inputs))
    assert "the graph has no input 'image'; did you mean 'images'?" in said
    assert "does not say how to fill the input 'images', float32 (?, 3, 32, 64)" in said


def test_every_open_entry_is_named(home, tmp_path):
    outputs = document()["outputs"]
    outputs[0]["categories"] = ["car", "FILL_IN"]
    path = write_model(tmp_path, licence="FILL_IN", outputs=outputs)
    assert refusal(home, path) == f"{path}: left to fill in: licence, outputs.0.categories.1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"scores": {"output": "boxes", "layout": "NMC"}},
            "output 'boxes' has 4 values along C; expected 1 (because there are labels),"
            " for boxes.scores",
        ),
        (
            {"boxes": {"output": "scores", "layout": "NM"}},
            "output 'scores' has 1 values along C; expected 4 (xyxy), for boxes.boxes",
        ),
        (
            {"boxes": {"output": "boxes", "layout": "NM"}},
            "the output 'boxes' is float32 (?, 2, 4); expected 2 axes, as in layout NM",
        ),
        (
            {"boxes": {"output": "boxes", "layout": "MNC"}},
            "output 'boxes' has 2 along N; expected 1, for boxes.boxes",
        ),
        (
            {"categories": ["car"] * 3 + ["pedestrian"]},
            "output 'labels' has the class 5; expected 0 to 3 (the categories), for boxes.labels",
        ),
    ],
)
def test_outputs_that_do_not_fit(home, tmp_path, change, said):
    outputs = document()["outputs"]
    outputs[0] |= change
    assert said in refusal(home, write_model(tmp_path, outputs=outputs))


def test_scores_that_are_logits(home, tmp_path):
    model = detector()
    weights = next(w for w in model.graph.initializer if w.name == "weights")
    weights.CopyFrom(onnx.numpy_helper.from_array(np.array([[9.0, -9.0]], np.float32), "weights"))
    said = refusal(home, write_model(tmp_path, model))
    assert "output 'scores' has the score" in said
    assert "expected 0 to 1, or activation: sigmoid or softmax if these are logits" in said


def test_a_prediction_that_no_output_gives(home, tmp_path):
    path = write_model(tmp_path, predictions=["objects/car@rear"])
    assert "no output gives the prediction 'objects/car@rear'; did you mean" in refusal(home, path)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("lanes", "task 'lanes' consists of polylines, which it cannot give"),
        ("object", "unknown task 'object'; did you mean 'objects'?"),
    ],
)
def test_a_task_that_boxes_cannot_be(home, tmp_path, task, said):
    outputs = document()["outputs"]
    outputs[0]["task"] = task
    assert said in refusal(home, write_model(tmp_path, outputs=outputs))


def test_a_graph_that_takes_100_gb(home, tmp_path):
    nodes = [
        helper.make_node("ConstantOfShape", ["sizes"], ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["y"]),
    ]
    sizes = {"sizes": np.array([25, 10**9])}
    shape = ("n", 3, 32, 64)
    model = graph(nodes, {"images": (F, shape)}, {"y": (F, shape)}, sizes)
    output = {"decoder": "depth", "unit": "metres"}
    output["depth"] = {"output": "y", "layout": "NCHW", "values": [0, 1]}
    path = write_model(tmp_path, model, outputs=[output], predictions=["depth@main"])
    said = refusal(home, path)
    assert "needs more memory than its limit; it may use 4 GB (limits.memory_gb" in said


def endless():
    """A loop that ends after hours."""
    F, B, L = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Sin", ["value"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", L, []),
            helper.make_tensor_value_info("go", B, []),
            helper.make_tensor_value_info("value", F, ["n", 3, 32, 64]),
        ],
        [
            helper.make_tensor_value_info("on", B, []),
            helper.make_tensor_value_info("next", F, ["n", 3, 32, 64]),
        ],
    )
    nodes = [helper.make_node("Loop", ["times", "yes", "images"], ["y"], body=body)]
    shape = ("n", 3, 32, 64)
    constants = {"times": np.array(10**12), "yes": np.array(True)}
    return graph(nodes, {"images": (F, shape)}, {"y": (F, shape)}, constants)


def depth_of_y():
    output = {"decoder": "depth", "unit": "metres"}
    output["depth"] = {"output": "y", "layout": "NCHW", "values": [0, 1]}
    return {"outputs": [output], "predictions": ["depth@main"]}


def test_a_graph_that_does_not_end(open_model):
    network = open_model(endless(), limits={"seconds": 0.2}, **depth_of_y())
    for _ in range(2):  # the next clip has a process of its own
        with pytest.raises(RidealongError) as caught:
            network.perceive(FRAMES, TIMES, {})
        assert str(caught.value) == (
            "tiny-1: took more than 0.2 s; raise limits.seconds in its manifest if it needs more"
        )


def test_a_death_costs_one_clip(open_model):
    network = open_model()
    before = network.perceive(FRAMES, TIMES, {})
    os.kill(network.process._process.pid, 9)
    with pytest.raises(RidealongError, match=r"tiny-1: its process died \(SIGKILL\)"):
        network.perceive(FRAMES, TIMES, {})
    assert network.perceive(FRAMES, TIMES, {}).sparse.equals(before.sparse)


def test_an_output_of_the_wrong_kind_is_named_with_its_decoder(home, tmp_path):
    output = {
        "decoder": "heatmap",
        "heatmap": {"output": "y", "layout": "NCHW"},
        "size": {"output": "y", "layout": "NCHW", "values": [0, 2]},
        "categories": CATEGORIES,
    }
    inputs = document()["inputs"]
    inputs["graph"] = {"x": inputs["graph"]["images"]}
    path = write_model(tmp_path, passing(("n", 3, 32, 64)), inputs=inputs, outputs=[output])
    assert "output 'y' has 3 values along C; expected 6 (the number of categories)" in refusal(
        home, path
    )


def test_a_class_for_nothing_that_there_is_not(home, tmp_path):
    outputs = document()["outputs"]
    outputs[0]["background"] = len(CATEGORIES)
    said = refusal(home, write_model(tmp_path, outputs=outputs))
    assert "background 6: expected 0 to 5 (the categories)" in said


def test_an_input_that_would_fill_the_memory(home, tmp_path):
    nodes = [
        helper.make_node("ReduceMax", ["huge"], ["one"], keepdims=0),
        helper.make_node("Add", ["images", "one"], ["y"]),
    ]
    shape = ("n", 3, 32, 64)
    model = graph(nodes, {"images": (F, shape), "huge": (F, [10**11])}, {"y": (F, shape)})
    inputs = document()["inputs"]
    inputs["graph"]["huge"] = {"what": "constant", "value": 0}
    said = refusal(home, write_model(tmp_path, model, inputs=inputs, **depth_of_y()))
    assert "the input 'huge' is float32 (100000000000); expected at most 268435456 numbers" in said
