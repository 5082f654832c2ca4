"""What is judged of two networks' outputs, and what only one of them has."""

from typing import Any

import numpy as np
import pytest

from dashboard.player.differences import judge, lost
from metrics.tasks.clip_view import ClipView
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import family
from ridealong.perception.annotations import Perception, Task, annotation_table

TIMES = np.arange(6, dtype=np.int64) * 200_000_000
SIZES = {"main": (160, 96), "rear": (160, 96)}
A, B, FAR = (0, 0, 10, 10), (20, 0, 30, 10), (80, 80, 90, 90)
LINE, BESIDE, AWAY = ([x, 0.0, x, 96.0] for x in (20.0, 20.5, 80.0))


def row(task: str, category: str, score: float = 1.0, frame: int = 0, **more: Any) -> Any:
    known = {"timestamp_ns": int(TIMES[frame]), "camera": "main", "task": task}
    return known | {"category": category, "score": score} | more


def box(xyxy: Any, score: float = 1.0, category: str = "car", **more: Any) -> Any:
    corners = dict(zip(("x1", "y1", "x2", "y2"), map(float, xyxy), strict=True))
    return row("objects", category, score, **corners | more)


def line(points: list[float], **more: Any) -> Any:
    return row("lanes", "lane_line", points=points, **more)


def light(state: str, score: float = 1.0, **more: Any) -> Any:
    return row("lights", state, score, **more)


def view(rows: list[Any], **thresholds: float) -> ClipView:
    return ClipView(Perception(TIMES, annotation_table(rows)), thresholds, SIZES)


def alone(one: list[Any], two: list[Any]) -> tuple[list[bool], list[bool]]:
    a, b = judge(view(one), view(two))
    return a.alone.tolist(), b.alone.tolist()


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ([box(A), box(B)], [box(B)], ([True, False], [False])),
        ([box(A)], [box(FAR)], ([True], [True])),
        ([box(A)], [box(A, category="bus")], ([True], [True])),
        ([box(A)], [box(A, camera="rear")], ([True], [True])),
        ([box(A)], [box(A, frame=1)], ([True], [True])),
        # (3, 0, 13, 10) overlaps A by 70 / 130 > 0.5, (4, 0, 14, 10) by 60 / 140 < 0.5.
        ([box(A)], [box((3, 0, 13, 10))], ([False], [False])),
        ([box(A)], [box((4, 0, 14, 10))], ([True], [True])),
        # Greedily the first might take what the second needs; the largest matching has both.
        (
            [box(A), box((2, 0, 12, 10))],
            [box((2, 0, 12, 10)), box((4.9, 0, 14.9, 10))],
            ([False, False], [False, False]),
        ),
        ([line(LINE), line(AWAY)], [line(BESIDE)], ([False, True], [False])),
        ([light("red")], [light("red")], ([False], [False])),
        ([light("red")], [light("green")], ([True], [True])),
        ([light("red")], [], ([True], [])),
        ([], [], ([], [])),
    ],
    ids=str,
)
def test_alone_by_hand(one: list[Any], two: list[Any], expected: Any) -> None:
    assert alone(one, two) == expected
    assert alone(two, one) == expected[::-1]


def test_each_prediction_has_its_own_threshold_and_half_where_none() -> None:
    rows = [box(A, 0.3), box(A, 0.2), box(A, 0.45, category="bus"), box(A, 0.5, category="truck")]
    judged, _ = judge(view(rows, **{"objects/car@main": 0.3}), view([]))
    assert judged.counts.tolist() == [True, False, False, True]
    assert judged.below.round(4).tolist() == [0.0, 0.1, 0.05, 0.0]
    assert judged.alone.tolist() == [True, False, False, True]


def test_what_is_below_the_others_threshold_is_not_there() -> None:
    one, two = judge(view([box(A)]), view([box(A, 0.4)]))
    assert one.alone.tolist() == [True] and two.alone.tolist() == [False]


def test_of_the_lights_said_only_the_surest_is_the_state() -> None:
    one, two = judge(view([light("green", 0.6), light("red", 0.9)]), view([light("green", 0.7)]))
    assert one.counts.tolist() == [False, True] and one.below.tolist() == [0.0, 0.0]
    assert one.alone.tolist() == [False, True] and two.alone.tolist() == [True]


def random_rows(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    rows = []
    for frame in range(len(TIMES)):
        for camera in SIZES:
            at = {"frame": frame, "camera": camera}
            for category in rng.choice(["car", "pedestrian"], 6):
                corner, size = rng.uniform(0, 30, 2), rng.uniform(10, 40, 2)
                rows.append(box([*corner, *(corner + size)], rng.uniform(), category, **at))
            rows += [light(s, rng.uniform(), **at) for s in ("red", "yellow", "green")]
            for x in rng.uniform(-20, 160, 4):  # some leave no pixel in the picture
                rows.append(line([x, 96.0, x + 5, 20.0], score=rng.uniform(), **at))
    return [rows[i] for i in rng.permutation(len(rows))]


@pytest.mark.parametrize("seed", range(5))
def test_the_marks_alone_are_what_the_metric_counts_as_unpaired(seed: int) -> None:
    one = view(random_rows(seed), **{"objects/car@main": 0.3, "lanes/lane_line@rear": 0.6})
    two = view(random_rows(seed + 100), **{"lights/red@main": 0.2})
    found = judge(one, two)
    for task, counted in (
        (Task.OBJECTS, lambda s: s["items"] - 2 * s["pairs"]),
        (Task.LANES, lambda s: s["items"] - 2 * s["pairs"]),
        (Task.LIGHTS, lambda s: s["union"] - s["intersection"]),
    ):
        names = {
            (r["category"], r["camera"])
            for r in one.perception.sparse.to_pylist()
            if r["task"] == task
        }
        predictions = [Prediction(task, *name) for name in sorted(names)]
        (sums,) = family(task).against_other(one, two, predictions).sums
        expected = dict(zip(sums.predictions, counted(sums.values), strict=True))
        assert {str(p): alone_of(p, (one, two), found) for p in predictions} == expected
        assert sum(expected.values()) > 0


def alone_of(prediction: Prediction, views: Any, found: Any) -> int:
    return sum(
        Prediction(Task(row["task"]), row["category"], row["camera"]) == prediction
        for side, judged in zip(views, found, strict=True)
        for row in side.perception.sparse.filter(judged.alone).to_pylist()
    )


def test_what_the_candidate_lost() -> None:
    hidden = box(FAR, occlusion=0.9)
    frame = {"frame": 1}
    labels = view([box(A), box(B), hidden, light("red")])
    labels = ClipView(
        Perception(TIMES[:1], labels.perception.sparse, tasks=frozenset({"objects", "lanes"})),
        {},
        SIZES,
    )
    deployed = view([box(A), box(FAR), box((40, 40, 50, 50))])
    candidate = view(
        [
            box(B),
            box((40, 40, 50, 50)),
            box((60, 0, 70, 10)),
            box((60, 0, 70, 10), **frame),
            light("green"),
        ]
    )
    alone = judge(deployed, candidate)[1].alone
    missed, extra = lost(labels, deployed, candidate, alone)
    # A is found by the deployed network alone; B was missed before; the hidden one is ignored.
    assert missed.tolist()[:3] == [True, False, False]
    # B is right; the next one is false in both; the third is new; then there are no labels; the
    # lights are not labelled.
    assert extra.tolist() == [False, False, True, False, False]
