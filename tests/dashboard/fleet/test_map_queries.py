"""The queries of the map of the page Fleet, against the made-up fleet."""

import math
from pathlib import Path

import pyarrow as pa
import pytest

from dashboard.fleet import map_queries as places
from dashboard.fleet.chosen import Chosen, Outcome
from dashboard.fleet.map_queries import Area
from ingest.schemas import DRIVES, ROADS, TELEMETRY
from ridealong.lake import Lake, Snapshot, write_data_file


@pytest.fixture(scope="module")
def fleet(fleet_home: Path) -> Snapshot:
    return Lake.open(fleet_home).snapshot()


def test_the_projection_is_true_to_scale() -> None:
    area = Area("here", (), 60.0, 10.0)
    assert area.project(60.0, 10.0) == (0, 0)
    degree_m = places.EARTH_M * math.pi / 180
    assert area.project(61.0, 12.0) == pytest.approx((degree_m, degree_m))  # cos 60° is 1/2


def test_tracks_and_events_share_one_map(fleet: Snapshot) -> None:
    (area,) = places.areas(fleet)
    assert len(area.drive_ids) == 24
    tracks = places.tracks(fleet, area).rows
    assert [len(track["points"]) for track in tracks] == [240] * 24
    steps = [
        math.dist(*pair)
        for track in tracks
        for pair in zip(track["points"], track["points"][1:], strict=False)
    ]
    assert min(steps) > 10 and max(steps) < 13  # 0.0001° north, or 0.00015° east, a second
    events = places.event_places(fleet, area).rows
    assert len(events) == 192
    on_track = {point for track in tracks for point in track["points"]}
    assert all((round(place["x"], 1), round(place["y"], 1)) in on_track for place in events)


def test_tracks_are_thinned(fleet: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "MOST_POINTS", 600)
    (area,) = places.areas(fleet)
    tracks = places.tracks(fleet, area).rows
    assert {len(track["points"]) for track in tracks} == {25}


def test_a_clock_that_jumped_does_not_thin_out_the_others(home: Path) -> None:
    years = 31 * 365 * 86_400
    jumps = {"even": 0, "jumping": years}
    drives = [
        {
            "drive_id": name,
            "vehicle_id": name,
            "start_ns": 0,
            "end_ns": (99 + jump) * 10**9,
            "duration_s": 99.0 + jump,
            "telemetry_rows": 100,
        }
        for name, jump in jumps.items()
    ]
    rows = [
        {
            "drive_id": name,
            "timestamp_ns": (second + jump * (second > 50)) * 10**9,
            "Vehicle.CurrentLocation.Latitude": 48.0 + second / 10_000,
            "Vehicle.CurrentLocation.Longitude": 11.0,
        }
        for name, jump in jumps.items()
        for second in range(100)
    ]
    lake = Lake.create(home)
    commit = lake.new_commit_id()
    tables = [(DRIVES, drives), (TELEMETRY, rows)]
    files = [
        write_data_file(home, commit, spec, pa.Table.from_pylist(content, schema=spec.schema))
        for spec, content in tables
    ]
    lake.commit(commit, "ingest", [file for file in files if file is not None], [commit])
    tracks = places.tracks(lake.snapshot(), Area("here", ("even", "jumping"), 48.0, 11.0)).rows
    assert [len(track["points"]) for track in tracks] == [100, 100]


def test_a_choice_of_vehicles_days_and_outcomes(fleet: Snapshot) -> None:
    (area,) = places.areas(fleet)
    mine = Chosen(vehicles=("vehicle-3",), outcome=Outcome.KEPT)
    assert {track["vehicle"] for track in places.tracks(fleet, area, mine).rows} == {"vehicle-3"}
    kept = places.event_places(fleet, area, mine)
    assert kept.total == len(kept.rows) == 12
    assert {row["outcome"] for row in kept.rows} == {"kept"}
    never = Chosen(until_ns=0)
    assert places.tracks(fleet, area, never).total == 0
    assert places.event_places(fleet, area, never).rows == []


def test_large_fleets_are_capped_and_counted(
    fleet: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MOST_EVENTS", 100)
    monkeypatch.setattr(places, "MOST_TRACKS", 5)
    (area,) = places.areas(fleet)
    tracks, events = places.tracks(fleet, area), places.event_places(fleet, area)
    assert (tracks.total, events.total) == (24, 192)
    assert [track["drive_id"] for track in tracks.rows] == [f"drive-{n:03d}" for n in range(19, 24)]
    assert sum(row["outcome"] == "kept" for row in events.rows) == 96 and len(events.rows) == 100
    assert places.event_places(fleet, area).rows == events.rows


def test_roads_come_once_and_only_those_near(fleet: Snapshot, home: Path) -> None:
    (area,) = places.areas(fleet)
    roads = places.roads(fleet, area)
    assert [road["kind"] for road in roads].count("street") == 18
    assert [len(road["points"]) for road in roads if road["kind"] == "highway"] == [5]
    lake = Lake.create(home)
    rows = fleet.read(ROADS)
    for _ in range(2):  # two fleets on one map
        commit = lake.new_commit_id()
        file = write_data_file(home, commit, ROADS, rows)
        assert file is not None
        lake.commit(commit, "ingest", [file], [commit])
    assert places.roads(lake.snapshot(), area) == roads
    assert places.roads(lake.snapshot(), Area("elsewhere", (), 40.0, 11.4)) == []


def test_a_lake_without_maps_has_no_roads(home: Path) -> None:
    snapshot = Lake.create(home).snapshot()
    assert places.areas(snapshot) == []
    assert places.roads(snapshot, Area("here", (), 48.0, 11.0)) == []
