"""Random moments: over recorded time, as likely as they say, and never in proportion to a gap."""

import math
import time

import numpy as np
import pyarrow as pa
import pytest

from ingest.triggers.evaluate import evaluate
from ingest.triggers.random_moments import sample_moments
from ingest.triggers.spec import Random, TriggerSpec

SECOND = 1_000_000_000
TEN_MINUTES, EIGHT_HOURS = 600, 8 * 3600
DAYS = 40
LONG_AGO = 0  # a clock that was not set yet
NOW = 1_767_225_600 * SECOND


def spec(every="2 h", seed=1, **keys):
    random = Random(every=every, seed=seed)
    return TriggerSpec(name="control", description="d", random=random, post="0 s", **keys)


def tables(drives):
    ids = [f"day{n:02}" for n in range(len(drives))]
    telemetry = pa.table(
        {
            "drive_id": np.repeat(ids, [len(times) for times in drives]),
            "timestamp_ns": np.concatenate(drives).astype(np.int64),
        }
    )
    starts = pa.array([int(times[0]) for times in drives], pa.int64())
    return telemetry, pa.table({"drive_id": ids, "vehicle_id": ids, "start_ns": starts})


def with_stop(start_ns):
    """Ten minutes at 1 Hz, eight hours off, ten minutes."""
    minutes = np.arange(TEN_MINUTES + 1) * SECOND
    return start_ns + np.append(minutes, minutes + (TEN_MINUTES + EIGHT_HOURS) * SECOND)


def jumping(start_ns):
    """Ten minutes of which the first are in 1970."""
    seconds = np.arange(TEN_MINUTES) * SECOND
    return np.append(LONG_AGO + seconds[:60], start_ns + seconds[60:])


@pytest.mark.parametrize(
    ("drive", "recorded_s"), [(with_stop, 1200), (jumping, 59 + 539)], ids=["stop", "jump"]
)
def test_random_after_gap(drive, recorded_s):
    drives = [drive(NOW + day * 86_400 * SECOND) for day in range(DAYS)]
    telemetry, rows = tables(drives)
    after_gap = {int(times[1:][np.diff(times) > 60 * SECOND][0]) for times in drives}
    counts, late = [], 0
    for seed in range(40):
        fired = evaluate(telemetry, rows, [spec(seed=seed)])
        moments = fired["time_ns"].to_pylist()
        counts.append(len(moments))
        late += len(after_gap & set(moments))
    expected = DAYS * recorded_s / 7200  # 6.7 over a fleet with stops
    assert np.mean(counts) == pytest.approx(expected, abs=4 * math.sqrt(expected / 40))
    assert late == 0


def test_every_sample_is_drawn_as_often_as_it_says():
    steps = np.array([1, 1, 1, 2, 1, 1, 400, 1, 2.5, 1, 1, 0.5]) * SECOND
    times = NOW + np.append(0, np.cumsum(steps)).astype(np.int64)
    tries, hits, said = 4000, np.zeros(len(times)), {}
    for n in range(tries):
        drawn = sample_moments(times, int(2.5 * SECOND), Random(every="3 s"), f"d{n}")
        hits[drawn.samples] += 1
        said |= dict(zip(drawn.samples.tolist(), drawn.probabilities.tolist(), strict=True))
    for sample, step in enumerate(np.append(0, steps)):
        recorded = 0 if step > 2.5 * SECOND else step / SECOND
        chance = 1 - math.exp(-recorded / 3)
        assert hits[sample] / tries == pytest.approx(chance, abs=4 * 0.5 / math.sqrt(tries))
        assert said.get(sample, 0) == pytest.approx(chance)


def test_the_estimate_that_rests_on_it_is_unbiased():
    """Time driven, and time at speed, from the events alone (Horvitz and Thompson 1952)."""
    times = with_stop(NOW)
    fast = np.append(np.zeros(601), np.ones(601))  # after the stop
    total = at_speed = 0.0
    for n in range(400):
        drawn = sample_moments(times, int(2.5 * SECOND), Random(every="60 s"), f"d{n}")
        stands_for = 1.0 / drawn.probabilities  # of one second each
        total += stands_for.sum()
        at_speed += (stands_for * fast[drawn.samples]).sum()
    assert total / 400 == pytest.approx(1200, rel=0.05)
    assert at_speed / total == pytest.approx(0.5, abs=0.03)


def test_the_probability_takes_sampling_in():
    telemetry, rows = tables([with_stop(NOW)])
    events = evaluate(telemetry, rows, [spec("10 s", sample=0.25)])
    assert set(np.round(events["inclusion_probability"].to_numpy(), 12)) == {
        round(0.25 * (1 - math.exp(-0.1)), 12)
    }


@pytest.mark.parametrize("every", ["0.1 s", "2 h"])
def test_random_trigger_long_gap(every):
    seconds = np.arange(300) * SECOND
    years = 31 * 365 * 86_400 * SECOND
    telemetry, rows = tables([NOW + seconds + years * (seconds > 200 * SECOND)])
    started = time.process_time()
    events = evaluate(telemetry, rows, [spec(every)])
    assert time.process_time() - started < 2
    assert events.num_rows <= 300


def test_steps_that_are_long_everywhere_are_recorded_time_and_cost_no_more():
    days = np.arange(300) * 86_400 * SECOND
    telemetry, rows = tables([NOW + days])
    assert evaluate(telemetry, rows, [spec("0.1 s")]).num_rows == 299


@pytest.mark.parametrize("count", [1, 2])
def test_drives_of_hardly_any_sample(count):
    telemetry, rows = tables([NOW + np.arange(count) * SECOND])
    assert evaluate(telemetry, rows, [spec("0.1 s")]).num_rows == count - 1
