"""Which radar target is the vehicle ahead."""

import numpy as np
import pytest

from ingest.sources.comma2k19.radar import Targets, look_ahead, tracks

NAN = float("nan")


def targets(*rows: tuple[float, int, float, float, float, bool]) -> Targets:
    """Rows of time, slot, distance, left, relative speed, new."""
    time, slot, distance, left, speed, new = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return Targets(time, distance, left, speed, slot.astype(np.int64), new.astype(bool))


def scans(count: int, *each: tuple[int, float, float, float]) -> Targets:
    """The same targets in every scan, 50 ms apart; rows of slot, distance, left, speed."""
    return targets(
        *((k * 0.05 + i * 0.001, *row, False) for k in range(count) for i, row in enumerate(each))
    )


def ahead(found: Targets, own: float = 20.0):  # type: ignore[no-untyped-def]
    return look_ahead(found, np.full(len(found.time_s), own))


def test_a_slot_changes_its_track_when_new_or_lost() -> None:
    found = targets(
        (0.00, 1, 9, 0, 0, False),
        (0.00, 2, 9, 0, 0, False),
        (0.05, 1, 9, 0, 0, False),
        (0.05, 2, 9, 0, 0, True),
        (0.10, 2, 9, 0, 0, False),
        (0.50, 1, 9, 0, 0, False),
    )
    assert tracks(found).tolist() == [0, 1, 0, 2, 2, 3]


def test_the_nearest_in_our_path_leads() -> None:
    found = ahead(scans(3, (1, 50, 0, 0), (2, 30, 1.8, -1), (3, 20, 1.9, 0), (4, 10, -2, 0)))
    assert found.distance_m.tolist() == [30] * 3
    assert found.left_m.tolist() == [1.8] * 3
    assert found.speed_mps.tolist() == [-1] * 3


def test_a_bridge_is_an_obstacle_and_no_lead() -> None:
    found = ahead(scans(2, (1, 30, 0, -20), (2, 60, 0, 0)))
    assert found.obstacle_distance_m.tolist() == [30, 30]
    assert found.distance_m.tolist() == [60, 60]


def test_a_vehicle_that_stops_stays_one() -> None:
    found = targets((0.0, 1, 30, 0, -5, False), (0.05, 1, 29, 0, -20, False))
    assert ahead(found).distance_m.tolist() == [30, 29]


def test_one_vehicle_reported_twice_keeps_its_track() -> None:
    found = targets(
        (0.00, 1, 30.0, 0, 0, False), (0.001, 2, 30.1, 0, 0, False),
        (0.05, 1, 30.1, 0, 0, False), (0.051, 2, 30.0, 0, 0, False),
    )  # fmt: skip
    assert ahead(found).track_id.tolist() == [0, 0]


def test_a_cut_in_takes_the_lead() -> None:
    found = targets(
        (0.00, 1, 30, 0, 0, False), (0.001, 2, 20, 3, 0, False),
        (0.05, 1, 30, 0, 0, False), (0.051, 2, 20, 1, 0, False),
    )  # fmt: skip
    assert ahead(found).track_id.tolist() == [0, 1]


def test_nothing_ahead() -> None:
    found = ahead(scans(2, (1, 30, 5, 0)))
    assert np.isnan(found.distance_m).all() and np.isnan(found.obstacle_distance_m).all()
    empty = np.empty(0)
    none = Targets(empty, empty, empty, empty, empty.astype(np.int64), empty.astype(bool))
    assert len(look_ahead(none, empty).time_s) == 0


def test_rates_along_the_track() -> None:
    time = np.arange(21) * 0.05
    count = len(time)
    found = Targets(
        time, 30 + time, 0.5 * time, 2 * time, np.ones(count, np.int64), np.zeros(count, bool)
    )
    out = look_ahead(found, 20 + 1.0 * time)
    # sideways 0.5 m/s; over ground 1 m/s² of our own and 2 of theirs
    assert out.left_mps[10] == pytest.approx(0.5)
    assert out.acceleration_mps2[10] == pytest.approx(3)
    assert np.isnan(out.left_mps[[0, 4, 16, 20]]).all()
