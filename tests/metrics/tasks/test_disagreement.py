import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.tasks.clip_view import ClipView
from metrics.tasks.registry import families, family, lookup, parse_prediction
from ridealong.perception.annotations import Task

SIZES = {"main": (160, 96), "narrow": (160, 96)}
PREDICTIONS = {
    task: tuple(map(parse_prediction, names))
    for task, names in {
        Task.OBJECTS: ["objects/car@main", "objects/pedestrian@narrow"],
        Task.LIGHTS: ["lights/red@main", "lights/none@narrow"],
        Task.LANES: ["lanes/lane_line@main", "lanes/road_edge@narrow"],
        Task.DEPTH: ["depth@main", "depth@narrow"],
        Task.SEGMENTATION: ["segmentation/road@main", "segmentation/sky@narrow"],
        Task.BEV: ["bev/road"],
    }.items()
}
A, B, FAR = (0, 0, 10, 10), (20, 0, 30, 10), (80, 80, 90, 90)


def between(task, one, two, thresholds=({}, {})):
    views = (
        ClipView(perception, threshold, SIZES)
        for perception, threshold in zip((one, two), thresholds, strict=True)
    )
    (sums,) = family(task).against_other(*views, PREDICTIONS[task]).sums
    return {name: np.asarray(value).tolist() for name, value in sums.values.items()}


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ([A, B], [A, B], (2, 4)),
        ([A, B], [B], (1, 3)),
        ([A], [FAR], (0, 2)),
        ([A, A], [A], (1, 3)),
        ([], [], (0, 0)),
        # Greedily the first might take what the second needs; the largest matching has both.
        ([(0, 0, 10, 10), (2, 0, 12, 10)], [(2, 0, 12, 10), (4.9, 0, 14.9, 10)], (2, 4)),
    ],
    ids=["same", "one more", "apart", "twice the same", "nothing", "largest matching"],
)
def test_boxes_by_hand(make, one, two, expected):
    sides = [make.perception(1, [make.box(0, box) for box in boxes]) for boxes in (one, two)]
    sums = between(Task.OBJECTS, *sides)
    assert (sums["pairs"][0], sums["items"][0]) == expected


def test_each_network_has_its_own_thresholds(make):
    said = make.perception(1, [make.box(0, A, score=0.4)])
    low = {"objects/car@main": 0.3}
    assert between(Task.OBJECTS, said, said, (low, low))["pairs"][0] == 1
    assert between(Task.OBJECTS, said, said, (low, {})) == {"pairs": [0, 0], "items": [1, 0]}


def test_lights_by_hand(make):
    one = make.perception(3, [make.light(i, "red", "main") for i in (0, 1)])
    two = make.perception(3, [make.light(i, "red", "main") for i in (1, 2)])
    assert between(Task.LIGHTS, one, two) == {"intersection": [1, 3], "union": [3, 3]}


def test_lines_by_hand(make):
    lines = [[[x, 0.0, x, 96.0]] for x in (20.0, 20.5, 80.0)]
    one = make.perception(1, [make.line(0, *lines[0]), make.line(0, *lines[2])])
    two = make.perception(1, [make.line(0, *lines[1])])
    assert between(Task.LANES, one, two) == {"pairs": [1, 0], "items": [3, 0]}


def test_depth_by_hand(make):
    nan = float("nan")
    one = np.array([[[10, 20, nan, nan, 5]]], np.float32)
    two = np.array([[[8, 40, nan, 3, 5]]], np.float32)
    sides = (make.perception(1, depth={"main": d, "narrow": d}) for d in (one, two))
    sums = between(Task.DEPTH, *sides)
    assert sums["difference"][0] == pytest.approx(0.2 + 0.5 + 1 + 0)
    assert sums["pixels"][0] == 4


def test_maps_of_different_size_meet_on_the_finer_grid(make):
    coarse = make.perception(1, bev={"road": np.array([[[1, 0]]], np.uint8)})
    fine = make.perception(1, bev={"road": np.array([[[1, 1, 1, 0], [1, 0, 0, 0]]], np.uint8)})
    assert between(Task.BEV, coarse, fine) == {"intersection": [3], "union": [5]}
    assert between(Task.BEV, fine, coarse) == {"intersection": [3], "union": [5]}


@pytest.mark.slow
@pytest.mark.parametrize("task", families())
@settings(max_examples=15, deadline=None)
@given(seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)))
def test_it_is_symmetrical_bounded_and_zero_with_oneself(make, task, seeds):
    one, two = (make.random(seed, size=(12 + 2 * i, 20)) for i, seed in enumerate(seeds))
    metric = lookup(task, "disagreement")
    there, back = between(task, one, two), between(task, two, one)
    assert there == {name: pytest.approx(value, rel=1e-12) for name, value in back.items()}
    value = metric.value({name: np.array(v) for name, v in there.items()})
    known = value[np.isfinite(value)]
    assert ((known >= 0) & (known <= 1)).all()
    own = metric.value({n: np.array(v) for n, v in between(task, one, one).items()})
    assert (own[np.isfinite(own)] == 0).all()


def test_every_task_has_one():
    assert all("disagreement" in own.metrics for own in families().values())
