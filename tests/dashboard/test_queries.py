"""Queries of the page Fleet, against what the made-up fleet holds."""

from pathlib import Path

import pyarrow as pa
import pytest

from dashboard.fleet import queries as queries_fleet
from dashboard.fleet.charts import OUTCOMES, share_chart, trigger_chart
from ridealong.lake import Lake, Snapshot


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


def test_totals(fleet: Snapshot) -> None:
    found = queries_fleet.totals(fleet)
    assert (found.drives, found.vehicles, found.clips) == (24, 8, 96)
    assert (found.events, found.kept) == (192, 96)
    assert found.hours == pytest.approx(24 * 240 / 3600)


def test_events_are_counted_by_trigger_and_outcome(fleet: Snapshot) -> None:
    rows = queries_fleet.events_by_trigger(fleet).to_pylist()
    assert sum(row["events"] for row in rows) == 192
    assert sum(row["events"] for row in rows if row["outcome"] == "kept") == 96
    assert {row["outcome"] for row in rows} > {"kept", "cooldown", "post_window"}


def test_drives_by_condition(fleet: Snapshot) -> None:
    rows = queries_fleet.drives_by(fleet).to_pylist()
    light = {row["value"]: row["drives"] for row in rows if row["attribute"] == "light"}
    assert light == {"day": 12, "night": 12}
    assert {row["attribute"] for row in rows} == set(queries_fleet.ATTRIBUTES)


def test_health_and_quarantine(fleet: Snapshot) -> None:
    health = queries_fleet.health(fleet)
    assert (health.commits, health.planned, health.done) == (1, 26, 24)
    assert (health.quarantined, health.failed) == (1, 1) and health.last is not None
    assert [(r["kind"], r["count"]) for r in queries_fleet.quarantine(fleet).to_pylist()] == [
        ("row", 2),
        ("file", 1),
    ]


def test_bars_stand_in_the_order_of_their_counts() -> None:
    rows = [{"value": value, "drives": n, "hours": 1.0} for value, n in (("rain", 9), ("clear", 2))]
    layers = share_chart(rows, "weather").to_dict()["layer"]
    assert [layer["encoding"]["y"]["sort"] for layer in layers] == [["rain", "clear"]] * 2


def test_an_outcome_that_is_new_is_drawn() -> None:
    rows = [{"trigger": "t", "outcome": name, "events": 1} for name in ("kept", "new_reason")]
    chart = trigger_chart(pa.Table.from_pylist(rows)).to_dict()
    scale = chart["encoding"]["color"]["scale"]
    assert scale["domain"] == ["kept", "new_reason"] and scale["range"][1] == OUTCOMES["unknown"]
