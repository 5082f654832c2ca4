"""Matching of whole arrays, compared with plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.evaluation.boxes3d import matching
from metrics.evaluation.boxes3d.errors import (
    enclosed_scale_errors,
    heading_errors,
    scale_errors,
)
from metrics.evaluation.boxes3d.matching import first_of_nearest, greedy, pairs_within
from tests.oracles import centre_distance

# Few places, so that many distances are equal.
places = st.tuples(st.integers(0, 2), st.integers(-4, 4), st.integers(-2, 2))
many = st.lists(places, max_size=25)


def arrays(rows):
    table = np.asarray(rows, np.float64).reshape(-1, 3)
    return table[:, 1:], table[:, 0].astype(np.int64)


def plain(match):
    return [-1 if index is None else index for index in match]


@settings(max_examples=150, deadline=None)
@given(many, many, st.sampled_from([0.5, 1.0, 2.0, 4.0]), st.sampled_from([1, 7, 2**20]))
def test_greedy_matching_is_that_of_the_loop(found, labels, limit, chunk):
    before, matching.CHUNK = matching.CHUNK, chunk
    try:
        pairs = pairs_within(*arrays(found), *arrays(labels), 4.0).within(limit)
    finally:
        matching.CHUNK = before
    match = greedy(pairs, len(found), len(labels))
    assert match.tolist() == plain(centre_distance.greedy(found, labels, limit))


@settings(max_examples=150, deadline=None)
@given(many, many, st.sampled_from([1, 7, 2**20]))
def test_the_first_of_the_nearest_is_that_of_the_loop(found, labels, chunk):
    before, matching.CHUNK = matching.CHUNK, chunk
    try:
        match, distance = first_of_nearest(*arrays(found), *arrays(labels))
    finally:
        matching.CHUNK = before
    assert match.tolist() == plain(centre_distance.first_of_nearest(found, labels))
    assert (np.isfinite(distance) == (match >= 0)).all()


def test_many_detections_of_one_place_take_its_labels_in_turn():
    found, group = np.zeros((300, 2)), np.zeros(300, np.int64)
    labels = np.column_stack([np.linspace(0, 1, 200), np.zeros(200)])
    pairs = pairs_within(found, group, labels, np.zeros(200, np.int64), 2.0)
    assert greedy(pairs, 300, 200).tolist() == [*range(200), *[-1] * 100]


def test_a_box_without_a_place_finds_nothing():
    nowhere, here = np.array([[np.nan, 0.0]]), np.zeros((1, 2))
    group = np.zeros(1, np.int64)
    assert len(pairs_within(nowhere, group, here, group, 4.0).found) == 0
    assert first_of_nearest(nowhere, group, here, group)[0].tolist() == [-1]


def test_places_far_from_the_origin_keep_their_distances():
    found, labels = np.array([[1e9 + 1, 0.0]]), np.array([[1e9, 0.0], [1e9 + 8, 0.0]])
    pairs = pairs_within(found, np.array([5]), labels, np.array([5, 5]), 2.0)
    assert pairs.distance_m.tolist() == [1.0]


@pytest.mark.parametrize(
    ("one", "other", "period", "error"),
    [
        (0.1, 0.3, 2 * np.pi, 0.2),
        (np.pi - 0.1, -np.pi + 0.1, 2 * np.pi, 0.2),
        (np.pi, -np.pi, 2 * np.pi, 0.0),
        (0.0, np.pi, 2 * np.pi, np.pi),
        (0.0, np.pi, np.pi, 0.0),
        (0.0, np.pi / 2, np.pi, np.pi / 2),
    ],
)
def test_headings(one, other, period, error):
    assert heading_errors(np.array([one]), np.array([other]), period) == pytest.approx(error)


def test_sizes():
    one, other = np.array([[2.0, 1.0, 1.0]]), np.array([[1.0, 2.0, 1.0]])
    assert scale_errors(one, one) == 0 and enclosed_scale_errors(one, one) == 0
    assert scale_errors(one, other) == pytest.approx(1 - 1 / 3)  # 1 of 2 + 2 - 1
    assert enclosed_scale_errors(one, other) == pytest.approx(1 - 1 / 4)  # 1 of 2 x 2
