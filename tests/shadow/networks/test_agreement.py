from dataclasses import replace

import numpy as np
import pytest

from ridealong.perception.annotations import Perception, annotation_table
from shadow.networks.agreement import disagreement, same_bytes

TIMES = np.array([0, 1], np.int64)


def box(at=0, score=0.5, x=10.0, **changes):
    corners = {"x1": x, "y1": 5.0, "x2": x + 20, "y2": 15.0}
    names = {"camera": "main", "task": "objects", "category": "car"}
    return {"timestamp_ns": at, "score": score, **names, **corners, **changes}


def line(*points):
    names = {"camera": "main", "task": "lanes", "category": "lane_line"}
    return {"timestamp_ns": 0, "score": 0.5, **names, "points": list(points)}


def seen(*rows, depth=7.0, road=0):
    return Perception(
        TIMES,
        annotation_table(list(rows)),
        depth={"main": np.full((2, 1, 2), depth, np.float32)},
        segmentation={"main": np.full((2, 1, 2), road, np.uint8)},
    )


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ([], [], 0),
        ([box(), box(1)], [box(), box(1)], 0),
        ([box()], [box(score=0.505, x=10.4)], 0),
        ([box()], [box(score=0.52)], 1),
        ([box()], [box(x=12)], 1),
        ([box()], [box(category="bus")], 1),
        ([box(), box(x=50)], [box()], 0.5),  # one was just above the threshold
        ([box()], [box(), box(x=50)], 0.5),
        ([line(0, 0, 9, 9)], [line(0.5, 0, 4, 4, 9, 9)], 0),
        ([line(0, 0, 9, 9)], [line(0, 0, 9, 12)], 1),
    ],
)
def test_rows(one, other, share):
    assert disagreement(seen(*one), seen(*other)) == share
    assert same_bytes(seen(*one), seen(*other)) == (one == other)


@pytest.mark.parametrize(
    ("change", "share"),
    [
        ({"depth": 7.05}, 0),
        ({"depth": 7.5}, 1),
        ({"depth": np.nan}, 1),
        ({"depth": np.array([[[7.0, 9.0]]])}, 0.5),
        ({"road": 3}, 1),
    ],
)
def test_cells(change, share):
    assert disagreement(seen(), seen(**change)) == share
    assert not same_bytes(seen(), seen(**change))


def test_another_output_is_another():
    assert disagreement(seen(), replace(seen(), depth={})) == 1
    unknown = seen(depth=np.nan)
    assert same_bytes(unknown, unknown) and disagreement(unknown, unknown) == 0
