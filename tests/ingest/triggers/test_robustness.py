"""Margins against rtamt, an independent implementation of signal temporal logic."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.triggers.evaluate import evaluate
from ingest.triggers.grid import make_grid
from ingest.triggers.plans import plan_of
from ingest.triggers.readings import Readings
from ingest.triggers.spec import TriggerSpec
from ingest.triggers.traces import margins_at

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    rtamt = pytest.importorskip("rtamt")

A, B = "Vehicle.Acceleration.Longitudinal", "Vehicle.Acceleration.Lateral"
STEP_NS = 100_000_000
VALUES = st.integers(-40, 40).map(lambda n: n / 8)


def ours(text, a, b):
    times = pa.array(np.arange(len(a)) * STEP_NS)
    floats = [pa.array(values, pa.float32()) for values in (a, b)]
    ids = pa.array(["d"] * len(a))
    names = ["drive_id", "timestamp_ns", A, B]
    grid = make_grid(pa.Table.from_arrays([ids, times, *floats], names=names))
    plan = plan_of(((text, None),))
    readings = Readings(grid, plan.columns)
    return margins_at(readings, plan.conditions[0].when, np.arange(len(a))).tolist()


def theirs(text, a, b):
    spec = rtamt.StlDiscreteTimeSpecification()
    for name in ("a", "b", "out"):
        spec.declare_var(name, "float")
    spec.spec = f"out = {text}"
    spec.parse()
    series = {"time": list(range(len(a))), "a": list(a), "b": list(b)}
    return [value for _, value in spec.evaluate(series)]


LEVELS = st.integers(-16, 16).map(lambda n: n / 8)
ATOMS = st.tuples(st.sampled_from("ab"), st.sampled_from(["<=", ">="]), LEVELS).map(
    lambda t: (f"{ {'a': A, 'b': B}[t[0]] } {t[1]} {t[2]}", f"({t[0]} {t[1]} {t[2]})")
)


def compound(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: (f"({p[0][0]} and {p[1][0]})", f"({p[0][1]} and {p[1][1]})")),
        pair.map(lambda p: (f"({p[0][0]} or {p[1][0]})", f"({p[0][1]} or {p[1][1]})")),
        inner.map(lambda p: (f"(not {p[0]})", f"(not {p[1]})")),
        st.tuples(inner, st.integers(1, 4)).map(
            lambda p: (f"held({p[0][0]}, '{p[1]}00 ms')", f"(historically[0:{p[1]}] {p[0][1]})")
        ),
    )


@settings(max_examples=60, deadline=None, database=None)
@given(
    st.recursive(ATOMS, compound, max_leaves=4),
    st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=16),
)
def test_margins_are_those_of_signal_temporal_logic(texts, pairs):
    a, b = zip(*pairs, strict=True)
    assert ours(texts[0], a, b) == theirs(texts[1], a, b)


def test_an_event_carries_its_peak():
    times = pa.array(np.arange(6) * STEP_NS)
    values = pa.array([0, -5, -7, -6, 0, -9], pa.float32())
    telemetry = pa.table({"drive_id": ["d"] * 6, "timestamp_ns": times, A: values})
    drives = pa.table({"drive_id": ["d"], "vehicle_id": ["v"], "start_ns": [0]})
    spec = TriggerSpec(name="t", description="d", when=f"held({A} <= -4, '0.1 s')", post="0 s")
    (row,) = evaluate(telemetry, drives, [spec]).to_pylist()
    assert (row["onset_s"], row["time_s"], row["margin"]) == (0.1, 0.2, 2.0)


def test_what_has_no_number_has_no_margin():
    telemetry = pa.table(
        {
            "drive_id": ["d", "d"],
            "timestamp_ns": [0, STEP_NS],
            "Vehicle.ADAS.EBA.IsEngaged": [False, True],
        }
    )
    drives = pa.table({"drive_id": ["d"], "vehicle_id": ["v"], "start_ns": [0]})
    spec = TriggerSpec(name="t", description="d", when="Vehicle.ADAS.EBA.IsEngaged")
    assert evaluate(telemetry, drives, [spec])["margin"].to_pylist() == [None]
