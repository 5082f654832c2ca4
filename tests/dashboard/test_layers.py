"""Annotations as the player gets them."""

from dashboard.player.layers import layer
from ingest.annotations import annotation_table

S = 1_000_000_000


def test_marks_count_from_the_first_frame_and_stay_a_step() -> None:
    box = {"camera": "main", "task": "objects", "category": "car", "score": 0.5}
    corners = {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0}
    line = {"camera": "rear", "task": "lanes", "category": "lane_line", "points": [0.0, 1.0]}
    rows = annotation_table(
        [
            {"timestamp_ns": 10 * S, **box, **corners},
            {"timestamp_ns": 11 * S, **line},
            {"timestamp_ns": 12 * S, **line},
        ]
    )
    drawn = layer("deployed", "a (deployed)", rows, 9 * S)
    marks = drawn["marks"]
    assert isinstance(marks, list)
    assert [mark["t"] for mark in marks] == [1.0, 2.0, 3.0]
    assert marks[0]["box"] == [1.0, 2.0, 3.0, 4.0] and "points" not in marks[0]
    assert marks[1]["points"] == [0.0, 1.0] and "box" not in marks[1]
    assert drawn["step_s"] == 0.2  # not a whole second: the world has moved on by then


def test_nothing_to_draw() -> None:
    assert layer("labels", "labels", annotation_table([]), 0)["marks"] == []
