"""Windows over many samples against numpy, one sample at a time."""

import numpy as np
import pyarrow as pa
import pytest

from ingest.triggers.columns import Column
from ingest.triggers.grid import make_grid
from ingest.triggers.sliding import Slider
from ridealong.expressions.nodes import Window

STEP_NS = 100_000_000


def slider(times):
    ids = pa.array(["d"] * len(times))
    return Slider(make_grid(pa.table({"drive_id": ids, "timestamp_ns": times})))


@pytest.mark.parametrize(
    ("window", "plain"),
    [(Window.AVERAGE, np.nanmean), (Window.LEAST, np.nanmin), (Window.GREATEST, np.nanmax)],
    ids=["average", "least", "greatest"],
)
def test_long_windows_of_uneven_steps(window, plain):
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.integers(STEP_NS // 2, STEP_NS * 2, 3000))
    values = np.where(rng.random(3000) < 0.1, np.nan, rng.normal(1000, 1, 3000))
    operand = Column(values, np.isnan(values))
    found = slider(times).slide(window, operand, 50 * STEP_NS).with_nan
    for sample in range(3000):
        inside = (times >= times[sample] - 50 * STEP_NS) & (times <= times[sample])
        complete = times[sample] - times[0] >= 50 * STEP_NS
        expected = plain(values[inside]) if complete else np.nan
        assert found[sample] == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_a_mean_does_not_depend_on_what_lies_before_its_window():
    values = np.append(np.full(100, 1e16), np.full(100, 0.1))
    operand = Column(values, np.zeros(200, bool))
    times = np.arange(200) * STEP_NS
    found = slider(times).slide(Window.AVERAGE, operand, 10 * STEP_NS)
    assert found.values[-1] == pytest.approx(0.1, rel=1e-15)


def test_no_samples():
    nothing = Column(np.empty(0), np.empty(0, bool))
    empty = slider(pa.array([], pa.int64()))
    assert len(empty.slide(Window.AVERAGE, nothing, STEP_NS).values) == 0
