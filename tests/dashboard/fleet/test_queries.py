"""Queries and tables of the page Fleet, against what the made-up fleet holds."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from dashboard.fleet import health_queries, queries, tables
from dashboard.fleet.charts import share_chart, trigger_chart, words_of
from dashboard.fleet.chosen import Chosen, Outcome, day_of, end_of, start_of
from dashboard.theme import LIGHT
from ingest.schemas import QUARANTINE
from ridealong.lake import Lake, Snapshot, write_data_file


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


def test_totals(fleet: Snapshot) -> None:
    found = queries.totals(fleet)
    assert (found.drives, found.vehicles, found.clips) == (24, 8, 96)
    assert (found.events, found.kept) == (192, 96)
    assert found.hours == pytest.approx(24 * 240 / 3600)


def test_events_are_counted_by_trigger_and_outcome(fleet: Snapshot) -> None:
    rows = queries.events_by_trigger(fleet).to_pylist()
    assert sum(row["events"] for row in rows) == 192
    assert sum(row["events"] for row in rows if row["outcome"] == "kept") == 96
    assert {row["outcome"] for row in rows} > {"kept", "cooldown", "post_window"}


def test_drives_by_condition(fleet: Snapshot) -> None:
    rows = queries.drives_by(fleet).to_pylist()
    light = {row["value"]: row["drives"] for row in rows if row["attribute"] == "light"}
    assert light == {"day": 12, "night": 12}
    assert {row["attribute"] for row in rows} == set(queries.ATTRIBUTES)


def test_health_and_quarantine(fleet: Snapshot) -> None:
    health = health_queries.health(fleet)
    assert (health.commits, health.planned, health.done) == (1, 26, 24)
    assert (health.quarantined, health.failed) == (1, 1) and health.last is not None
    assert [(r["kind"], r["count"]) for r in health_queries.quarantine(fleet).rows] == [
        ("row", 2),
        ("file", 1),
    ]


def test_bars_stand_in_the_order_of_their_counts() -> None:
    rows = [{"value": value, "drives": n, "hours": 1.0} for value, n in (("rain", 9), ("clear", 2))]
    layers = share_chart(rows, "weather", LIGHT).to_dict()["layer"]
    assert [layer["encoding"]["y"]["sort"] for layer in layers] == [["rain", "clear"]] * 2


def test_an_outcome_that_is_new_is_drawn() -> None:
    rows = [{"trigger": "t", "outcome": name, "events": 1} for name in ("kept", "new_reason")]
    chart = trigger_chart(pa.Table.from_pylist(rows), LIGHT).to_dict()
    scale = chart["encoding"]["color"]["scale"]
    assert scale["domain"] == ["kept", "new_reason"] and scale["range"][1] == LIGHT.suppressed[-1]


def test_what_there_is_to_choose_from(fleet: Snapshot, home: Path) -> None:
    found = queries.extent(fleet)
    assert found is not None
    assert found.vehicles == tuple(f"vehicle-{number}" for number in range(8))
    assert "hard_brake" in found.triggers and found.first <= found.last
    assert queries.extent(Lake.create(home).snapshot()) is None


def test_a_part_of_the_fleet(fleet: Snapshot) -> None:
    mine = queries.totals(fleet, Chosen(vehicles=("vehicle-0", "vehicle-1")))
    assert (mine.drives, mine.vehicles, mine.events, mine.kept, mine.clips) == (6, 2, 48, 24, 24)
    kept = queries.totals(fleet, Chosen(outcome=Outcome.KEPT))
    assert (kept.drives, kept.events, kept.kept) == (24, 96, 96)
    assert queries.totals(fleet, Chosen(outcome=Outcome.SUPPRESSED)).kept == 0
    braked = Chosen(triggers=("hard_brake",))
    rows = queries.events_by_trigger(fleet, braked).to_pylist()
    assert {row["trigger"] for row in rows} == {"hard_brake"}
    assert 0 < queries.totals(fleet, braked).clips < 96
    assert queries.totals(fleet, Chosen(until_ns=0)).drives == 0
    assert queries.drives_by(fleet, Chosen(until_ns=0)).num_rows == 0


def test_days_are_whole_and_end_before_the_next() -> None:
    day = date(2026, 2, 28)
    assert day_of(start_of(day)) == day_of(end_of(day) - 1) == day
    assert day_of(end_of(day)) == date(2026, 3, 1)


def test_events_come_newest_first_with_the_clip_that_shows_them(fleet: Snapshot) -> None:
    rows = [row for page in range(1, 14) for row in queries.events(fleet, Chosen(), page)]
    assert len(rows) == 192 and queries.events(fleet, Chosen(), 14) == []
    times = [row["time_ns"] for row in rows]
    assert times == sorted(times, reverse=True)
    kept = [row for row in rows if row["outcome"] == "kept"]
    assert len(kept) == 96  # the clip from 15 s before to 5 s after each
    assert {(row["clip"][:9] == row["drive"], round(row["clip_s"])) for row in kept} == {(True, 15)}
    lost = [row for row in rows if row["outcome"] != "kept"]
    seen = [row for row in lost if row["clip"]]
    assert seen and all(0 <= row["clip_s"] <= 20 for row in seen)
    assert any(row["clip"] is None for row in lost)


def test_links_name_the_clip_and_the_time() -> None:
    event = {"clip": "a/b", "clip_s": 3.004}
    assert tables.event_address(event) == "/clip?clip=a%2Fb&t=3.00"
    assert tables.event_address({"clip": None, "clip_s": None}) is None


def test_tables_escape_names() -> None:
    bad = "<img src=x onerror=hacked=1>"
    event = {"clip": bad, "clip_s": 1.0, "trigger": bad, "vehicle": None, "drive": bad}
    drawn = str(tables.events_table([event | {"outcome": bad, "time_ns": 0}]))
    assert "<img" not in drawn and "1970-01-01 00:00:00" in drawn and ">–<" in drawn
    row = {"count": 1200, "kind": "new", "reason": bad, "paths": 5, "examples": [bad]}
    drawn = str(tables.quarantine_table(health_queries.Quarantine([row], 0)))
    assert "<img" not in drawn and "1,200" in drawn and "and 4 more" in drawn


def test_reasons_that_differ_in_numbers_are_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, commit_id = Lake.create(home), "c"
    rows = [
        {
            "kind": "row",
            "path": f"drive-{n}",
            "row": n,
            "reason": f"row {n}: {n}.5 km/h is too fast",
        }
        for n in range(7)
    ] + [{"kind": "file", "path": "f", "reason": f"damaged {word}"} for word in "abc"]
    table = pa.Table.from_pylist(rows, schema=QUARANTINE.schema)
    file = write_data_file(home, commit_id, QUARANTINE, table)
    assert file is not None
    lake.commit(commit_id, "ingest", [file], [commit_id], {"planned": 5, "quarantined": 5})
    monkeypatch.setattr(health_queries, "MOST_REASONS", 3)
    found = health_queries.quarantine(lake.snapshot())
    assert [(row["kind"], row["count"], row["paths"]) for row in found.rows][:1] == [("row", 7, 7)]
    assert len(found.rows[0]["examples"]) == 3 and found.left_out == 1
    (ingest,) = health_queries.last_ingests(lake.snapshot())
    assert (ingest["planned"], ingest["quarantined"], ingest["drives"]) == (5, 5, 0)


def test_what_ingest_did_last(fleet: Snapshot) -> None:
    (ingest,) = health_queries.last_ingests(fleet)
    assert (ingest["planned"], ingest["failed"]) == (26, 1)
    assert (ingest["drives"], ingest["clips"]) == (24, 96)
    assert "2 new" not in str(tables.ingests_table([ingest]))


def test_outcomes_have_words() -> None:
    assert words_of("post_window") == "seen in an earlier clip"
    assert words_of("something new") == "something new"
