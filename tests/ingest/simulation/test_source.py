"""A simulated fleet as a source: found, opened, rendered, labelled, and damaged."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.discovery import find_drives
from ingest.simulation.drive_log import read_drive_file, read_log
from ingest.simulation.maps.network_world import map_world
from ingest.simulation.maps.roads import read_network
from ingest.simulation.states import DriveScenes
from ingest.sources.simulation.recording import SimulatedRecording
from ingest.sources.simulation.source import SimulationSource
from ridealong.errors import RidealongError, UnreadableError
from ridealong.perception.annotations import LightState, Task
from ridealong.perception.recording import DriveFiles

pytestmark = pytest.mark.slow


SOURCE = SimulationSource()


@pytest.fixture(scope="module")
def drives(small_fleet: Path) -> list[DriveFiles]:
    return SOURCE.discover(small_fleet)


def test_a_fleet_is_recognised_by_its_marker(small_fleet: Path, tmp_path: Path) -> None:
    assert {files.source for files in find_drives(small_fleet).drives} == {"simulation"}
    assert not SOURCE.recognises(tmp_path)
    with pytest.raises(RidealongError, match=r"not a simulated fleet.*fleet\.json"):
        SOURCE.discover(tmp_path)


def test_half_written_drives_are_not_found(small_fleet: Path, tmp_path: Path) -> None:
    copy = tmp_path / "fleet"
    shutil.copytree(small_fleet, copy)
    (copy / "drives" / ".small-half-77").mkdir()
    assert len(SOURCE.discover(copy)) == 4


def test_the_drives_row_says_what_was_decided(drives: list[DriveFiles]) -> None:
    for files in drives:
        recording = SOURCE.open(files)
        assert isinstance(recording, SimulatedRecording)
        known, decided = recording.attributes, read_drive_file(Path(files.path)).drive
        assert known.country == decided.country
        assert known.end_ns == decided.start_ns + 119 * 100_000_000
        assert known.cluster_id is None  # a cluster of its own
        assert set(recording.cameras).isdisjoint(decided.dead_cameras)
        assert len(recording.cameras) == 8 - len(decided.dead_cameras)
    assert sum(len(read_drive_file(Path(f.path)).drive.dead_cameras) for f in drives) == 1


def test_frames_stand_on_the_videos_grid_and_repeat(drives: list[DriveFiles]) -> None:
    recording = SOURCE.open(drives[0])
    start = recording.attributes.start_ns
    window = (start + 950_000_000, start + 1_600_000_000)
    found = list(recording.frames(*window, ["main", "rear"]))
    assert [(t - start) // 1_000_000 for t, _ in found] == [1000, 1200, 1400, 1600]
    again = list(SOURCE.open(drives[0]).frames(*window, ["rear", "main"]))
    for (_, images), (_, others) in zip(found, again, strict=True):
        assert set(images) == set(others)
        for name in images:
            assert images[name].shape == (48, 64, 3)
            assert np.array_equal(images[name], others[name])


def test_frames_drawn_for_labels_are_the_same(drives: list[DriveFiles]) -> None:
    recording, fresh = SOURCE.open(drives[0]), SOURCE.open(drives[0])
    start = recording.attributes.start_ns
    window = (start, start + 1_000_000_000)
    labels = recording.labels(*window)
    assert labels is not None
    assert labels.timestamps_ns.tolist() == [start, start + 1_000_000_000]
    assert labels.tasks == frozenset(Task)
    names = list(recording.cameras)
    kept = {t: images for t, images in recording.frames(*window, names)}
    drawn = {t: images for t, images in fresh.frames(*window, names)}
    assert list(kept) == list(drawn)
    for time_ns, images in drawn.items():
        for name in names:
            assert np.array_equal(kept[time_ns][name], images[name])


def test_the_path_is_where_the_ego_drove(drives: list[DriveFiles]) -> None:
    for files in drives:
        recording = SOURCE.open(files)
        start, end = (int(getattr(recording.attributes, key)) for key in ("start_ns", "end_ns"))
        ego = read_log(Path(files.path)).ego
        labels = recording.labels(start, end)
        assert labels is not None
        rows = [row for row in labels.sparse.to_pylist() if row["task"] == "path"]
        steps = [(row["timestamp_ns"] - start) // 100_000_000 for row in rows]
        assert steps == list(range(0, 119 - 4, 10))
        for step, row in zip(steps, rows, strict=True):
            path = np.array(row["points"]).reshape(-1, 2)
            assert len(path) == min(8, (119 - step) // 5)  # shorter at the drive's end
            # The first point lies as far off as the speeds until then lead, and ahead.
            # At a drive's ends smoothing knows one side alone.
            close = 0.03 if 10 <= step <= 100 else 0.12
            driven = ego["speed_mps"][step : step + 6].mean() * 0.5
            assert np.hypot(*path[0]) == pytest.approx(driven, rel=close, abs=0.1)
            assert path[0, 0] >= -0.05
            c, s = np.cos(ego["yaw_rad"][step]), np.sin(ego["yaw_rad"][step])
            back = path @ np.array([[c, s], [-s, c]])
            later = step + 5 * np.arange(1, len(path) + 1)
            went = np.stack([ego["x_m"][later], ego["y_m"][later]], axis=-1)
            here = [ego["x_m"][step], ego["y_m"][step]]
            np.testing.assert_allclose(back, went - here, atol=1e-4)


def test_nothing_lies_outside_the_drive(drives: list[DriveFiles]) -> None:
    recording = SOURCE.open(drives[0])
    end = recording.attributes.end_ns
    times = [t for t, _ in recording.frames(end - 300_000_000, end + 10**10, ["main"])]
    assert [(end - t) // 1_000_000 for t in times] == [300, 100]
    assert list(recording.frames(0, 10, ["main"])) == []
    assert list(recording.frames(end - 10**9, end, [])) == []


def test_lights_show_what_sumo_says(small_fleet: Path, drives: list[DriveFiles]) -> None:
    """The state of each head, against the logged state of its link read plainly."""
    for files in drives:
        folder = Path(files.path)
        drive = read_drive_file(folder).drive
        side = "left" if drive.left_hand else "right"
        place = map_world(small_fleet / "maps" / f"{drive.map}-{side}.net.xml", drive.country)
        log = read_log(folder)
        scenes = DriveScenes(drive, log, place)
        for step in (0, 57, 119):
            state = scenes.at(step)
            latest: dict[str, str] = {}
            columns = (log.lights[key] for key in ("step", "name", "state"))
            for at, name, shows in zip(*columns, strict=True):
                if at <= step:
                    latest[str(name)] = str(shows)
            for head, (signal, link) in place.links.items():
                expected = {"r": LightState.RED, "g": LightState.GREEN}.get(
                    latest[signal][link].lower(), LightState.YELLOW
                )
                assert state.lights[head] is expected


def test_the_relevant_light_is_ours(small_fleet: Path, drives: list[DriveFiles]) -> None:
    """A relevant head controls the lane that the ego is on, or one beside it on the same road."""
    found = 0
    for files in drives:
        folder = Path(files.path)
        drive = read_drive_file(folder).drive
        side = "left" if drive.left_hand else "right"
        path = small_fleet / "maps" / f"{drive.map}-{side}.net.xml"
        network, place = read_network(path), map_world(path, drive.country)
        log = read_log(folder)
        scenes = DriveScenes(drive, log, place)
        lights = {light.name: light for light in place.world.lights}
        for step in range(0, 120, 7):
            lane = str(log.ego["lane"][step])
            for head in scenes.at(step).relevant_lights:
                roads = {name.rpartition("_")[0] for name in lights[head].lanes}
                if (
                    lane[0] != ":"
                    and network.edges[lane.rpartition("_")[0]].end == head.split("/")[0]
                ):
                    assert lane.rpartition("_")[0] in roads
                    found += 1
    assert found > 5


@pytest.mark.parametrize("name", ["drive.json", "telemetry.parquet", "actors.parquet"])
def test_a_damaged_file_is_told(small_fleet: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "fleet"
    shutil.copytree(small_fleet, copy)
    files = SOURCE.discover(copy)[0]
    path = Path(files.path) / name
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnreadableError, match=name.replace(".", r"\.")):
        recording = SOURCE.open(files)
        recording.telemetry()
        recording.labels(0, 10**19)
    assert SOURCE.discover(copy)[0].sha256 != files.sha256


def test_a_missing_map_is_told(small_fleet: Path, tmp_path: Path) -> None:
    copy = tmp_path / "fleet"
    shutil.copytree(small_fleet, copy)
    shutil.rmtree(copy / "maps")
    recording = SOURCE.open(SOURCE.discover(copy)[0])
    start = recording.attributes.start_ns
    with pytest.raises(UnreadableError, match="the drive's map is missing"):
        list(recording.frames(start, start + 10**9, ["main"]))


def test_a_fleet_in_a_folder_of_others(small_fleet: Path, tmp_path: Path) -> None:
    shutil.copytree(small_fleet, tmp_path / "logs" / "fleet")
    pq.write_table(pa.table({"timestamp_ns": [1, 2]}), tmp_path / "logs" / "trip.parquet")
    sources = [files.source for files in find_drives(tmp_path / "logs").drives]
    assert sorted(set(sources)) == ["parquet", "simulation"] and sources.count("parquet") == 1
