import dataclasses

import numpy as np
import pytest
import torch

from ingest.simulation.rig import rig_cameras
from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED, Task
from ridealong.perception.geometry import unknown_calibration
from tests.oracles.networks import open_folder

pytestmark = pytest.mark.slow


RIG = rig_cameras(192, 128)


def same(a, b):
    """Whether two perceptions are equal to the last bit."""
    dense = [
        {**{("depth", k): v for k, v in p.depth.items()},
         **{("segmentation", k): v for k, v in p.segmentation.items()},
         **{("bev", k): v for k, v in p.bev.items()}}
        for p in (a, b)
    ]  # fmt: skip
    return (
        a.sparse.equals(b.sparse)
        and dense[0].keys() == dense[1].keys()
        and all(dense[0][k].tobytes() == dense[1][k].tobytes() for k in dense[0])
        and a.tasks == b.tasks
    )


def near(a, b):
    """Whether two perceptions differ by no more than rounding."""
    rows = [p.sparse.select(["timestamp_ns", "camera", "task", "category"]) for p in (a, b)]
    scores = [p.sparse["score"].to_numpy() for p in (a, b)]
    return (
        rows[0].equals(rows[1])
        and np.allclose(*scores, rtol=1e-4)
        and all(np.allclose(a.depth[k], b.depth[k], rtol=1e-4, equal_nan=True) for k in a.depth)
        and all((a.segmentation[k] != b.segmentation[k]).mean() < 1e-3 for k in a.segmentation)
        and all((a.bev[k] != b.bev[k]).mean() < 1e-3 for k in a.bev)
    )


def test_a_perception_in_the_standard_forms(network, frames, timestamps_ns):
    seen = network.perceive(frames, timestamps_ns, RIG)
    assert seen.sparse.schema == ANNOTATIONS
    assert seen.tasks == frozenset(Task) - {Task.PATH}
    assert seen.timestamps_ns is timestamps_ns
    assert {k: v.shape for k, v in seen.depth.items()} == dict.fromkeys(frames, (7, 16, 24))
    assert {k: v.shape for k, v in seen.segmentation.items()} == dict.fromkeys(frames, (7, 16, 24))
    assert {v.shape for v in seen.bev.values()} == {(7, 64, 64)} and len(seen.bev) == 6
    assert all(v.dtype == np.float32 and np.isfinite(v).all() for v in seen.depth.values())
    lights = [r for r in seen.sparse.to_pylist() if r["task"] == "lights"]
    assert len(lights) <= 3 * 7 and {r["camera"] for r in lights} <= {"main"}
    order = [(r["timestamp_ns"], r["camera"]) for r in seen.sparse.to_pylist()]
    assert order == sorted(order)


def test_boxes_lie_in_the_clips_own_images(network, frames, timestamps_ns):
    rows = network.perceive(frames, timestamps_ns, RIG).sparse.to_pylist()
    boxes = [r for r in rows if r["task"] == "objects"]
    assert {r["camera"] for r in boxes} == {"main", "rear"}
    for row in boxes:
        height, width = frames[row["camera"]].shape[1:3]
        assert 0 <= row["x1"] < row["x2"] <= width and 0 <= row["y1"] < row["y2"] <= height
        assert 0.1 <= row["score"] <= 1
    assert max(r["x2"] for r in boxes if r["camera"] == "main") > 96


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 100])
def test_the_batch_changes_nothing_but_rounding(network, frames, timestamps_ns, batch):
    whole = network.perceive(frames, timestamps_ns, RIG)
    assert near(whole, network.perceive(frames, timestamps_ns, RIG, batch=batch))


def test_neither_time_nor_the_number_of_cores_changes_a_bit(network, frames, timestamps_ns):
    one = network.perceive(frames, timestamps_ns, RIG)
    torch.set_num_threads(2)
    try:
        two = network.perceive(frames, timestamps_ns, RIG)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert same(one, two)
    assert same(one, network.perceive(frames, timestamps_ns, RIG))


def test_the_same_weights_loaded_again_say_the_same(write_network, frames, timestamps_ns):
    first, second = (open_folder(write_network(folder=name)) for name in ("a", "b"))
    assert same(
        first.perceive(frames, timestamps_ns, RIG), second.perceive(frames, timestamps_ns, RIG)
    )


def test_other_weights_say_something_else(write_network, frames, timestamps_ns):
    first, second = (open_folder(write_network(seed, folder=f"{seed}")) for seed in (1, 2))
    assert not same(
        first.perceive(frames, timestamps_ns, RIG), second.perceive(frames, timestamps_ns, RIG)
    )


def test_only_what_the_manifest_lists_is_said(write_network, frames, timestamps_ns):
    predictions = ["objects/car@main", "depth@rear", "bev/road", "segmentation/sky@main"]
    network = open_folder(write_network(predictions=predictions))
    seen = network.perceive(frames, timestamps_ns, RIG)
    said = {(r["task"], r["category"], r["camera"]) for r in seen.sparse.to_pylist()}
    assert said <= {("objects", "car", "main")}
    assert (list(seen.depth), list(seen.bev), list(seen.segmentation)) == (
        ["rear"], ["road"], ["main"]
    )  # fmt: skip
    assert seen.tasks == {Task.OBJECTS, Task.DEPTH, Task.BEV, Task.SEGMENTATION}


def test_a_camera_that_is_absent_is_not_looked_at(network, frames, timestamps_ns):
    alone = network.perceive({"main": frames["main"]}, timestamps_ns, RIG)
    assert set(alone.sparse["camera"].to_pylist()) == {"main"} and list(alone.depth) == ["main"]
    never = {"rear": np.zeros(7, bool)}
    assert same(alone, network.perceive(frames, timestamps_ns, RIG, present=never))
    stranger = {"main": frames["main"], "wide": frames["rear"]}
    assert same(alone, network.perceive(stranger, timestamps_ns, RIG))
    both = network.perceive(frames, timestamps_ns, RIG)
    mine = both.sparse.filter(np.array(both.sparse["camera"].to_pylist()) == "main")
    assert mine["category"].equals(alone.sparse["category"])


def test_a_lost_frame_is_unknown(network, frames, timestamps_ns):
    there = np.array([True, True, False, True, True, True, True])
    seen = network.perceive(
        frames, timestamps_ns, RIG, present={"main": there, "rear": there}, batch=3
    )
    assert timestamps_ns[2] not in seen.sparse["timestamp_ns"].to_pylist()
    assert np.isnan(seen.depth["main"][2]).all()
    assert (seen.segmentation["main"][2] == UNLABELLED).all()
    assert (seen.bev["road"][2] == UNLABELLED).all() and (seen.bev["road"][3] <= 1).all()


def test_a_whole_batch_of_lost_frames(network, frames, timestamps_ns):
    there = np.array([True, True, False, False, True, True, True])
    present = {"main": there, "rear": there}
    one, two = (network.perceive(frames, timestamps_ns, RIG, present=present, batch=b)
                for b in (2, 7))  # fmt: skip
    assert near(one, two)


def test_without_calibration_there_is_no_view_from_above(network, frames, timestamps_ns):
    unknown = {name: unknown_calibration(name, 192, 128) for name in frames}
    for calibrations in ({}, unknown):
        seen = network.perceive(frames, timestamps_ns, calibrations)
        assert seen.bev == {} and Task.BEV not in seen.tasks and Task.DEPTH in seen.tasks


def test_no_cameras_and_no_frames(network, frames, timestamps_ns):
    nothing = network.perceive({}, timestamps_ns, RIG)
    assert nothing.sparse.num_rows == 0 and nothing.tasks == frozenset()
    none = {name: images[:0] for name, images in frames.items()}
    assert network.perceive(none, timestamps_ns[:0], RIG).sparse.num_rows == 0


def test_frames_that_may_not_be_written_to(network, frames, timestamps_ns):
    frozen = {name: images.copy() for name, images in frames.items()}
    for images in frozen.values():
        images.setflags(write=False)
    assert same(
        network.perceive(frozen, timestamps_ns, RIG), network.perceive(frames, timestamps_ns, RIG)
    )


def test_bfloat16_is_near(network, frames, timestamps_ns):
    fine = network.perceive(frames, timestamps_ns, RIG)
    coarse = network.perceive(frames, timestamps_ns, RIG, bf16=True)
    assert coarse.depth["main"].dtype == np.float32
    assert np.median(np.abs(np.log(coarse.depth["main"] / fine.depth["main"]))) < 0.05


def test_arrays_of_the_wrong_shape(network, frames, timestamps_ns):
    with pytest.raises(ValueError, match="main: 7 frames for 6 timestamps"):
        network.perceive(frames, timestamps_ns[:6], RIG)
    floats = {"main": frames["main"].astype(np.float32)}
    with pytest.raises(ValueError, match="main: frames are"):
        network.perceive(floats, timestamps_ns, RIG)


def test_a_network_cannot_be_changed(network):
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.device = "cuda"
