"""Quantized graphs: which nodes are, what they give, what is refused."""

import hashlib
from contextlib import closing

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from ridealong.errors import RidealongError
from shadow.networks.onnx.files import GraphFiles, Part
from shadow.networks.onnx.process import Job
from shadow.networks.onnx.quantizing.layers import name_nodes, quantized_nodes
from shadow.networks.onnx.quantizing.process import QuantizingProcess
from shadow.networks.onnx.worker import options_of_one_thread
from tests.oracles.graphs import graph

FLOAT = TensorProto.FLOAT
SHAPE = [1, 3, 8, 16]


def network():
    """Four convolutions, a shortcut around one, and a matrix that is no feature."""
    random = np.random.default_rng(2)

    def weights(outputs, inputs, size):
        return random.normal(0, 0.3, (outputs, inputs, size, size)).astype(np.float32)

    nodes = [
        helper.make_node("Conv", ["images", "w0"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["a0"]),
        helper.make_node("Conv", ["a0", "w1"], ["b"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["b"], ["b0"], name="second's"),
        helper.make_node("Conv", ["b0", "w2"], ["c"], name="third"),
        helper.make_node("Add", ["b0", "c"], ["d"], name="sum"),
        helper.make_node("Conv", ["d", "w3"], ["scores"], name="last"),
        helper.make_node("MatMul", ["matrix", "points"], ["turned"], name="projection"),
        helper.make_node("Relu", ["turned"], ["places"]),
    ]
    return graph(
        nodes,
        {"images": (FLOAT, SHAPE), "matrix": (FLOAT, [2, 3, 4])},
        {"scores": (FLOAT, [1, 2, 8, 16]), "places": (FLOAT, [2, 3, 5])},
        {
            "w0": weights(8, 3, 3),
            "w1": weights(8, 8, 3),
            "w2": weights(8, 8, 1),
            "w3": weights(2, 8, 1),
            "points": random.normal(size=(4, 5)).astype(np.float32),
        },
    )


@pytest.fixture
def open_graph(tmp_path):
    """Opens a model in the process that quantizes."""
    opened = []

    def open_it(model, data=None):
        path = tmp_path / f"{hashlib.sha256(model.SerializeToString()).hexdigest()[:8]}.onnx"
        elsewhere = {"save_as_external_data": True, "location": data, "size_threshold": 0}
        onnx.save_model(
            onnx.ModelProto.FromString(model.SerializeToString()),
            path,
            **(elsewhere if data else {}),
        )
        parts = {
            name: Part(tmp_path / name, 0, (tmp_path / name).stat().st_size)
            for name in [data]
            if name
        }
        files = GraphFiles(Part(path, 0, path.stat().st_size), parts)
        opened.append(QuantizingProcess(Job(files, "cpu", 4 * 10**9, 60, "tiny-1"), ["images"]))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def inputs(seed):
    random = np.random.default_rng(seed)
    images = random.random(SHAPE, np.float32)
    return {"images": images, "matrix": random.normal(size=(2, 3, 4)).astype(np.float32)}


def test_first_and_last_layers_and_other_numbers_stay_floats():
    model = network()
    name_nodes(model)
    assert quantized_nodes(model, ["images"]) == ["second", "second's", "third", "sum"]


def test_names_of_nodes_become_unique():
    model = network()
    for node in model.graph.node:
        node.name = "" if node.op_type == "Relu" else "same"
    name_nodes(model)
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names) and names[0] == "same"


def test_a_quantized_graph_gives_nearly_the_same(open_graph):
    process = open_graph(network())
    exact = [process.run(inputs(seed), ["scores", "places"]) for seed in range(20)]
    quantized = process.quantized()
    assert [each.layer for each in quantized.losses] != [] and {
        each.layer for each in quantized.losses
    } == {"second", "third"}
    losses = [each.loss for each in quantized.losses]
    assert losses == sorted(losses, reverse=True) and 0 < losses[-1] <= losses[0] < 0.05
    session = ort.InferenceSession(quantized.content, options_of_one_thread())
    for seed, wanted in enumerate(exact):
        scores, places = session.run(["scores", "places"], inputs(seed))
        gap = np.sqrt(np.mean((scores - wanted["scores"]) ** 2) / np.mean(wanted["scores"] ** 2))
        assert 0 < gap < 0.05
        assert np.allclose(places, wanted["places"], atol=1e-6)
    kinds = [node.op_type for node in onnx.load_model_from_string(quantized.content).graph.node]
    assert "QuantizeLinear" in kinds and "DequantizeLinear" in kinds


def test_the_same_runs_give_the_same_graph(open_graph):
    contents = []
    for _ in range(2):
        with closing(open_graph(network())) as process:
            for seed in range(3):
                process.run(inputs(seed), ["scores"])
            contents.append(process.quantized().content)
    assert contents[0] == contents[1]


def test_weights_in_another_file_are_taken_in(open_graph):
    contents = []
    for data in (None, "weights.bin"):
        with closing(open_graph(network(), data)) as process:
            process.run(inputs(1), ["scores"])
            contents.append(process.quantized().content)
    assert contents[0] == contents[1]


def test_a_graph_without_such_layers_is_refused(open_graph):
    model = graph(
        [helper.make_node("Relu", ["images"], ["y"])],
        {"images": (FLOAT, SHAPE)},
        {"y": (FLOAT, SHAPE)},
    )
    with pytest.raises(
        RidealongError, match="tiny-1: has no layer that can be quantized; expected Conv"
    ):
        open_graph(model)


def test_an_old_opset_is_refused(open_graph):
    model = network()
    model.opset_import[0].version = 12
    with pytest.raises(RidealongError, match=r"needs opset 12 .* expected at least 13"):
        open_graph(model)
