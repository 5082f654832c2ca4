"""What is known of a window though not all of it was seen: worked out by hand."""

import numpy as np
import pyarrow as pa
import pytest

from ingest.triggers.evaluate import evaluate
from ingest.triggers.grid import make_grid, samples_at
from ingest.triggers.plans import plan_of
from ingest.triggers.readings import Readings
from ingest.triggers.separable import Judge
from ingest.triggers.spec import TriggerSpec

A, FLAG = "Vehicle.Acceleration.Longitudinal", "Vehicle.ADAS.ABS.IsEngaged"
N = None
SECOND = 1_000_000_000
# Samples every second, but for a gap of 6 s between the fifth and the sixth.
TIMES = [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
FLAGS = [True, False, True, False, False, True, True, N, False, False]
VALUES = [1, 5, 2, N, 0, 6, 1, 2, 3, 4]


def telemetry():
    return pa.table(
        {
            "drive_id": ["d"] * len(TIMES),
            "timestamp_ns": pa.array(np.array(TIMES) * SECOND),
            FLAG: pa.array(FLAGS),
            A: pa.array(VALUES, pa.float32()),
        }
    )


def truth(when):
    """``+`` true, ``-`` false, ``?`` unknown: a sign a sample."""
    grid = make_grid(telemetry())
    plan = plan_of(((when, None),))
    samples = samples_at(grid, np.arange(grid.rows))
    judge = Judge(grid, samples, Readings(grid, plan.columns).rows)
    found = judge.truth(plan.conditions[0].when)
    return "".join({1: "+", 0: "?", -1: "-"}[value] for value in found.tolist())


# Windows are whole at the third to fifth sample, and at the last three. The flags seen in them are
# 1 1 2 1 1 | 1 2 2 1 0; in each of the last three one more is unknown.
COUNT = f"count_over({FLAG}, '2 s')"
# The greatest seen are 1 5 5 5 2 | 6 6 6 3 4, the least 1 1 1 2 0 | 6 1 1 1 2.
MOST, LEAST = f"max_over({A}, '2 s')", f"min_over({A}, '2 s')"
# Seconds since: 0 1 0 1 2 | 0 0, then 0 to 1, 1 to 2, 2 to 3.
SINCE = f"since({FLAG})"
KNOWN = {
    f"{COUNT} >= 2": "??+--?++?-",
    f"2 <= {COUNT}": "??+--?++?-",
    f"{COUNT} > 1": "??+--?++?-",
    f"{COUNT} < 2": "??-++?--?+",
    f"2 > {COUNT}": "??-++?--?+",
    f"not {COUNT} >= 2": "??-++?--?+",
    f"{COUNT} <= 1": "??-++?--?+",
    f"{COUNT} >= 1": "+++++++++?",
    f"{COUNT} >= 0": "++++++++++",
    f"{COUNT} = 2": "??+--????-",
    f"{COUNT} <> 1": "??+--?++??",
    f"{COUNT} between 1 and 2": "??+++???+?",
    f"{COUNT} in (2, 3)": "??+--????-",
    f"{COUNT} is null": "++---+++++",
    f"{COUNT} * 2 - 1 > 2": "??+--?++?-",
    f"2 / {COUNT} <= 1": "??+--?++??",
    f"-{COUNT} <= -2": "??+--?++?-",
    f"abs({COUNT} - 4) <= 2": "??+--??+?-",
    f"greatest({COUNT}, 1) >= 2": "??+--?++?-",
    f"lag({COUNT}) >= 2": "???+-??++?",
    f"{MOST} >= 5": "?+++-+++--",
    f"5 > {MOST}": "?---+---++",
    f"{LEAST} <= 1": "+++-+?+++-",
    f"{MOST} - {LEAST} > 3": "?++--?++--",
    f"avg_over({A}, '2 s') > 1": "??++-??+++",
    f"{SINCE} <= '1 s'": "++++-+++?-",
    f"{SINCE} > '2 s'": "---------?",
    f"{SINCE} < 5": "++++++++++",
    f"since({A} > 100) > 2": "????????++",
    f"held({FLAG}, '1 s')": "?----?+?--",
    f"held(not {FLAG}, '1 s')": "----+---?+",
    f"changed({FLAG})": "?+++-?-??-",
    f"changed({FLAG}, '2 s')": "?++++?????",
    f"crossed({A}, 3)": "?++???+-+-",
    f"{FLAG} or {COUNT} >= 2": "+?+--+++?-",
}


@pytest.mark.parametrize("when", KNOWN)
def test_count_over_after_gap(when):
    assert truth(when) == KNOWN[when]


def test_the_margin_is_what_is_sure():
    spec = TriggerSpec(name="twice", description="d", when=f"{COUNT} >= 2", post="0 s")
    drives = pa.table({"drive_id": ["d"], "vehicle_id": ["v"], "start_ns": [0]})
    events = evaluate(telemetry(), drives, [spec])
    assert events["time_s"].to_pylist() == [2.0, 11.0]
    assert events["margin"].to_pylist() == [0.0, 0.0]
