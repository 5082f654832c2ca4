import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.tasks import bev, depth, lanes, lights, objects, segmentation
from metrics.tasks.clip_view import ClipView
from metrics.tasks.registry import parse_prediction
from ridealong.perception.annotations import UNLABELLED, Perception, Task

CAR, RED = "objects/car@main", "lights/red@narrow"
HERE, NEAR, THERE = (0, 0, 10, 10), (3, 0, 13, 10), (50, 50, 60, 60)


def ask(function, name, perception, **thresholds):
    return function(ClipView(perception, thresholds), (parse_prediction(name),))


@pytest.mark.parametrize(
    ("sequence", "flickers"),
    [
        ([[HERE]] * 5, 0),
        ([[HERE], [NEAR], [HERE], [NEAR], [HERE]], 0),
        ([[HERE], [HERE], [], [HERE], [HERE]], 1),
        ([[], [], [HERE], [], []], 1),
        ([[HERE], [], [HERE], [], [HERE]], 2),  # the last may go on
        ([[HERE], [HERE], [], [], []], 0),
        ([[HERE], [], [], [], [HERE]], 0),
        ([[HERE], [HERE], [THERE], [HERE], [HERE]], 2),
        ([[HERE, THERE], [], [HERE, THERE], [HERE, THERE], [HERE, THERE]], 2),
        ([[]] * 5, 0),
    ],
    ids=[
        "steady", "moving", "gone once", "there once", "blinking", "leaves for good",
        "a long gap at the edges", "jumps away and back", "two boxes", "nothing",
    ],
)  # fmt: skip
def test_box_flicker_by_hand(make, sums_of, sequence, flickers):
    rows = [make.box(i, box) for i, boxes in enumerate(sequence) for box in boxes]
    sums = sums_of(ask(objects.FAMILY.against_self, CAR, make.perception(5, rows)), CAR, "flicker")
    assert sums == {"flickers": flickers, "said": sum(map(len, sequence))}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.booleans(), min_size=3, max_size=12))
def test_flicker_is_a_share(make, sums_of, there):
    """Whatever comes and goes, a box in every other frame among it (which once gave 1.86)."""
    rows = [make.box(i, HERE) for i, seen in enumerate(there) if seen]
    reds = [make.light(i, "red") for i, seen in enumerate(there) if seen]
    for function, name, said in (
        (objects.FAMILY.against_self, CAR, rows),
        (lights.FAMILY.against_self, RED, reds),
    ):
        sums = sums_of(ask(function, name, make.perception(len(there), said)), name, "flicker")
        assert 0 <= sums["flickers"] <= sums["said"] == sum(there)


def test_scores_around_the_threshold_flicker(make, sums_of):
    rows = [make.box(i, HERE, score=0.6 if i != 2 else 0.4) for i in range(5)]
    seen = make.perception(5, rows)
    assert sums_of(ask(objects.FAMILY.against_self, CAR, seen), CAR, "flicker")["flickers"] == 1
    low = {CAR: 0.3}
    result = objects.FAMILY.against_self(ClipView(seen, low), (parse_prediction(CAR),))
    assert sums_of(result, CAR, "flicker")["flickers"] == 0


def test_predictions_next_to_each_other_do_not_touch(make, sums_of):
    names = ["objects/car@main", "objects/car@narrow", "objects/car@rear"]
    rows = [make.box(i, HERE, camera="narrow") for i in range(1, 4)]
    predictions = tuple(map(parse_prediction, names))
    result = objects.FAMILY.against_self(ClipView(make.perception(5, rows)), predictions)
    assert [sums_of(result, name, "flicker")["flickers"] for name in names] == [0, 0, 0]


def test_frames_far_apart_are_not_linked(make, sums_of):
    steady = make.perception(5, [make.box(i, HERE) for i in (0, 1, 3, 4)])
    times = np.array([0, 2, 3, 4, 50]) * 200_000_000  # the first step is short enough
    moved = dict(zip(steady.timestamps_ns.tolist(), times.tolist(), strict=True))
    column = [moved[t] for t in steady.sparse["timestamp_ns"].to_pylist()]
    sparse = steady.sparse.set_column(0, "timestamp_ns", [column])
    sparse = sparse.cast(steady.sparse.schema)
    sums = sums_of(
        ask(objects.FAMILY.against_self, CAR, Perception(times, sparse, tasks=frozenset(Task))),
        CAR,
        "flicker",
    )
    assert sums == {"flickers": 1, "said": 4}


def test_the_flicker_of_what_says_nothing_is_unknown(make, sums_of):
    sums = sums_of(ask(objects.FAMILY.against_self, CAR, make.perception(5)), CAR, "flicker")
    value = objects.FAMILY.metrics["flicker"].value(
        {name: np.array(sum) for name, sum in sums.items()}
    )
    assert np.isnan(value)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_too_few_frames_to_judge(make, sums_of, frames):
    rows = [make.box(i, HERE) for i in range(frames)]
    seen = make.perception(
        frames,
        rows,
        depth={"rear": np.ones((frames, 2, 2), np.float32)},
        bev={"road": np.ones((frames, 2, 2), np.uint8)},
    )
    assert sums_of(ask(objects.FAMILY.against_self, CAR, seen), CAR, "flicker")["flickers"] == 0
    assert sums_of(ask(lights.FAMILY.against_self, RED, seen), RED, "flicker")["flickers"] == 0
    assert sums_of(ask(depth.FAMILY.against_self, "depth@rear", seen), "depth@rear", "jitter") == {
        "change": 0,
        "pixels": 0,
    }
    union = 4 if frames == 2 else 0
    sums = sums_of(ask(bev.FAMILY.against_self, "bev/road", seen), "bev/road", "jitter")
    assert sums == {"intersection": union, "union": union}


@pytest.mark.parametrize(
    ("states", "flickers"),
    [
        (["red"] * 5, 0),
        (["red", "red", "green", "green", "green"], 0),
        (["red", "red", "green", "red", "red"], 1),
        (["none", "red", "none", "red", "none"], 2),
        (["green", "green", "none", "green", "green"], 0),
    ],
    ids=["steady", "changes for good", "changes for a frame", "blinks", "another state"],
)
def test_light_flicker_by_hand(make, sums_of, states, flickers):
    rows = [make.light(i, state) for i, state in enumerate(states)]
    sums = sums_of(ask(lights.FAMILY.against_self, RED, make.perception(5, rows)), RED, "flicker")
    assert sums == {"flickers": flickers, "said": states.count("red")}
    value = lights.FAMILY.metrics["flicker"].value(
        {name: np.array(sum) for name, sum in sums.items()}
    )
    assert value == pytest.approx(flickers / (states.count("red") or np.nan), nan_ok=True)


def test_depth_jitter_by_hand(make, sums_of):
    steady, jumping, unknown = [10, 12, 14, 16], [10, 10, 20, 10], [10, float("nan"), 10, 10]
    array = np.array([steady, jumping, unknown], np.float32).T.reshape(4, 1, 3)
    sums = sums_of(
        ask(depth.FAMILY.against_self, "depth@rear", make.perception(4, depth={"rear": array})),
        "depth@rear",
        "jitter",
    )
    # Steady motion has no second difference; 10/40 and 20/40 for the jumps; no triple is known.
    assert sums == pytest.approx({"change": 0.75, "pixels": 4})


def test_map_jitter_by_hand(make, sums_of):
    road = np.array([[[1, 1, 0, 0]], [[1, 0, 1, 0]], [[1, 0, 1, UNLABELLED]]], np.uint8)
    seen = make.perception(3, bev={"road": road}, segmentation={"main": 1 - road % 2})
    sums = sums_of(ask(bev.FAMILY.against_self, "bev/road", seen), "bev/road", "jitter")
    assert sums == {"intersection": 1 + 2, "union": 3 + 2}
    name = "segmentation/road@main"
    sums = sums_of(ask(segmentation.FAMILY.against_self, name, seen), name, "jitter")
    assert sums["intersection"] == 3


def test_lane_jitter_by_hand(make, sums_of):
    name = "lanes/lane_line@main"
    upright = [[100.0, 0.0, 100.0, 590.0], [105.0, 0.0, 105.0, 590.0]]
    rows = [make.line(i, upright[i % 2]) for i in range(3)]
    view = ClipView(make.perception(4, rows), image_sizes={"main": (1640, 590)})
    sums = sums_of(lanes.FAMILY.against_self(view, (parse_prediction(name),)), name, "jitter")
    # 5 of 7 columns twice, then 6 columns that vanish; 118 rows.
    assert sums == {"intersection": 10 * 118, "union": (7 + 7 + 6) * 118}


def test_lane_jitter_keeps_classes_apart(make, sums_of):
    names = ("lanes/lane_line@main", "lanes/road_edge@main")
    upright = [100.0, 0.0, 100.0, 590.0]
    # One class in the last frame, the other in the first: next to each other in the order of rows.
    rows = [make.line(2, upright), make.line(0, upright, "road_edge")]
    view = ClipView(make.perception(3, rows), image_sizes={"main": (1640, 590)})
    result = lanes.FAMILY.against_self(view, tuple(map(parse_prediction, names)))
    for name in names:
        assert sums_of(result, name, "jitter") == {"intersection": 0, "union": 6 * 118}
