"""Maps on the globe: roads lie where the fleet's telemetry says that it drove."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from ingest.schemas import ROADS
from ingest.simulation.maps.geography import METRES_PER_DEGREE, ORIGINS_DEG, degrees_of
from ingest.simulation.maps.roads import read_network
from ingest.simulation.maps.world import resample
from ingest.sources.simulation.roads import road_rows
from ingest.sources.simulation.source import SimulationSource
from ridealong.lake import Lake
from ridealong.perception.recording import Mapped

pytestmark = pytest.mark.slow


SOURCE = SimulationSource()
LATITUDE, LONGITUDE = "Vehicle.CurrentLocation.Latitude", "Vehicle.CurrentLocation.Longitude"
NEVER = (
    "name: never\ndescription: Nothing.\nwhen: Vehicle.Speed > '900 km/h'\npre: 1 s\npost: 1 s\n"
)


def test_degrees_by_hand() -> None:
    latitude, longitude = degrees_of("GB", np.array([0.0, 1000.0]), np.array([0.0, -500.0]))
    assert (latitude[0], longitude[0]) == ORIGINS_DEG["GB"]
    east = METRES_PER_DEGREE * np.cos(np.radians(52.04))
    assert latitude[1] == pytest.approx(52.04 - 500 / METRES_PER_DEGREE)
    assert longitude[1] == pytest.approx(-0.76 + 1000 / east)


def test_every_road_is_there_once(small_fleet: Path) -> None:
    network = read_network(small_fleet / "maps" / "test-left.net.xml")
    rows = road_rows(network, "test, GB", "GB")
    assert rows.schema.equals(ROADS.schema)
    names = rows["road"].to_pylist()
    assert len(set(names)) == len(names)
    assert {edge.name for edge in network.roads} <= set(names)
    for row in rows.to_pylist():
        assert len(row["latitude"]) == len(row["longitude"]) >= 2
        named = row["road"].startswith(("hw_", "ramp_"))
        assert row["road"].startswith(":") or (row["kind"] == "highway") is named


def test_the_fleet_drove_on_its_roads(small_fleet: Path) -> None:
    for files in SOURCE.discover(small_fleet):
        recording = SOURCE.open(files)
        assert isinstance(recording, Mapped)
        scale = np.array([METRES_PER_DEGREE, METRES_PER_DEGREE * np.cos(np.radians(50))])
        roads = recording.roads().to_pylist()
        lines = [np.stack([row["latitude"], row["longitude"]], axis=1) * scale for row in roads]
        middle = cKDTree(np.concatenate([resample(line, 2.0)[0] for line in lines]))
        telemetry = recording.telemetry()
        driven = np.stack([telemetry[name].to_numpy() for name in (LATITUDE, LONGITUDE)], axis=1)
        assert middle.query(driven * scale)[0].max() < 9.0  # half a road, and the noise


def test_the_lake_keeps_the_map_when_the_fleet_is_gone(
    small_fleet: Path, home: Path, program: Any, tmp_path: Path
) -> None:
    copy, never = tmp_path / "fleet", tmp_path / "never.yaml"
    shutil.copytree(small_fleet, copy)
    never.write_text(NEVER)
    done = program("ingest", copy, "--triggers", never, "--home", home)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(copy)
    lake = Lake.open(home)
    roads = lake.snapshot().read(ROADS)
    assert set(roads["map"].to_pylist()) == {"test, DE", "test, GB"}
    # Four drives on two maps: every road once.
    assert roads.num_rows == len(
        {*zip(roads["map"].to_pylist(), roads["road"].to_pylist(), strict=True)}
    )
    assert lake.check().sound


def test_a_fleet_that_lost_its_maps_still_has_telemetry(
    small_fleet: Path, home: Path, program: Any, tmp_path: Path
) -> None:
    copy, never = tmp_path / "fleet", tmp_path / "never.yaml"
    shutil.copytree(small_fleet, copy)
    shutil.rmtree(copy / "maps")
    never.write_text(NEVER)
    done = program("ingest", copy, "--triggers", never, "--home", home)
    assert done.returncode == 0 and "4 drives" in done.stdout, done.stderr
    assert Lake.open(home).snapshot().read(ROADS).num_rows == 0
