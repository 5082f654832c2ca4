"""Smaller images: pixels, shapes and calibrations alike."""

import numpy as np
import pytest

from ingest.labels.size import fitted, smaller
from ridealong.perception.geometry import project


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((64, 48), 32, (32, 24)), ((48, 64), 32, (24, 32)), ((64, 48), 64, (64, 48)),
     ((64, 48), 100, (64, 48)), ((1000, 3), 100, (100, 1))],
)  # fmt: skip
def test_the_longest_side_fits_and_nothing_grows(size, longest, expected):
    assert fitted(size, longest) == expected


def test_all_shapes_shrink_with_the_pixels(rich):
    small = smaller(rich, 32)
    assert {(image.width, image.height) for image in small.images} == {(32, 24)}
    _, images = next(iter(small.pixels(np.array([1000]))))
    assert {image.shape for image in images.values()} == {(24, 32, 3)}
    old, new = (clip.labels.sparse.to_pylist() for clip in (rich, small))
    assert [row["x2"] for row in new] == [row["x2"] and row["x2"] / 2 for row in old]
    assert new[4]["points"] == [value / 2 for value in old[4]["points"]]
    assert small.reported["candidate"]["y2"].to_pylist() == [4.0]
    point = np.array([[20.0, 1.0, 0.5]])
    before, after = (project(clip.cameras["main"], point)[0] for clip in (rich, small))
    assert after[:2] == pytest.approx(before[:2] / 2) and after[2] == before[2]


def test_a_size_that_fits_changes_nothing(rich):
    same = smaller(rich, 64)
    assert same.labels.sparse is rich.labels.sparse
    assert same.reported["candidate"] is rich.reported["candidate"]
