"""Annotations as the player gets them."""

import numpy as np

from dashboard.player.differences import judge
from dashboard.player.layers import layer
from metrics.tasks.clip_view import ClipView
from ridealong.perception.annotations import Perception, annotation_table

S = 1_000_000_000
BOX = {"camera": "main", "task": "objects", "category": "car", "score": 0.5}
CORNERS = {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0}


def seen(rows: list[dict[str, object]], *times_s: int) -> Perception:
    return Perception(np.array(times_s, np.int64) * S, annotation_table(rows))


def test_frames_count_from_the_first_of_the_videos_and_marks_stay_a_step() -> None:
    line = {"camera": "rear", "task": "lanes", "category": "lane_line", "points": [0.0, 1.0]}
    rows = [
        {"timestamp_ns": 10 * S, **BOX, **CORNERS},
        {"timestamp_ns": 12 * S, **line},
        {"timestamp_ns": 11 * S, **line},
    ]
    drawn = layer("labels", "labels", seen(rows, 10, 11, 12, 13), 9 * S)
    marks = drawn["marks"]
    assert isinstance(marks, list)
    assert drawn["times"] == [1.0, 2.0, 3.0, 4.0]  # one with nothing on it, too
    assert [mark["frame"] for mark in marks] == [0, 2, 1]
    assert marks[0]["box"] == [1.0, 2.0, 3.0, 4.0] and "points" not in marks[0]
    assert marks[1]["points"] == [0.0, 1.0] and "box" not in marks[1]
    assert drawn["step_s"] == 0.2  # not a whole second: the world has moved on by then


def test_marks_of_a_network_say_what_does_not_count_and_what_is_alone() -> None:
    rows = [{"timestamp_ns": S, **BOX, **CORNERS, "score": score} for score in (0.9, 0.4)]
    views = ClipView(seen(rows, 1)), ClipView(seen([], 1))
    marks = layer("candidate", "b", views[0].perception, S, judge(*views)[0])["marks"]
    assert isinstance(marks, list)
    assert [(mark.get("below"), mark.get("alone")) for mark in marks] == [(None, True), (0.1, None)]


def test_nothing_to_draw() -> None:
    drawn = layer("labels", "labels", seen([]), 0)
    assert drawn["marks"] == [] and drawn["times"] == []
