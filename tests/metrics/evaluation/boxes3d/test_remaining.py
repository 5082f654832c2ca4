"""Hits without some rows: the same as from the other rows alone, and as np.interp has it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.evaluation.boxes3d.precision import (
    RECALLS,
    argoverse_precision,
    every_point_precision,
    nuscenes_precision,
    whole,
)
from metrics.evaluation.boxes3d.remaining import Hits, Remaining
from metrics.evaluation.boxes3d.running_errors import RunningErrors

rows = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(1, 6), st.none() | st.integers(0, 9)),
    max_size=40,
)


def devkit_precision(hit, labels):
    """As nuscenes-devkit writes it."""
    if not labels or not hit.any():
        return 0.0
    found = np.cumsum(hit)
    precision = found / np.arange(1, len(hit) + 1)
    curve = np.interp(RECALLS, found / labels, precision, right=0)[11:]
    return np.maximum(curve - 0.1, 0).mean() / 0.9


def av2_precision(hit, labels):
    """As av2-api writes it."""
    if not labels or not hit.any():
        return 0.0
    found = np.cumsum(hit)
    precision = found / np.arange(1, len(hit) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return np.interp(RECALLS, found / labels, envelope, right=0).mean()


def devkit_error(score, hit, error, labels):
    """As nuscenes-devkit writes it."""
    if not labels or not hit.any():
        return 1.0
    confidence = np.interp(RECALLS, np.cumsum(hit) / labels, score, right=0)
    reached = np.flatnonzero(confidence)
    last = reached[-1] if len(reached) else 0
    known = ~np.isnan(error[hit])
    sums, counts = np.nancumsum(error[hit]), np.cumsum(known)
    mean = np.divide(sums, counts, out=np.zeros(len(sums)), where=counts > 0)
    if not known.any():
        mean = np.ones(len(sums))
    curve = np.interp(confidence[::-1], score[hit][::-1], mean[::-1])[::-1]
    return 1.0 if last < 11 else curve[11 : last + 1].mean()


@settings(max_examples=300, deadline=None)
@given(rows, st.integers(0, 4))
def test_rows_can_be_removed(listed, missed):
    table = sorted(listed, key=lambda row: -row[2])
    hit, keep = (np.array([row[at] for row in table], np.bool_) for at in (0, 1))
    score = np.array([row[2] for row in table], np.float64) / 10
    error = np.array([np.nan if row[3] is None else row[3] for row in table], np.float64)
    labels = int(hit[keep].sum()) + missed
    left = Remaining(Hits(hit), np.flatnonzero(~keep))
    assert (left.count, left.rows) == (hit[keep].sum(), keep.sum())
    precision = nuscenes_precision(left, labels)
    assert precision == pytest.approx(devkit_precision(hit[keep], labels), abs=1e-12)
    assert argoverse_precision(left, labels) == pytest.approx(
        av2_precision(hit[keep], labels), abs=1e-12
    )
    errors = RunningErrors(score, hit, error[:, None])
    assert errors.mean(left, labels)[0] == pytest.approx(
        devkit_error(score[keep], hit[keep], error[keep], labels), abs=1e-12
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.booleans(), max_size=30), st.integers(0, 3))
def test_every_point_is_the_area_of_steps(hits, missed):
    hit = np.array(hits, np.bool_)
    labels = int(hit.sum()) + missed
    if not labels:
        assert every_point_precision(hit, labels) is None
        return
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    area = sum(precision[at:].max() for at in np.flatnonzero(hit)) / labels
    assert every_point_precision(hit, labels) == pytest.approx(area, abs=1e-12)


def test_one_hit_of_one_label_is_perfect_in_all():
    one = whole(np.array([True]))
    assert nuscenes_precision(one, 1) == pytest.approx(1)
    assert argoverse_precision(one, 1) == 1
