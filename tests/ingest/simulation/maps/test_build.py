"""Maps from code, and the worlds that cameras see of them."""

from pathlib import Path

import numpy as np
import pytest

from ingest.simulation.maps.build import MAPS, build_map
from ingest.simulation.maps.network_world import map_world
from ingest.simulation.maps.roads import line_length, point_at, points_at, read_network
from ingest.simulation.maps.world import resample
from ridealong.errors import RidealongError

pytestmark = pytest.mark.slow


KEYS = [(name, left) for name in MAPS for left in (False, True)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maps")


@pytest.mark.parametrize(("name", "left"), KEYS)
def test_every_map_has_what_a_drive_needs(folder: Path, name: str, left: bool) -> None:
    network = read_network(build_map(folder, name, left))
    assert network.left_hand is left
    assert len(network.signals) >= 6
    assert len(network.crossings) >= 20
    highway = [edge for edge in network.roads if edge.name.startswith("hw_")]
    streets = [edge for edge in network.roads if "hw_" not in edge.name and "ramp" not in edge.name]
    assert min(len(highway), len(streets)) >= 10
    assert max(len(edge.driving) for edge in streets) == 2
    assert max(len(edge.driving) for edge in highway) == 4
    # Whoever drives never comes to a dead end.
    assert all(network.followers[edge.name] for edge in network.roads)
    bends = [_turning(edge.driving[0].line_m) for edge in streets]
    assert np.median(bends) > 0.15


def _turning(line: np.ndarray) -> float:
    steps = np.diff(line, axis=0)
    angle = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    return float(np.abs(np.diff(angle)).sum())


def test_one_drives_on_the_right_side(folder: Path) -> None:
    for left in (False, True):
        network = read_network(build_map(folder, "test", left))
        there, back = network.edges["p1_p2"], network.edges["p2_p1"]
        ours, theirs = there.driving[0].line_m, back.driving[0].line_m
        place, way = point_at(ours, line_length(ours) / 2)
        other = theirs[np.argmin(np.hypot(*(theirs - place).T))]
        side = np.cross([np.cos(way), np.sin(way), 0], [*(other - place), 0])[2]
        assert (side > 0) is not left  # the other direction is to the left where one drives right


def test_a_map_is_built_once_and_always_the_same(folder: Path, tmp_path: Path) -> None:
    first = build_map(folder, "calibration", False)
    before = first.stat().st_mtime_ns
    assert build_map(folder, "calibration", False).stat().st_mtime_ns == before
    assert build_map(tmp_path, "calibration", False).read_bytes() == first.read_bytes()


def test_the_maps_differ_in_topology(folder: Path) -> None:
    degrees = []
    for name in MAPS:
        network = read_network(build_map(folder, name, False))
        meets: dict[str, int] = {}
        for edge in network.roads:
            meets[edge.start] = meets.get(edge.start, 0) + 1
        degrees.append(sorted(meets.values()))
    assert len({tuple(found) for found in degrees}) == len(MAPS)


def test_an_unknown_map_is_told(tmp_path: Path) -> None:
    with pytest.raises(RidealongError, match="unknown map 'tset'; did you mean 'test'"):
        build_map(tmp_path, "tset", False)


def test_missing_sumo_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sumo", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RidealongError, match="netconvert is not installed; pip install"):
        build_map(tmp_path, "test", False)


def test_points_on_a_line_by_hand() -> None:
    line = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    assert line_length(line) == 7
    place, way = point_at(line, 5.0)
    assert place.tolist() == [3, 2]
    assert way == pytest.approx(np.pi / 2)
    assert points_at(line, np.array([-1.0, 1.5, 9.0])).tolist() == [[0, 0], [1.5, 0], [3, 4]]


@pytest.mark.parametrize("country", ["DE", "GB", "US", "JP"])
def test_a_world_is_whole(folder: Path, country: str) -> None:
    left = country in ("GB", "JP")
    path = build_map(folder, "test", left)
    network, place = read_network(path), map_world(path, country)
    world = place.world
    assert world.country.code == country
    names = {strip.name for strip in world.lanes}
    assert names == {lane.name for edge in network.edges.values() for lane in edge.surface}
    assert len({light.name for light in world.lights}) == len(world.lights)
    # Every signalled way of a vehicle has a head, whose link is one of that signal's.
    for edge in network.roads:
        for connection in network.followers[edge.name]:
            if connection.signal:
                head = place.heads[connection.signal, connection.link]
                signal, link = place.links[head]
                assert signal == connection.signal
                assert 0 <= link < len(network.signals[signal][0])


def test_heads_face_their_traffic(folder: Path) -> None:
    for country in ("DE", "US"):
        path = build_map(folder, "test", False)
        network, place = read_network(path), map_world(path, country)
        lanes = {lane.name: lane for edge in network.roads for lane in edge.lanes}
        for light in place.world.lights:
            lane = lanes[light.lanes[0]]
            step = lane.line_m[-1] - lane.line_m[-2]
            facing = np.array([np.cos(light.yaw_rad), np.sin(light.yaw_rad)])
            assert facing @ step / np.linalg.norm(step) == pytest.approx(-1, abs=1e-6)
            ahead = (np.array([light.x_m, light.y_m]) - lane.line_m[-1]) @ step
            assert ahead / np.linalg.norm(step) > (5 if country == "US" else -2)


def test_edges_have_the_road_to_their_left(folder: Path) -> None:
    for left, country in ((False, "DE"), (True, "GB")):
        path = build_map(folder, "test", left)
        world = map_world(path, country).world
        lanes = np.concatenate([resample(strip.points_m, 1.0)[0] for strip in world.lanes])
        wrong = 0
        for edge in world.edges:
            place, way = point_at(edge.points_m, line_length(edge.points_m) / 2)
            aside = lanes[np.argmin(np.hypot(*(lanes - place).T))] - place
            wrong += bool(np.cos(way) * aside[1] - np.sin(way) * aside[0] < -0.9)
        assert wrong <= 3  # in a tight corner the nearest lane may end behind it
