"""The real comma2k19 segment against facts found without our code, and against damage."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

from ingest.drives import drive_row
from ingest.sources.comma2k19.source import Comma2k19Source
from ingest.telemetry.validation import validate_telemetry
from ridealong.errors import RidealongError, UnreadableError

pytestmark = pytest.mark.slow


SOURCE = Comma2k19Source()
FIRST_FRAME_NS = 1_533_226_488_397_000_000


def open_one(path: Path) -> Any:
    (files,) = SOURCE.discover(path)
    return SOURCE.open(files)


def good_rows(path: Path) -> pa.Table:
    return validate_telemetry(open_one(path).telemetry(), "d").rows


def column(rows: pa.Table, name: str) -> np.ndarray:
    return rows[name].to_numpy(zero_copy_only=False).astype(np.float64)


def array(folder: Path, name: str) -> np.ndarray:
    (file,) = folder.glob(f"*/40/{name}")
    return np.load(file)


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    folder = Path(__file__).parents[4] / "examples" / "comma2k19_first30s"
    valid = validate_telemetry(open_one(folder).telemetry(), "d")
    assert valid.quarantine.num_rows == 0
    return valid.rows


@pytest.fixture
def facts(comma: Path) -> dict[str, Any]:
    return json.loads((comma / "expected_facts.json").read_text())


def test_the_drive(comma: Path, facts: dict[str, Any]) -> None:
    (files,) = SOURCE.discover(comma)
    recording = SOURCE.open(files)
    drive = drive_row(files, recording, validate_telemetry(recording.telemetry(), files.drive_id))
    assert files.drive_id.startswith("b0c9d2329ad1606b_2018-08-02--08-34-47--40-")
    assert files.drive_id == drive.drive_id
    assert drive.vehicle_id == "b0c9d2329ad1606b"
    assert drive.cluster_id == "b0c9d2329ad1606b_2018-08-02--08-34-47"
    assert drive.start_ns == FIRST_FRAME_NS
    assert drive.duration_s == pytest.approx(30, abs=0.001)
    assert drive.distance_m == pytest.approx(facts["path_m"], rel=0.01)
    assert drive.country == "US"
    assert (drive.weather, drive.light, drive.road) == (None, None, None)
    assert drive.cameras == ()


def test_gps_time_agrees_with_the_receivers_utc(comma: Path) -> None:
    """The first u-blox fix says UTC by itself, in milliseconds."""
    utc_ms = array(comma, "processed_log/GNSS/live_gnss_ublox/value")[0, 3]
    boot_s = array(comma, "processed_log/GNSS/live_gnss_ublox/t")[0]
    since_start_s = boot_s - array(comma, "global_pose/frame_times")[0]
    assert utc_ms / 1000 == pytest.approx(FIRST_FRAME_NS / 1e9 + since_start_s, abs=0.3)


def test_the_grid(rows: pa.Table) -> None:
    assert rows["timestamp_ns"].to_pylist() == [FIRST_FRAME_NS + k * 10**8 for k in range(300)]


def test_speed(rows: pa.Table, facts: dict[str, Any]) -> None:
    speed = column(rows, "Vehicle.Speed") / 3.6
    assert np.nanmin(speed) == pytest.approx(facts["v_min"], abs=0.1)
    assert np.nanmax(speed) == pytest.approx(facts["v_max"], abs=0.02)
    assert np.flatnonzero(np.isnan(speed)).tolist() == [0]  # CAN starts 42 ms after the video


def test_gentle_brake_is_where_numpy_says(
    comma: Path, rows: pa.Table, facts: dict[str, Any]
) -> None:
    start = array(comma, "global_pose/frame_times")[0]
    time = array(comma, "processed_log/CAN/speed/t") - start
    value = array(comma, "processed_log/CAN/speed/value")[:, 0]
    grid = np.arange(300) / 10
    on_grid = np.interp(grid, time, value, left=np.nan, right=np.nan)
    rate = (np.interp(grid + 0.25, grid, on_grid) - np.interp(grid - 0.25, grid, on_grid)) / 0.5
    ours = column(rows, "Vehicle.Acceleration.Longitudinal")
    assert_allclose(ours[4:296], rate[4:296], atol=1e-5)
    assert np.isnan(ours[:3]).all() and np.isnan(ours[297:]).all()
    assert (np.flatnonzero(ours <= -0.5) / 10).tolist() == [k / 10 for k in range(240, 250)]
    assert np.nanmin(ours) == pytest.approx(-0.786, abs=0.001)
    assert np.nanmin(ours) == pytest.approx(facts["a_min_ma5_10Hz"], abs=0.05)
    assert np.nanmax(ours) == pytest.approx(facts["a_max"], abs=0.1)


def test_steering(comma: Path, rows: pa.Table, facts: dict[str, Any]) -> None:
    wheel = column(rows, "Vehicle.Chassis.SteeringWheel.Angle")
    assert np.nanmax(np.abs(wheel)) == pytest.approx(facts["steer_abs_max_deg"], abs=0.5)
    yaw = column(rows, "Vehicle.AngularVelocity.Yaw")
    known = np.isfinite(wheel) & np.isfinite(yaw)
    # Both positive to the left.
    assert np.corrcoef(wheel[known], yaw[known])[0, 1] > 0.7


def pose_axes(comma: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, forward and right axes of the camera, in east, north, up; by hand, for a spot."""
    w, x, y, z = array(comma, "global_pose/frame_orientations").T
    forward = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], 1)
    right = np.stack([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)], 1)
    lat, lon = np.radians([37.7210, -122.4723])
    east = np.array([-np.sin(lon), np.cos(lon), 0])
    up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    ground = np.stack([east, np.cross(up, east), up], axis=1)
    start = array(comma, "global_pose/frame_times")
    return start - start[0], forward @ ground, right @ ground


def smoothed_rate(angle: np.ndarray, time: np.ndarray, grid: np.ndarray) -> np.ndarray:
    rate = np.degrees(np.gradient(np.unwrap(angle), time))
    return np.interp(grid, time, np.convolve(rate, np.ones(11) / 11, "same"))


@pytest.mark.parametrize("axis", ["Yaw", "Pitch", "Roll"])
def test_rates_of_turn_agree_with_the_poses(comma: Path, rows: pa.Table, axis: str) -> None:
    """ISO 8855: yaw to the left, pitch nose down, roll to the right are positive."""
    time, forward, right = pose_axes(comma)
    angle = {
        "Yaw": -np.arctan2(forward[:, 0], forward[:, 1]),
        "Pitch": -np.arcsin(forward[:, 2]),
        "Roll": -np.arcsin(right[:, 2]),
    }[axis]
    grid = np.arange(300) / 10
    inner = slice(8, -8)
    expected = smoothed_rate(angle, time, grid)[inner]
    ours = np.convolve(column(rows, f"Vehicle.AngularVelocity.{axis}"), np.ones(5) / 5, "same")[
        inner
    ]
    assert np.corrcoef(expected, ours)[0, 1] > 0.95
    assert np.polyfit(expected, ours, 1)[0] == pytest.approx(1, abs=0.15)


def test_lateral_and_vertical_acceleration_agree_with_the_poses(
    comma: Path, rows: pa.Table
) -> None:
    time = array(comma, "global_pose/frame_times")
    acceleration = np.gradient(array(comma, "global_pose/frame_velocities"), time, axis=0)
    w, x, y, z = array(comma, "global_pose/frame_orientations").T
    right = np.stack([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)], 1)
    down = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], 1)
    grid = np.arange(300) / 10
    for name, axis in (("Lateral", right), ("Vertical", down)):
        along = np.convolve(-np.einsum("ni,ni->n", acceleration, axis), np.ones(11) / 11, "same")
        expected = np.interp(grid, time - time[0], along)[8:-8]
        ours = np.convolve(column(rows, f"Vehicle.Acceleration.{name}"), np.ones(5) / 5, "same")[
            8:-8
        ]
        assert np.corrcoef(expected, ours)[0, 1] > 0.9
        assert abs(ours.mean()) < 0.2  # no gravity is left


def test_place_and_heading(comma: Path, rows: pa.Table) -> None:
    fixes = array(comma, "processed_log/GNSS/live_gnss_ublox/value")
    assert_allclose(column(rows, "Vehicle.CurrentLocation.Latitude")[5], fixes[4, 0], atol=1e-5)
    assert_allclose(column(rows, "Vehicle.CurrentLocation.Longitude")[5], fixes[4, 1], atol=1e-5)
    heading = column(rows, "Vehicle.CurrentLocation.Heading")
    assert np.abs(np.nanmedian(heading) - np.median(fixes[:, 5])) < 1


def test_the_vehicle_ahead(rows: pa.Table) -> None:
    distance = column(rows, "Perception.Lead.Distance")
    closing = -column(rows, "Perception.Lead.RelativeSpeed")
    track = column(rows, "Perception.Lead.TrackId")
    # Along one track, the distance changes as fast as the relative speed says.
    same = np.flatnonzero((track[10:] == track[:-10]) & np.isfinite(distance[10:]))
    assert len(same) > 200
    lost = distance[same] - distance[same + 10]
    steps = [closing[k : k + 10].mean() for k in same]
    assert np.abs(lost - steps).max() < 1.0
    collision = column(rows, "Perception.Lead.TimeToCollision")
    assert (np.isfinite(collision) == (closing > 0)).all()
    nearing = closing > 0
    assert_allclose(collision[nearing], distance[nearing] / closing[nearing], rtol=1e-5)
    obstacle = column(rows, "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance")
    gap = column(rows, "Vehicle.ADAS.ObstacleDetection.Front.Center.TimeGap")
    speed = column(rows, "Vehicle.Speed") / 3.6
    assert_allclose(gap[1:], (1000 * obstacle / speed)[1:], atol=0.6)


def test_what_the_log_lacks_is_unknown(rows: pa.Table) -> None:
    for name in ("Vehicle.Chassis.Axle.Row1.SteeringAngle", "Vehicle.Chassis.Brake.PedalPosition"):
        assert rows[name].null_count == rows.num_rows


def test_bar_and_underscore_are_the_same_drive(comma: Path, segment: Path) -> None:
    (renamed,), (original,) = SOURCE.discover(comma), SOURCE.discover(segment.parents[2])
    assert (renamed.drive_id, renamed.sha256) == (original.drive_id, original.sha256)
    assert good_rows(segment).equals(good_rows(comma))


@pytest.mark.parametrize("up", [0, 1, 2, 3], ids=["segment", "route", "root", "above"])
def test_found_from_any_folder_above(segment: Path, up: int) -> None:
    path = [segment, *segment.parents][up]
    assert SOURCE.recognises(path) is (path == segment)  # one log, or a folder that holds it
    assert [files.path for files in SOURCE.discover(path)] == [str(segment)]


def test_segments_come_in_the_order_of_their_numbers(segment: Path) -> None:
    for number in ("9", "100"):
        shutil.copytree(segment, segment.with_name(number))
    found = SOURCE.discover(segment.parents[1])
    assert [Path(files.path).name for files in found] == ["9", "40", "100"]
    assert len({files.drive_id for files in found}) == 3
    clusters = {SOURCE.open(files).attributes.cluster_id for files in found}
    assert clusters == {"b0c9d2329ad1606b_2018-08-02--08-34-47"}


def test_other_content_is_another_drive(comma: Path, segment: Path) -> None:
    (segment / "processed_log" / "note").write_text("x")
    assert SOURCE.discover(segment)[0].drive_id != SOURCE.discover(comma)[0].drive_id


def test_no_segment(tmp_path: Path) -> None:
    assert not SOURCE.recognises(tmp_path)
    with pytest.raises(RidealongError, match="no comma2k19 segment; expected folders"):
        SOURCE.discover(tmp_path)


@pytest.mark.parametrize(
    ("stream", "unknown"),
    [
        ("CAN/steering_angle", "Vehicle.Chassis.SteeringWheel.Angle"),
        ("CAN/radar", "Perception.Lead.Distance"),
        ("IMU/gyro", "Vehicle.AngularVelocity.Yaw"),
        ("IMU/accelerometer", "Vehicle.Acceleration.Lateral"),
        ("GNSS/live_gnss_ublox", "Vehicle.CurrentLocation.Latitude"),
    ],
)
def test_a_missing_stream_leaves_its_signals_unknown(
    segment: Path, stream: str, unknown: str
) -> None:
    shutil.rmtree(segment / "processed_log" / stream)
    rows = good_rows(segment)
    assert rows[unknown].null_count == 300
    assert rows["Vehicle.Speed"].null_count == 1


def test_an_empty_stream_is_as_good_as_none(segment: Path) -> None:
    radar = segment / "processed_log" / "CAN" / "radar"
    save(radar / "t", np.empty(0))
    save(radar / "value", np.empty((0, 7)))
    rows = good_rows(segment)
    assert rows["Perception.Lead.Distance"].null_count == 300


def test_a_hole_in_a_stream_is_unknown(segment: Path) -> None:
    speed = segment / "processed_log" / "CAN" / "speed"
    time, value = np.load(speed / "t"), np.load(speed / "value")
    start = np.load(segment / "global_pose" / "frame_times")[0]
    kept = (time < start + 10) | (time > start + 12)
    save(speed / "t", time[kept])
    save(speed / "value", value[kept])
    known = column(good_rows(segment), "Vehicle.Speed")
    assert np.flatnonzero(np.isnan(known)).tolist() == [0, *range(100, 121)]


def test_samples_logged_late_are_put_in_place(comma: Path, segment: Path) -> None:
    speed = segment / "processed_log" / "CAN" / "speed"
    order = np.random.default_rng(3).permutation(len(np.load(speed / "t")))
    for name in ("t", "value"):
        save(speed / name, np.load(speed / name)[order])
    assert good_rows(segment).equals(good_rows(comma))


def save(path: Path, values: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, values)


class Evil:
    def __reduce__(self) -> Any:
        return (Path("/nowhere/pwned").touch, ())


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def pickled_object(path: Path) -> None:
    np.save(path.open("wb"), np.array([Evil()], dtype=object), allow_pickle=True)


def promise_too_much(path: Path) -> None:
    header = np.lib.format.header_data_from_array_1_0(np.zeros(1)) | {"shape": (10**12,)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)


NO_ARRAY = "cannot be read as a numpy array"
DAMAGE = {
    "truncated": (truncate, NO_ARRAY),
    "empty": (lambda path: path.write_bytes(b""), NO_ARRAY),
    "garbage": (lambda path: path.write_bytes(b"garbage" * 50), NO_ARRAY),
    "a huge promise": (promise_too_much, NO_ARRAY),
    "pickle": (lambda path: path.write_bytes(pickle.dumps(Evil())), "without pickled objects"),
    "objects": (pickled_object, "without pickled objects"),
    "text": (lambda path: save(path, np.array(["a", "b"])), "contains no numbers"),
    "another shape": (
        lambda path: save(path, np.zeros((5, 9))),
        r"has the shape \(5, 9\); expected \(N, 1\)",
    ),
    "another length": (
        lambda path: save(path, np.zeros(5)),
        "has 5 rows; expected 2484, as in 't'",
    ),
    "gone": (Path.unlink, "No such file"),
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_damaged_speed_is_unreadable(segment: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    file = segment / "processed_log" / "CAN" / "speed" / "value"
    damage(file)  # type: ignore[operator]
    with pytest.raises(UnreadableError, match=message) as caught:
        open_one(segment)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_no_speed(segment: Path) -> None:
    shutil.rmtree(segment / "processed_log" / "CAN" / "speed")
    with pytest.raises(UnreadableError, match="has no speed; expected processed_log/CAN/speed"):
        open_one(segment)


@pytest.mark.parametrize("name", ["frame_times", "frame_gps_times", "frame_velocities"])
def test_no_poses(segment: Path, name: str) -> None:
    (segment / "global_pose" / name).unlink()
    with pytest.raises(UnreadableError, match=name):
        open_one(segment)


def test_poses_of_another_length(segment: Path) -> None:
    save(segment / "global_pose" / "frame_positions", np.zeros((3, 3)))
    with pytest.raises(UnreadableError, match=r"has 3 rows.*expected 601, one a frame"):
        open_one(segment)


def test_frame_times_that_go_back(segment: Path) -> None:
    file = segment / "global_pose" / "frame_times"
    save(file, np.load(file)[::-1])
    with pytest.raises(UnreadableError, match="not ascending"):
        open_one(segment)


def test_a_file_that_cannot_be_read_is_found_and_quarantined(segment: Path) -> None:
    value = segment / "processed_log" / "CAN" / "speed" / "value"
    value.unlink()
    value.symlink_to(segment / "nowhere")
    (files,) = SOURCE.discover(segment)
    with pytest.raises(UnreadableError, match="No such file"):
        SOURCE.open(files)


def test_with_its_video(segment: Path, write_video: Any) -> None:
    made = write_video("video.hevc", 40, codec="libx265", kind="hevc")
    shutil.move(made, segment / "video.hevc")
    recording = open_one(segment)
    assert list(recording.cameras) == ["main"]
    assert (recording.cameras["main"].width, recording.cameras["main"].height) == (64, 48)
    times = np.load(segment / "global_pose" / "frame_times")
    frames = list(recording.frames(FIRST_FRAME_NS, FIRST_FRAME_NS + 10**9, ["main"]))
    expected = FIRST_FRAME_NS + np.rint((times[:21] - times[0]) * 1e9).astype(int)
    assert [time for time, _ in frames] == expected[expected <= FIRST_FRAME_NS + 10**9].tolist()
    assert list(recording.frames(FIRST_FRAME_NS, FIRST_FRAME_NS + 10**9, ["rear"])) == []


def test_a_lost_frame_moves_no_other(segment: Path, write_video: Any) -> None:
    """Frames belong to poses by their number in the video, whatever was lost in between."""
    made = write_video("video.hevc", 40, codec="libx265", kind="hevc", bf="0")
    with av.open(str(made)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    packets[15] = packets[15][:7] + b"\x01" * (len(packets[15]) - 7)  # its picture begins, no more
    (segment / "video.hevc").write_bytes(b"".join(packets))
    recording = open_one(segment)
    times = np.load(segment / "global_pose" / "frame_times")
    expected = (FIRST_FRAME_NS + np.rint((times[:40] - times[0]) * 1e9).astype(int)).tolist()
    frames = recording.frames(FIRST_FRAME_NS, FIRST_FRAME_NS + 2 * 10**9, ["main"])
    shown = {
        expected.index(time): round(float(images["main"][:, 48:].mean()) / 4)
        for time, images in frames
    }
    assert 15 not in shown
    assert [shown[k] for k in (*range(15), *range(20, 39))] == [*range(15), *range(20, 39)]


def test_its_telemetry_stands_without_its_video(segment: Path, write_video: Any) -> None:
    assert list(open_one(segment).left_out()) == []
    (segment / "video.hevc").write_bytes(b"no video")
    recording = open_one(segment)
    assert (list(recording.cameras), recording.cameras) == ([], {})
    assert recording.telemetry().num_rows == 300
    (left_out,) = recording.left_out()
    assert left_out.frames == 601
    assert left_out.reason.startswith("camera main: video.hevc cannot be read as video (")
    shutil.move(write_video("short.hevc", 40, codec="libx265", kind="hevc"), segment / "video.hevc")
    (left_out,) = open_one(segment).left_out()
    assert left_out.reason == "camera main: video.hevc ends 561 frames early"


def test_the_eons_intrinsics(segment: Path, write_video: Any) -> None:
    made = write_video("video.hevc", 2, (1164, 874), codec="libx265", kind="hevc")
    shutil.move(made, segment / "video.hevc")
    camera = open_one(segment).cameras["main"]
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (910, 910, 582, 437)
    assert not camera.known  # where it is mounted is not
