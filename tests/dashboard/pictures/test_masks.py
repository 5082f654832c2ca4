"""What was found, missed and seen falsely, and how it is drawn."""

import numpy as np
import pytest
from PIL import Image

from dashboard.pictures.masks import (
    FALSE,
    FOUND,
    GROUND,
    MISSED,
    ROAD,
    error_map,
    from_above,
    judged,
    over_image,
)

SEEN = np.array([[1, 1], [0, 0]], np.uint8)
LABELS = np.array([[1, 0], [1, 255]], np.uint8)


def test_cells_without_a_label_are_not_judged() -> None:
    cells = judged(SEEN, LABELS, 1)
    assert cells.found.tolist() == [[True, False], [False, False]]
    assert cells.missed.tolist() == [[False, False], [True, False]]
    assert cells.false.tolist() == [[False, True], [False, False]]
    assert cells.counts == (1, 2)


def test_maps_of_two_sizes_meet_on_the_finer_grid() -> None:
    fine = np.kron(LABELS, np.ones((2, 2), np.uint8))
    cells = judged(SEEN, fine, 1)
    assert cells.found.shape == (4, 4) and cells.counts == (4, 8)


def test_another_class_is_not_found() -> None:
    cells = judged(np.full((2, 2), 7, np.uint8), np.full((2, 2), 3, np.uint8), 3)
    assert cells.counts == (0, 4) and not cells.false.any()


def test_the_picture_from_above_has_the_road_below_and_a_pattern_for_what_is_missed() -> None:
    road = np.array([[True, True], [True, True]])
    picture = np.asarray(from_above(judged(SEEN, LABELS, 1), road, None, 40))
    assert tuple(picture[5, 5]) == FOUND
    missed = {tuple(pixel) for pixel in picture[24:34, 2:12].reshape(-1, 3)}
    assert MISSED in missed and len(missed) == 2  # stripes and what is between
    false = {tuple(pixel) for pixel in picture[2:12, 24:34].reshape(-1, 3)}
    assert FALSE in false and len(false) == 2
    assert tuple(picture[36, 36]) == ROAD
    assert tuple(np.asarray(from_above(judged(SEEN, LABELS, 1), None, None, 40))[36, 36]) == GROUND


def test_over_an_image_what_is_not_judged_is_the_darkened_image() -> None:
    image = Image.new("RGB", (20, 20), (200, 200, 200))
    picture = np.asarray(over_image(image, judged(SEEN, LABELS, 1)))
    assert tuple(picture[18, 18]) == (110, 110, 110)
    assert picture[3, 3, 1] > picture[3, 3, 0]  # greener where it was found


def test_the_error_of_depth_is_relative_and_unknown_labels_do_not_count() -> None:
    labels = np.array([[10.0, 20.0], [np.nan, 40.0]], np.float32)
    seen = np.array([[10.0, 30.0], [5.0, 30.0]], np.float32)
    picture, error = error_map(Image.new("RGB", (4, 4)), seen, labels)
    assert error == pytest.approx((0 + 0.5 + 0.25) / 3)
    shown = np.asarray(picture)
    assert tuple(shown[0, 3]) == FALSE and shown[0, 0].max() == 0
    assert 0 < shown[3, 3, 0] < FALSE[0] and shown[3, 0].max() == 0


def test_no_known_label_is_no_error() -> None:
    nothing = np.full((2, 2), np.nan, np.float32)
    assert error_map(Image.new("RGB", (4, 4)), nothing, nothing)[1] == 0
