"""AWS IoT FleetWise's edge agent in fourteen habits, and what happens here instead.

Each test is one of the vectors read in its source; the names say what ours does.
"""

import pyarrow as pa

from ingest.triggers.evaluate import evaluate
from ingest.triggers.spec import TriggerSpec
from ingest.triggers.windows import merge_windows

START = 1_700_000_000_000_000_000
ACCELERATION, SPEED = "Vehicle.Acceleration.Longitudinal", "Vehicle.Speed"


def spec(name="brake", when=f"{ACCELERATION} <= -4", **keys):
    return TriggerSpec(
        name=name, description="d", when=when, **{"pre": "5 s", "post": "0 s"} | keys
    )


def fired(values, *triggers, speed=None, step_ms=100):
    """``(trigger, seconds, reason)`` of every event of a drive."""
    times = [START + n * step_ms * 1_000_000 for n in range(len(values))]
    telemetry = pa.table(
        {
            "drive_id": ["d"] * len(values),
            "timestamp_ns": pa.array(times, pa.int64()),
            ACCELERATION: pa.array(values, pa.float32()),
            SPEED: pa.array(speed or [50.0] * len(values), pa.float32()),
        }
    )
    drives = pa.table({"drive_id": ["d"], "vehicle_id": ["v"], "start_ns": [START]})
    return evaluate(telemetry, drives, triggers)


def moments(events):
    columns = events.select(["trigger", "time_s", "reason"]).to_pydict()
    return list(zip(*columns.values(), strict=True))


def test_1_a_condition_that_is_true_from_the_start_fires():
    assert moments(fired([-5, -5, 0], spec())) == [("brake", 0.0, None)]


def test_2_the_first_firing_waits_for_no_cooldown():
    assert moments(fired([0, -5, 0], spec(cooldown="1 h"))) == [("brake", 0.1, None)]


def test_3_every_sample_is_looked_at_though_no_value_changes():
    held = spec(when=f"held({ACCELERATION} <= -4, '0.5 s')")
    assert moments(fired([0, *[-5] * 9], held)) == [("brake", 0.6, None)]


def test_4_what_stays_true_fires_once_unless_told():
    values = [0, *[-5] * 20]
    assert len(moments(fired(values, spec(cooldown="0.3 s")))) == 1
    assert len(moments(fired(values, spec(every="1 s")))) == 2


def test_5_an_edge_inside_the_cooldown_is_recorded_and_not_late():
    values = [0, -5, 0, -5, -5, -5, -5, -5, 0, -5]
    assert moments(fired(values, spec(cooldown="0.4 s"))) == [
        ("brake", 0.1, None),
        ("brake", 0.3, "cooldown"),
        ("brake", 0.9, None),
    ]


def test_6_an_edge_in_the_post_window_is_recorded_and_its_clip_shows_it():
    assert moments(fired([0, -5, 0, -5, 0, 0], spec(post="0.2 s"))) == [
        ("brake", 0.1, None),
        ("brake", 0.3, "post_window"),
    ]


def test_7_a_long_post_window_takes_nothing_from_the_pre_window():
    trigger = spec(pre="5 s", post="600 s")
    events = fired([0] * 100 + [-5], trigger)
    (window,) = merge_windows(events, [trigger], START, START + 700 * 10**9)
    assert (window.start_ns - START, window.end_ns - START) == (5 * 10**9, 610 * 10**9)


def test_8_overlapping_events_of_two_triggers_share_one_whole_clip():
    both = [spec(), spec("slow", when=f"{SPEED} < 10", pre="3 s", post="4 s")]
    speed = [50.0] * 80 + [5.0] * 20
    events = fired([0] * 60 + [-5] + [0] * 39, *both, speed=speed)
    (window,) = merge_windows(events, both, START, START + 20 * 10**9)
    assert window.triggers == ("brake", "slow")
    assert (window.start_ns - START, window.end_ns - START) == (10**9, 12 * 10**9)


def test_9_a_spike_of_one_sample_is_seen():
    assert moments(fired([0] * 77 + [-5] + [0] * 22, spec(), step_ms=10)) == [("brake", 0.77, None)]


def test_10_windows_slide_so_that_no_phase_hides_a_swing():
    swing = spec(when=f"max_over({ACCELERATION}, '0.3 s') - min_over({ACCELERATION}, '0.3 s') >= 6")
    for phase in range(10):
        values = [0.0] * (10 + phase) + [-3.0, 3.0] + [0.0] * 10
        (row,) = moments(fired(values, swing))
        assert row[1] == (11 + phase) / 10


def test_11_unknown_does_not_fire_and_does_not_swallow_what_is_known():
    assert moments(fired([None, None], spec())) == []
    assert len(moments(fired([None, None], spec(when=f"{ACCELERATION} < 0 or {SPEED} > 9")))) == 1
    assert moments(fired([0, -4.0005], spec(when=f"{ACCELERATION} = -4"))) == []


def test_12_another_trigger_changes_nothing():
    values, held = [0, -5, 0, -5, -5, -5], spec("held", when=f"held({ACCELERATION} < -1, '0.2 s')")
    alone = moments(fired(values, spec()))
    assert [row for row in moments(fired(values, spec(), held)) if row[0] == "brake"] == alone


def test_13_nothing_is_dropped_for_want_of_room():
    values = [0, -5] * 2000
    events = fired(values, spec(cooldown="10 s"))
    assert events.num_rows == 2000
    assert events["kept"].to_pylist().count(True) == 40


def test_14_event_ids_stay_apart_for_longer_than_a_day():
    values = [0, -5] * 5000
    ids = fired(values, spec(), step_ms=10_000)["event_id"].to_pylist()
    assert len(set(ids)) == len(ids) == 5000
