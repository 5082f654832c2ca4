import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.tasks.clip_view import ClipView
from metrics.tasks.depth import CAP_M, LEAST_M, against_labels
from metrics.tasks.registry import lookup, parse_prediction
from ridealong.perception.annotations import Task

NAME = "depth@rear"
REAR = (parse_prediction(NAME),)
NAN = float("nan")


def scored(make, said, truth):
    sides = []
    for values in (said, truth):
        array = np.asarray(values, np.float32)
        sides.append(ClipView(make.perception(len(array), depth={"rear": array})))
    return against_labels(*sides, REAR)


def row(values):
    return [[values]]


def test_sums_by_hand(make, sums_of):
    truth = row([10.0, 20.0, 50.0, 80.0, 81.0, NAN, 0.0, -5.0])
    said = row([11.0, 15.0, 60.0, 90.0, 81.0, 3.0, 3.0, 3.0])
    result = scored(make, said, truth)
    # 90 is clamped to the cap; what is beyond it, unknown or not positive is not judged.
    expected = {"relative_error": 0.1 + 0.25 + 0.2 + 0.0, "pixels": 4}
    assert sums_of(result, NAME, "abs_rel") == pytest.approx(expected)
    assert sums_of(result, NAME, "mse") == pytest.approx({"squared_error": 126, "pixels": 4})
    # 15 for 20 is off by a factor of 1.33.
    assert sums_of(result, NAME, "within_1_25") == {"within": 3, "pixels": 4}
    by_range = [sums_of(result, NAME, f"abs_rel_{r}") for r in ("0_20", "20_50", "50_up")]
    assert [sums["pixels"] for sums in by_range] == [1, 1, 2]
    assert [sums["relative_error"] for sums in by_range] == pytest.approx([0.1, 0.25, 0.2])


def test_saying_nothing_is_as_bad_as_saying_nought(make, sums_of):
    truth = row([10.0, 40.0])
    assert sums_of(scored(make, row([NAN, NAN]), truth), NAME, "abs_rel") == sums_of(
        scored(make, row([0.0, 0.0]), truth), NAME, "abs_rel"
    )


@pytest.mark.parametrize("truth", [row([NAN]), row([float("inf")]), np.zeros((0, 2, 2))])
def test_nothing_to_judge(make, sums_of, truth):
    sums = sums_of(scored(make, truth, truth), NAME, "abs_rel")
    assert sums == {"relative_error": 0, "pixels": 0}
    assert np.isnan(lookup(Task.DEPTH, "abs_rel").value(sums))


def test_outputs_are_resampled_to_the_labels_grid(make, sums_of):
    truth = np.kron(np.array([[[10.0, 20.0], [30.0, 40.0]]]), np.ones((1, 3, 3)))
    result = scored(make, [[[10.0, 20.0], [30.0, 40.0]]], truth)
    assert sums_of(result, NAME, "abs_rel") == {"relative_error": 0, "pixels": 36}


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 2), (2, 0, 2)])
def test_a_wrong_shape_surfaces(make, shape):
    good = ClipView(make.perception(2, depth={"rear": np.ones((2, 2, 2), np.float32)}))
    bad = ClipView(make.perception(2, depth={"rear": np.ones(shape, np.float32)}))
    with pytest.raises(ValueError, match="dense array of shape"):
        against_labels(bad, good, REAR)


def plain(said, truth):
    """KITTI's figures in a few lines, in double precision."""
    known = (truth > 0) & (truth <= CAP_M)
    g, p = truth[known].astype(np.float64), said[known].astype(np.float64)
    p = np.clip(np.nan_to_num(p, nan=LEAST_M), LEAST_M, CAP_M)
    relative = np.abs(p - g) / g
    bins = [(g < 20), (g >= 20) & (g < 50), (g >= 50)]
    return {
        "abs_rel": relative.mean(),
        "abs_rel_0_20": relative[bins[0]].mean(),
        "abs_rel_20_50": relative[bins[1]].mean(),
        "abs_rel_50_up": relative[bins[2]].mean(),
        "mse": ((p - g) ** 2).mean(),
        "within_1_25": (np.maximum(p / g, g / p) < 1.25).mean(),
    }


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_equals_plain_numpy(make, sums_of, seed, frames):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.5, 120, (frames, 30, 40)).astype(np.float32)
    said = (truth * rng.uniform(0.6, 1.5, truth.shape)).astype(np.float32)
    truth[rng.uniform(size=truth.shape) < 0.1] = np.nan
    said[rng.uniform(size=truth.shape) < 0.02] = np.nan
    result = scored(make, said, truth)
    for name, expected in plain(said, truth).items():
        value = lookup(Task.DEPTH, name).value(sums_of(result, NAME, name))
        assert float(value) == pytest.approx(expected, rel=1e-5), name
