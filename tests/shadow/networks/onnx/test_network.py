import numpy as np
import pytest
from onnx import TensorProto, helper

from ridealong.errors import RidealongError
from ridealong.perception.annotations import UNLABELLED
from ridealong.perception.geometry import mounted_camera, unknown_calibration
from tests.oracles.graphs import document, graph, passing

TIMES = np.arange(3, dtype=np.int64) * 200_000_000


def painted(reds, height=32, width=64):
    """An image a frame, whose red channel has one value."""
    frames = np.zeros((len(reds), height, width, 3), np.uint8)
    frames[..., 0] = np.array(reds)[:, None, None]
    return frames


def rows(perception):
    keys = ("timestamp_ns", "camera", "category", "x1", "y1", "x2", "y2")
    return [tuple(row[key] for key in keys) for row in perception.sparse.to_pylist()]


def image_input(**changes):
    given = document()["inputs"]["graph"]["images"] | changes
    return {"rate_hz": 5, "graph": {"images": given}}


def dense(output, **image):
    """A manifest of `passing`: the image itself is the output."""
    given = {"what": "images", "cameras": ["main"], "layout": "NCHW", "height": 8, "width": 16}
    return {
        "inputs": {"rate_hz": 5, "graph": {"x": {**given, "divide_by": 1, **image}}},
        "outputs": [output],
    }


def test_boxes_are_in_the_clips_own_pixels(open_model):
    network = open_model()
    found = network.perceive({"main": painted([255, 0, 102], 64, 64)}, TIMES, {})
    assert found.tasks == {"objects"}
    assert rows(found) == [
        (0, "main", "car", 0, 0, 16, 32),
        (0, "main", "pedestrian", 32, 16, 64, 48),
        (400_000_000, "main", "car", 0, 0, 16, 32),
        (400_000_000, "main", "pedestrian", 32, 16, 64, 48),
    ]
    assert found.sparse["score"].to_pylist() == pytest.approx([1, 0.5, 0.4, 0.2], abs=1e-5)


def test_a_letterbox_is_undone(open_model):
    network = open_model(inputs=image_input(fit="letterbox"))
    found = network.perceive({"main": painted([255, 255, 255], 64, 64)}, TIMES, {})
    # The image is shown in columns 16 to 48 of 64, at half its size.
    assert rows(found)[0] == (0, "main", "pedestrian", 32, 16, 64, 48)


def test_each_batch_gives_the_same(open_model):
    frames = {"main": np.random.default_rng(1).integers(0, 256, (7, 32, 64, 3), dtype=np.uint8)}
    times = np.arange(7, dtype=np.int64)
    alone = open_model().perceive(frames, times, {})
    batched = open_model(inputs=image_input() | {"batch": 4}).perceive(frames, times, {})
    assert alone.sparse.equals(batched.sparse) and alone.sparse.num_rows


def test_a_lost_frame_and_an_unused_camera_give_nothing(open_model):
    network = open_model()
    frames = {"main": painted([255, 255, 255]), "rear": painted([255, 255, 255])}
    present = {"main": np.array([True, False, True])}
    found = network.perceive(frames, TIMES, {}, present=present)
    assert {row[:2] for row in rows(found)} == {(0, "main"), (400_000_000, "main")}
    assert network.perceive({"rear": frames["rear"]}, TIMES, {}).tasks == frozenset()


def test_only_listed_predictions_are_given(open_model):
    network = open_model(predictions=["objects/pedestrian@main"])
    assert {row[2] for row in rows(network.perceive({"main": painted([255] * 3)}, TIMES, {}))} == {
        "pedestrian"
    }


@pytest.mark.parametrize("kind", ["float32", "float16", "uint8"])
def test_the_type_of_the_input(open_model, kind):
    output = {"decoder": "depth", "depth": {"output": "y", "layout": "NHW"}, "unit": "metres"}
    types = {"float32": 1, "float16": 10, "uint8": 2}
    network = open_model(
        passing(("n", 8, 16), types[kind]),
        predictions=["depth@main"],
        **dense(output, layout="NHW", colour="grey", dtype=kind),
    )
    found = network.perceive({"main": np.full((3, 8, 16, 3), 40, np.uint8)}, TIMES, {})
    assert found.depth["main"].shape == (3, 8, 16) and (found.depth["main"] == 40).all()


@pytest.mark.parametrize(
    ("unit", "scale", "metres"),
    [("metres", 0.5, 20.0), ("inverse_metres", 0.0025, 10.0), ("log_metres", 0.05, np.exp(2))],
)
def test_units_of_depth(open_model, unit, scale, metres):
    output = {
        "decoder": "depth",
        "depth": {"output": "y", "layout": "NCHW", "values": [1, 2]},
        "unit": unit,
        "scale": scale,
    }
    network = open_model(passing(), predictions=["depth@main"], **dense(output))
    present = {"main": np.array([True, True, False])}
    frames = {"main": np.full((3, 8, 16, 3), (1, 40, 3), np.uint8)}
    found = network.perceive(frames, TIMES, {}, present=present).depth["main"]
    assert found[0, 0, 0] == pytest.approx(metres) and np.isnan(found[2]).all()


def test_dense_outputs_lose_the_bars_of_a_letterbox(open_model):
    output = {"decoder": "segmentation", "scores": {"output": "y", "layout": "NCHW"}}
    output["classes"] = ["road", "sky", None]
    network = open_model(
        passing(),
        predictions=["segmentation/road@main", "segmentation/sky@main"],
        **dense(output, fit="letterbox"),
    )
    frames = np.zeros((3, 16, 16, 3), np.uint8)
    frames[:, :8] = (0, 200, 0)  # sky
    frames[:, 8:] = (200, 0, 0)  # road
    found = network.perceive({"main": frames}, TIMES, {}).segmentation["main"]
    assert found.shape == (3, 8, 8)
    assert (found[:, :3] == 9).all() and (found[:, 5:] == 0).all()


def test_ids_of_surfaces(open_model):
    output = {"decoder": "segmentation", "ids": {"output": "y", "layout": "NHW"}}
    output["classes"] = ["sky", None]
    network = open_model(
        passing(("n", 8, 16)),
        predictions=["segmentation/sky@main"],
        **dense(output, layout="NHW", colour="grey"),
    )
    frames = np.zeros((3, 8, 16, 3), np.uint8)
    frames[1] = 1
    found = network.perceive({"main": frames}, TIMES, {}).segmentation["main"]
    assert set(found[0].ravel()) == {9} and set(found[1].ravel()) == {UNLABELLED}
    frames[2] = 2
    with pytest.raises(RidealongError, match="output 'y' has the class 2; expected 0 to 1"):
        network.perceive({"main": frames}, TIMES, {})


def test_class_scores(open_model):
    output = {
        "decoder": "class_scores",
        "scores": {"output": "y", "layout": "NCHW"},
        "activation": "none",
        "categories": ["red", "yellow", "green"],
    }
    image = {"divide_by": 255}
    network = open_model(passing(), predictions=["lights/red@main"], **dense(output, **image))
    frames = {"main": np.full((3, 8, 16, 3), (204, 0, 51), np.uint8)}
    found = network.perceive(frames, TIMES, {}).sparse.to_pylist()
    assert [(r["category"], r["score"]) for r in found[:2]] == [
        ("red", pytest.approx(0.8)),
        ("green", pytest.approx(0.2)),
    ]


def test_lanes_are_traced(open_model):
    output = {
        "decoder": "lanes",
        "scores": {"output": "y", "layout": "NCHW", "values": [0, 1]},
        "activation": "none",
        "categories": ["lane_line"],
    }
    network = open_model(
        passing(), predictions=["lanes/lane_line@main"], **dense(output, divide_by=255)
    )
    frames = np.zeros((3, 8, 16, 3), np.uint8)
    frames[:, :, 3, 0] = 204
    found = network.perceive({"main": frames}, TIMES, {}).sparse.to_pylist()
    assert len(found) == 3 and found[0]["points"] == [3.5, 0.5, 3.5, 7.5]
    assert found[0]["score"] == pytest.approx(0.8)


def lines():
    """Four lines of three points in every image, whatever it shows."""
    F, L = TensorProto.FLOAT, TensorProto.INT64
    constants = {
        "places": np.array(
            [
                [
                    [[1, 2], [3, 4], [5, 6]],
                    [[1, 1], [2, 2], [3, 3]],
                    [[1, 1], [2, 2], [3, 3]],
                    [[0, 0], [8, 4], [16, 8]],
                ]
            ],
            np.float32,
        ),
        "sure": np.array([[0.8, 0.05, 0.9, 0.3]], np.float32),
        "seen": np.array([[[0.9, 0.2, 0.5], [1, 1, 1], [1, 0, 0.4], [1, 1, 1]]], np.float32),
        "classes": np.array([[1, 0, 0, 0]]),
        "zero": np.float32(0),
    }
    nodes = [helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    nodes += [helper.make_node("Mul", ["mean", "zero"], ["nothing"])]
    outputs = {"points": "places", "scores": "sure", "visible": "seen"}
    nodes += [helper.make_node("Add", ["nothing", c], [o]) for o, c in outputs.items()]
    nodes += [helper.make_node("Identity", ["classes"], ["labels"])]
    ports = {name: (F, constants[c].shape) for name, c in outputs.items()}
    return graph(nodes, {"x": (F, [1, 3, 8, 16])}, {**ports, "labels": (L, [1, 4])}, constants)


def test_lanes_as_points(open_model):
    """The clip's images are twice the size of the input. The score of the second line is too low,
    and only one point of the third counts."""
    output = {"decoder": "lane_points", "categories": ["lane_line", "road_edge"]}
    layouts = {"points": "NMPC", "scores": "NM", "visible": "NMP", "labels": "NM"}
    output |= {name: {"output": name, "layout": layout} for name, layout in layouts.items()}
    names = ["lanes/lane_line@main", "lanes/road_edge@main"]
    network = open_model(lines(), predictions=names, **dense(output))
    present = {"main": np.array([True, False, True])}
    frames = {"main": np.zeros((3, 16, 32, 3), np.uint8)}
    found = network.perceive(frames, TIMES, {}, present=present)
    keys = ("timestamp_ns", "camera", "task", "category", "points")
    assert [tuple(row[key] for key in keys) for row in found.sparse.to_pylist()] == [
        (time_ns, "main", "lanes", category, points)
        for time_ns in (0, 400_000_000)
        for category, points in (
            ("road_edge", [2, 4, 10, 12]),
            ("lane_line", [0, 0, 16, 8, 32, 16]),
        )
    ]
    assert found.sparse["score"].to_pylist() == pytest.approx([0.8, 0.3] * 2)
    # As fractions of the clip's own image.
    network = open_model(lines(), predictions=names, **dense(output | {"unit": "image_fraction"}))
    far = network.perceive({"main": np.zeros((3, 1, 2, 3), np.uint8)}, TIMES, {})
    assert far.sparse["points"][0].as_py() == [2, 2, 10, 6]


def heat_output(**changes):
    return {
        "decoder": "heatmap",
        "heatmap": {"output": "y", "layout": "NCHW", "values": [0, 1]},
        "size": {"output": "z", "layout": "NCHW", "values": [1, 3]},
        "categories": ["car"],
        "activation": "none",
    } | changes


def test_a_heatmap_of_centres(open_model):
    network = open_model(
        passing(names=("y", "z")),
        predictions=["objects/car@main"],
        **dense(heat_output(size_unit="input_pixels"), divide_by=100),
    )
    frames = np.full((3, 8, 16, 3), (0, 200, 200), np.uint8)
    frames[:, 4, 6, 0] = 90
    assert rows(network.perceive({"main": frames}, TIMES, {}))[0] == (
        0, "main", "car", 5.5, 3.5, 7.5, 5.5
    )  # fmt: skip


def test_layers_of_a_smaller_area(open_model):
    output = {
        "decoder": "layers",
        "scores": {"output": "y", "layout": "NCHW", "values": [0, 1]},
        "layers": ["road"],
        "activation": "none",
        "x_m": [16, 48],
        "y_m": [-32, 32],
    }
    network = open_model(passing(), predictions=["bev/road"], **dense(output, divide_by=255))
    frames = np.zeros((3, 8, 16, 3), np.uint8)
    frames[:, 7, 0, 0] = 255  # the cell farthest ahead and farthest right
    found = network.perceive({"main": frames}, TIMES, {}).bev["road"]
    assert found.shape == (3, 16, 16)
    assert found[0, 0].tolist() == [0] * 15 + [1] and (found[0, 8:] == UNLABELLED).all()


def solids():
    """One 3D box: a car 10 m ahead."""
    F = TensorProto.FLOAT
    constants = {
        "centre": np.array([[[10, 0, 1]]], np.float32),
        "size": np.array([[[2, 4, 1.5]]], np.float32),
        "turn": np.array([[[0.0, 1.0]]], np.float32),
        "sure": np.array([[[0.9]]], np.float32),
        "zero": np.float32(0),
    }
    nodes = [helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2, 3], keepdims=0)]
    nodes += [helper.make_node("Mul", ["mean", "zero"], ["nothing"])]
    outputs = {"centres": "centre", "sizes": "size", "yaw": "turn", "scores": "sure"}
    nodes += [helper.make_node("Add", ["nothing", c], [o]) for o, c in outputs.items()]
    ports = {name: (F, [1, 1, constants[c].shape[-1]]) for name, c in outputs.items()}
    return graph(nodes, {"x": (F, [1, 3, 8, 16])}, ports, constants)


def test_3d_boxes_are_seen_by_calibrated_cameras(open_model):
    names = ("centres", "sizes", "yaw", "scores")
    output = {"decoder": "boxes3d", "size_order": "wlh", "categories": ["car"]}
    output |= {name: {"output": name, "layout": "NMC"} for name in names}
    network = open_model(solids(), predictions=["objects/car@main"], **dense(output))
    camera = mounted_camera("main", 160, 160, 90.0, 0.0, 0.0, (0.0, 0.0, 1.0))
    frames = {"main": np.zeros((3, 160, 160, 3), np.uint8)}
    (row, *_) = network.perceive(frames, TIMES, {"main": camera}).sparse.to_pylist()
    assert (row["length_m"], row["width_m"], row["height_m"], row["yaw_rad"]) == (4, 2, 1.5, 0)
    # Its nearest face is 8 m ahead, 2 m wide and 1.5 m high; the focal length is 80 pixels.
    corners = [row[name] for name in ("x1", "y1", "x2", "y2")]
    assert corners == pytest.approx([70, 72.5, 90, 87.5])
    unknown = unknown_calibration("main", 160, 160)
    assert network.perceive(frames, TIMES, {"main": unknown}).sparse.num_rows == 0


def counter():
    """A state that counts the frames, and is the depth."""
    F = TensorProto.FLOAT
    nodes = [
        helper.make_node("Mul", ["x", "zero"], ["nothing"]),
        helper.make_node("Add", ["before", "one"], ["after"]),
        helper.make_node("Add", ["nothing", "after"], ["y"]),
    ]
    ports = {"x": (F, [1, 8, 16]), "before": (F, [1])}
    constants = {"zero": np.float32(0), "one": np.float32(1)}
    return graph(nodes, ports, {"y": (F, [1, 8, 16]), "after": (F, [1])}, constants)


def test_a_recurrent_state_goes_from_frame_to_frame(open_model):
    output = {"decoder": "depth", "depth": {"output": "y", "layout": "NHW"}, "unit": "metres"}
    changes = dense(output, layout="NHW", colour="grey")
    changes["inputs"]["graph"]["before"] = {"what": "state", "output": "after", "start": 4}
    network = open_model(counter(), predictions=["depth@main"], **changes)
    frames = {"main": np.zeros((3, 8, 16, 3), np.uint8)}
    for _ in range(2):  # each clip starts anew
        depth = network.perceive(frames, TIMES, {}).depth["main"]
        assert depth[:, 0, 0].tolist() == pytest.approx([5, 6, 7])


def test_nan_names_the_output_and_the_frame(open_model):
    F = TensorProto.FLOAT
    log = graph(
        [helper.make_node("Log", ["x"], ["low"]), helper.make_node("Sub", ["low", "low"], ["y"])],
        {"x": (F, [1, 8, 16])},
        {"y": (F, [1, 8, 16])},
    )
    output = {"decoder": "depth", "depth": {"output": "y", "layout": "NHW"}, "unit": "metres"}
    network = open_model(
        log, predictions=["depth@main"], **dense(output, layout="NHW", colour="grey")
    )
    frames = np.ones((3, 8, 16, 3), np.uint8)
    frames[1, 2, 3] = 0
    message = r"tiny-1: output 'y' is NaN in frame 1 \(timestamp 200000000 ns\)"
    with pytest.raises(RidealongError, match=message):
        network.perceive({"main": frames}, TIMES, {})


def test_cameras_together(open_model):
    """Two cameras on one axis; the one that the clip lacks is black, and gives nothing."""
    output = {"decoder": "depth", "unit": "metres", "scale": 255}
    output["depth"] = {"output": "y", "layout": "NKCHW", "values": [0, 1]}
    network = open_model(
        passing(("n", 2, 3, 8, 16)),
        predictions=["depth@main", "depth@rear"],
        **dense(output, layout="NKCHW", cameras=["main", "rear"], divide_by=255),
    )
    frames = {"rear": np.full((3, 8, 16, 3), 20, np.uint8)}
    found = network.perceive(frames, TIMES, {}).depth
    assert (found["rear"] == pytest.approx(20)) and np.isnan(found["main"]).all()
