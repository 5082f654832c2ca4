"""Budgets draw by hash with a known probability; windows merge into clips."""

import datetime
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.schemas import EVENTS
from ingest.triggers.budget import DAY_NS, apply_budgets
from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import Budget, Random, TriggerSpec
from ingest.triggers.windows import clip_id, merge_windows, with_clip_ids

DAY = 19_000 * DAY_NS
SECOND = 1_000_000_000


def spec(name="brake", **keys):
    keys = {"description": "d", "when": "Vehicle.Speed > 3", "pre": "5 s", "post": "3 s"} | keys
    return TriggerSpec(name=name, **keys)


def event(number, time_ns, trigger="brake", vehicle="v", kept=True, reason=None):
    return {
        "event_id": f"{number:016x}",
        "drive_id": "d",
        "vehicle_id": vehicle,
        "trigger": trigger,
        "time_ns": time_ns,
        "onset_ns": time_ns,
        "kept": kept,
        "reason": reason,
        "inclusion_probability": 1.0,
    }


def events(rows):
    columns = {name: [row.get(name) for row in rows] for name in EVENTS.schema.names}
    return pa.table(columns, schema=EVENTS.schema)


# Budgets


def test_a_day_keeps_its_share():
    rows = [event(n, DAY + n) for n in range(10)] + [event(90, DAY + DAY_NS)]
    kept = apply_budgets(events(rows), [spec(budget=Budget(per_day=4))]).to_pylist()
    assert sum(row["kept"] for row in kept[:10]) == 4
    assert {row["inclusion_probability"] for row in kept[:10]} == {0.4}
    assert {row["reason"] for row in kept[:10]} == {None, "budget_day"}
    assert (kept[10]["kept"], kept[10]["inclusion_probability"]) == (True, 1.0)


def test_two_stages_multiply():
    rows = [event(n, DAY + n, vehicle=f"v{n % 2}") for n in range(8)]
    both = spec(budget=Budget(per_vehicle_per_day=2, per_day=3))
    kept = apply_budgets(events(rows), [both]).to_pylist()
    assert sum(row["kept"] for row in kept) == 3
    reasons = [row["reason"] for row in kept]
    assert reasons.count("budget_vehicle_day") == 4
    assert reasons.count("budget_day") == 1
    assert {row["inclusion_probability"] for row in kept if row["kept"]} == {0.5 * 0.75}


def test_what_was_kept_before_uses_the_budget_up():
    before = events([event(50, DAY), event(51, DAY, kept=False, reason="cooldown")])
    rows = events([event(n, DAY + n) for n in range(4)])
    kept = apply_budgets(rows, [spec(budget=Budget(per_day=3))], already_kept=before)
    assert kept["kept"].to_pylist().count(True) == 2


def test_suppressed_events_stay_as_they_are():
    rows = events([event(1, DAY, kept=False, reason="cooldown"), event(2, DAY)])
    assert apply_budgets(rows, [spec(budget=Budget(per_day=1))]).equals(rows)
    assert apply_budgets(EVENTS.schema.empty_table(), [spec()]).num_rows == 0


def test_the_probability_is_the_frequency():
    kept = 0
    for salt in range(400):
        rows = [event(salt * 100 + n, DAY + n, vehicle=f"v{n % 2}") for n in range(10)]
        limited = spec(budget=Budget(per_vehicle_per_day=3, per_day=4))
        result = apply_budgets(events(rows), [limited]).to_pylist()
        kept += result[0]["kept"]
        probability = next(r["inclusion_probability"] for r in result if r["kept"])
    assert probability == pytest.approx(0.4)
    assert kept / 400 == pytest.approx(probability, abs=0.08)


# Windows


def moments(*seconds, trigger="brake"):
    return [event(int(s * 10) + len(trigger), DAY + int(s * SECOND), trigger) for s in seconds]


def test_overlapping_windows_of_different_triggers_are_one_clip():
    rows = moments(20, 40) + moments(24, trigger="corner")
    specs = [
        spec(priority=1, cameras=("rear",)),
        spec("corner", priority=2, cameras=("main",)),
    ]
    first, second = merge_windows(events(rows), specs, DAY, DAY + 60 * SECOND)
    assert (first.start_ns, first.end_ns) == (DAY + 15 * SECOND, DAY + 27 * SECOND)
    assert first.triggers == ("corner", "brake")
    assert first.cameras == ("main", "rear")
    assert first.event_ids == (rows[0]["event_id"], rows[2]["event_id"])
    assert first.clip_id == clip_id("d", first.start_ns, first.end_ns, first.event_ids)
    assert second.triggers == ("brake",)
    known = with_clip_ids(events(rows), [first, second])["clip_id"].to_pylist()
    assert known == [first.clip_id, second.clip_id, first.clip_id]


def test_windows_are_clamped_to_the_drive_and_suppressed_events_have_none():
    rows = [*moments(1, 59), event(9, DAY + 30 * SECOND, kept=False, reason="cooldown")]
    windows = merge_windows(events(rows), [spec()], DAY, DAY + 60 * SECOND)
    spans = [((w.start_ns - DAY) / 1e9, (w.end_ns - DAY) / 1e9) for w in windows]
    assert spans == [(0, 4), (54, 60)]
    assert windows[0].cameras is None and windows[0].wants("rear")
    assert merge_windows(EVENTS.schema.empty_table(), [spec()], 0, 1) == []


def test_events_of_two_drives_are_a_mistake():
    rows = [event(1, DAY), event(2, DAY) | {"drive_id": "other"}]
    with pytest.raises(ValueError, match="events of 2 drives"):
        merge_windows(events(rows), [spec()], DAY, DAY)


@settings(max_examples=60, deadline=None, database=None)
@given(st.lists(st.integers(0, 100), max_size=12), st.integers(0, 9), st.integers(0, 9))
def test_windows_cover_every_event_once_and_never_overlap(seconds, pre, post):
    rows = [event(n, DAY + s * SECOND) for n, s in enumerate(seconds)]
    one = spec(pre=f"{pre} s", post=f"{post} s")
    windows = merge_windows(events(rows), [one], DAY, DAY + 100 * SECOND)
    assert sorted(e for w in windows for e in w.event_ids) == sorted(r["event_id"] for r in rows)
    assert all(a.end_ns < b.start_ns for a, b in pairwise(windows))
    times = {row["event_id"]: row["time_ns"] for row in rows}
    assert all(w.start_ns <= times[e] <= w.end_ns for w in windows for e in w.event_ids)


# Which drives, and chance


def drive_tables(count, software="2026.4"):
    ids = [f"d{n:03}" for n in range(count)]
    telemetry = pa.table(
        {
            "drive_id": [name for name in ids for _ in range(50)],
            "timestamp_ns": [DAY + n * 100_000_000 for _ in ids for n in range(50)],
            "Vehicle.Speed": pa.array([float(n >= 10) * 9 for _ in ids for n in range(50)]),
        }
    )
    starts = pa.array([DAY] * count, pa.int64())
    drives = {
        "drive_id": ids,
        "vehicle_id": ids,
        "start_ns": starts,
        "software": [software] * count,
    }
    empty = {name: pa.nulls(count, EVENTS.schema.field(0).type) for name in ("country", "light")}
    return telemetry, pa.table(drives | empty)


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        ({}, 2),
        ({"where": "software >= '2026.4'"}, 2),
        ({"where": "software < '2026.4'"}, 0),
        ({"where": "country = 'DE'"}, 0),
        ({"where": "country is null and light is null"}, 2),
        ({"expires": datetime.date(2022, 1, 8)}, 2),
        ({"expires": datetime.date(2022, 1, 7)}, 0),
    ],
)
def test_drives_are_chosen_by_where_and_expires(keys, count):
    telemetry, drives = drive_tables(2)
    assert evaluate(telemetry, drives, [spec(**keys)]).num_rows == count


def test_drives_without_telemetry_and_signals_without_a_column():
    telemetry, drives = drive_tables(3)
    assert evaluate(telemetry.slice(0, 0), drives, [spec()]).num_rows == 0
    assert evaluate(telemetry.slice(0, 50), drives, [spec()])["drive_id"].to_pylist() == ["d000"]
    dark = spec(when="Perception.Lead.Distance < 3 or Vehicle.Speed > 3")
    assert evaluate(telemetry, drives, [dark]).num_rows == 3
    assert evaluate(telemetry, drives, [spec(when="Perception.Lead.Distance < 3")]).num_rows == 0


@pytest.mark.parametrize("level", ["1e300", "1e38", "-1e39", "'1e30 m/s'"])
def test_levels_that_no_recorded_number_reaches(level):
    telemetry, drives = drive_tables(1)
    below = evaluate(telemetry, drives, [spec(when=f"Vehicle.Speed < {level}")]).num_rows
    above = evaluate(telemetry, drives, [spec(when=f"Vehicle.Speed > {level}")]).num_rows
    assert (below, above) == ((0, 1) if level.startswith("-") else (1, 0))


def test_a_sample_keeps_its_share_by_hash():
    telemetry, drives = drive_tables(300)
    found = evaluate(telemetry, drives, [spec("some", sample=0.25)])
    kept = found["kept"].to_pylist()
    assert 0.18 < sum(kept) / 300 < 0.32
    assert set(found["inclusion_probability"].to_pylist()) == {0.25}
    assert set(found["reason"].to_pylist()) == {None, "sampled_out"}


def test_random_moments_are_poisson_and_repeatable():
    telemetry, drives = drive_tables(400)
    often = spec("control", when=None, random=Random(every="10 s", seed=3), post="0 s")
    found = evaluate(telemetry, drives, [often])
    assert 150 < found.num_rows < 250  # 400 drives of 4.9 s
    assert found.equals(evaluate(telemetry, drives, [often]))
    alone = evaluate(telemetry.slice(50, 50), drives, [often])
    assert alone.equals(found.filter(pa.compute.equal(found["drive_id"], "d001")))
    assert found["margin"].null_count == found.num_rows
