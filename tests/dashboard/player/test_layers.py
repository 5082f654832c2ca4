"""Annotations as the player gets them: in columns."""

import numpy as np

from dashboard.player.differences import judge
from dashboard.player.layers import layer_marks, step_s
from metrics.tasks.clip_view import ClipView
from ridealong.perception.annotations import Perception, annotation_table

S = 1_000_000_000
BOX = {"camera": "main", "task": "objects", "category": "car", "score": 0.5}
CORNERS = {"x1": 1.04, "y1": 2.0, "x2": 3.0, "y2": 4.0}
LINE = {"camera": "rear", "task": "lanes", "category": "lane_line", "points": [0.0, 1.26]}


def seen(rows: list[dict[str, object]], *times_s: int) -> Perception:
    return Perception(np.array(times_s, np.int64) * S, annotation_table(rows))


def test_marks_in_columns_with_times_from_the_first_instant() -> None:
    rows = [
        {"timestamp_ns": 10 * S, **BOX, **CORNERS},
        {"timestamp_ns": 12 * S, **LINE},
        {"timestamp_ns": 11 * S, "task": "unknown", **BOX | {"task": "cones"}, **CORNERS},
    ]
    drawn = layer_marks(seen(rows, 10, 11, 12, 13), 9 * S)
    marks, names = drawn["marks"], drawn["names"]
    assert drawn["times"] == [1, 2, 3, 4]  # one with nothing on it, too
    assert marks["frame"] == [0, 2, 1]
    assert [names["form"][at] for at in marks["form"]] == ["boxes", "polylines", "boxes"]
    assert [names["camera"][at] for at in marks["camera"]] == ["main", "rear", "main"]
    assert marks["box"] == [[1.0, 2, 3, 4], None, [1.0, 2, 3, 4]]
    assert marks["points"] == [None, [0, 1.3], None]
    assert marks["below"] == [None] * 3 and marks["alone"] == [0, 0, 0] == marks["lost"]


def test_a_mark_stays_a_step_and_no_longer_than_the_world_stands_still() -> None:
    assert step_s(np.array([0, 1, 2]) * S) == 0.2
    assert step_s(np.array([0, 1, 2]) * S // 10) == 0.1
    assert step_s(np.array([0])) == 0.2


def test_marks_of_a_network_say_what_does_not_count_and_what_is_alone() -> None:
    rows = [{"timestamp_ns": S, **BOX, **CORNERS, "score": score} for score in (0.9, 0.4, 0.2)]
    views = ClipView(seen(rows, 1)), ClipView(seen([], 1))
    judged = judge(*views)[0]
    own = layer_marks(views[0].perception, S, judged)["marks"]
    assert own["score"] == [0.9] and own["alone"] == [1] and own["below"] == [None]
    deeper = layer_marks(views[0].perception, S, judged, np.array([1, 0, 0], bool), 0.15)["marks"]
    assert deeper["score"] == [0.9, 0.4] and deeper["below"] == [None, 0.1]
    assert deeper["lost"] == [1, 0] and deeper["alone"] == [1, 0]


def test_nothing_to_draw() -> None:
    drawn = layer_marks(seen([]), 0)
    assert drawn["times"] == [] and not any(drawn["marks"].values())
