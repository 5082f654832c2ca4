"""A segment of comma2k19, opened.

Times in the log are seconds since the device booted. The drive starts with its first video frame,
whose GPS time gives UTC. ``docs/signals.md`` defines the derived signals.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ingest.sources.comma2k19.earth import heading_rad
from ingest.sources.comma2k19.inertial import Poses, gravity_in_device, vehicle_SO3_device
from ingest.sources.comma2k19.radar import Targets, look_ahead
from ingest.sources.comma2k19.segments import route_of
from ingest.sources.comma2k19.streams import Stream, read_array, read_stream
from ingest.telemetry.resample import (
    centred_difference,
    distance_m,
    grid_ns,
    interpolate,
    latest,
    window_mean,
)
from ridealong.arrays import Floats
from ridealong.errors import UnreadableError
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration, unknown_calibration
from ridealong.perception.recording import DriveAttributes, DriveFiles, Image, LeftOut
from ridealong.units import NS_PER_S

if TYPE_CHECKING:  # it loads PyAV, which a segment without video does not need
    from ingest.sources.video.decoding import VideoIndex

LONGEST_S = 3600.0
STEP_NS = 100_000_000
STEP_S = STEP_NS / NS_PER_S
SPAN_S = 0.5
MAX_GAP_S = 0.5
MAX_RADAR_AGE_S = 0.15
MIN_SPEED_MPS = 1.0

GPS_EPOCH_UNIX_S = 315_964_800
WEEK_S = 604_800
# Leap seconds between GPS time and UTC since 2017; the dataset is from 2018.
GPS_AHEAD_OF_UTC_S = 18

VIDEO = "video.hevc"
EON_SIZE = (1164, 874)
EON_FOCAL_PX = 910.0
CAMERA = "main"


class Comma2k19Recording:
    """One segment, opened."""

    def __init__(self, files: DriveFiles) -> None:
        self._folder = Path(files.path)
        self._poses = _read_poses(self._folder / "global_pose")
        self._boot_s = float(self._poses.time_s[0])
        self._start_ns = _utc_ns(self._folder / "global_pose" / "frame_gps_times")
        length_s = float(self._poses.time_s[-1]) - self._boot_s
        if not 0 <= length_s <= LONGEST_S:  # the grid of telemetry covers all of it
            what = f"its frames lie {length_s:g} s apart"
            raise UnreadableError(what, where=self._folder, expected="a segment of a minute")
        self._length_ns = round(length_s * NS_PER_S)
        speed = self._stream("CAN/speed", 1)
        if speed is None:
            raise UnreadableError(
                "has no speed", where=self._folder, expected="processed_log/CAN/speed/t and value"
            )
        self._speed = speed
        self._video, self._left_out = _read_video(self._folder / VIDEO, len(self._poses.time_s))

    @property
    def attributes(self) -> DriveAttributes:
        """What the log contains: not weather, light, road, software or features."""
        route = route_of(self._folder)
        since_boot_ns = np.rint(self._speed.time_s * NS_PER_S).astype(np.int64)
        return DriveAttributes(
            start_ns=self._start_ns,
            end_ns=self._start_ns + self._length_ns,
            distance_m=distance_m(since_boot_ns, self._speed.values[:, 0] * 3.6, MAX_GAP_S),
            vehicle_id=route["dongle"],
            cluster_id=f"{route['dongle']}_{route['start']}",
            country="US",
            hardware="comma EON",
        )

    @property
    def cameras(self) -> Mapping[str, CameraCalibration]:
        """The road camera, if the segment has its video."""
        return {} if self._video is None else {CAMERA: _calibration(self._video)}

    def telemetry(self) -> pa.Table:
        """Every 0.1 s from the first to the last video frame; NaN is unknown."""
        offsets_ns = grid_ns(self._length_ns, STEP_NS)
        at_s = self._boot_s + offsets_ns / NS_PER_S
        columns = {
            **self._motion(at_s),
            **self._inertial(at_s),
            **self._place(at_s),
            **self._ahead(at_s),
        }
        return pa.table({"timestamp_ns": offsets_ns + self._start_ns, **columns})

    def frames(
        self, start_ns: int, end_ns: int, cameras: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Image]]]:
        """Frames of the road camera, at the times of the poses (one a frame)."""
        if self._video is None or CAMERA not in cameras:
            return
        since_start_s = self._poses.time_s - self._boot_s
        times_ns = np.rint(since_start_s * NS_PER_S).astype(np.int64) + self._start_ns
        first = int(times_ns.searchsorted(start_ns, side="left"))
        last = int(times_ns.searchsorted(end_ns, side="right")) - 1
        if first > last:
            return
        from ingest.sources.video.decoding import decode

        for number, image in decode(self._video, first, last):
            yield int(times_ns[number]), {CAMERA: image}

    def labels(self, start_ns: int, end_ns: int) -> Perception | None:
        """None: it has no labels."""
        return None

    def left_out(self) -> Sequence[LeftOut]:
        """Missing video; frames that cannot be decoded are found when a clip is cut."""
        return self._left_out

    def _stream(self, name: str, width: int) -> Stream | None:
        return read_stream(self._folder / "processed_log" / name, width)

    def _motion(self, at_s: Floats) -> dict[str, Floats]:
        speed_mps = self._own_mps(at_s)
        columns = {
            "Vehicle.Speed": speed_mps * 3.6,
            "Vehicle.Acceleration.Longitudinal": centred_difference(speed_mps, STEP_S, SPAN_S),
        }
        steering = self._stream("CAN/steering_angle", 1)
        if steering is not None:
            columns["Vehicle.Chassis.SteeringWheel.Angle"] = interpolate(
                at_s, steering.time_s, steering.values[:, 0], MAX_GAP_S
            )
        return columns

    def _inertial(self, at_s: Floats) -> dict[str, Floats]:
        vehicle_from_device = vehicle_SO3_device(self._poses)
        if vehicle_from_device is None:
            return {}
        columns = {}
        gyro = self._stream("IMU/gyro", 3)
        if gyro is not None:
            rates = np.degrees(_means(at_s, gyro) @ vehicle_from_device.T)
            for axis, name in enumerate(("Roll", "Pitch", "Yaw")):
                columns[f"Vehicle.AngularVelocity.{name}"] = rates[:, axis]
        accelerometer = self._stream("IMU/accelerometer", 3)
        if accelerometer is not None:
            gravity = gravity_in_device(self._poses)
            along = [interpolate(at_s, self._poses.time_s, g, MAX_GAP_S) for g in gravity.T]
            felt = _means(at_s, accelerometer) + np.stack(along, axis=1)
            moved = felt @ vehicle_from_device.T
            columns["Vehicle.Acceleration.Lateral"] = moved[:, 1]
            columns["Vehicle.Acceleration.Vertical"] = moved[:, 2]
        return columns

    def _place(self, at_s: Floats) -> dict[str, Floats]:
        poses = self._poses
        heading = heading_rad(poses.velocity_ecef_mps, poses.xyz_ecef_m)
        moving = np.linalg.norm(poses.velocity_ecef_mps, axis=1) >= MIN_SPEED_MPS
        known = np.where(moving, heading, np.nan)
        degrees = np.degrees(interpolate(at_s, poses.time_s, known, MAX_GAP_S)) % 360
        columns = {"Vehicle.CurrentLocation.Heading": degrees}
        gnss = self._stream("GNSS/live_gnss_ublox", 6)
        if gnss is not None:
            for axis, name in enumerate(("Latitude", "Longitude")):
                columns[f"Vehicle.CurrentLocation.{name}"] = interpolate(
                    at_s, gnss.time_s, gnss.values[:, axis], MAX_GAP_S
                )
        return columns

    def _ahead(self, at_s: Floats) -> dict[str, Floats]:
        radar = self._stream("CAN/radar", 7)
        if radar is None:
            return {}
        ahead = look_ahead(_targets(radar), self._own_mps(radar.time_s))
        scan = latest(at_s, ahead.time_s, MAX_RADAR_AGE_S)

        def at(values: Floats) -> Floats:
            return np.where(scan >= 0, np.append(values, np.nan)[scan], np.nan)

        own_mps = self._own_mps(at_s)
        obstacle_m, lead_m, closing = (
            at(ahead.obstacle_distance_m),
            at(ahead.distance_m),
            -at(ahead.speed_mps),
        )
        return {
            "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance": obstacle_m,
            "Vehicle.ADAS.ObstacleDetection.Front.Center.TimeGap": 1000
            * _ratio(obstacle_m, own_mps, MIN_SPEED_MPS),
            "Perception.Lead.TrackId": at(ahead.track_id),
            "Perception.Lead.Distance": lead_m,
            "Perception.Lead.LateralOffset": at(ahead.left_m),
            "Perception.Lead.LateralSpeed": at(ahead.left_mps),
            "Perception.Lead.RelativeSpeed": -closing,
            "Perception.Lead.Acceleration": at(ahead.acceleration_mps2),
            "Perception.Lead.TimeToCollision": _ratio(lead_m, closing, 0.0),
        }

    def _own_mps(self, at_s: Floats) -> Floats:
        return interpolate(at_s, self._speed.time_s, self._speed.values[:, 0], MAX_GAP_S)


def _read_poses(folder: Path) -> Poses:
    time_s = read_array(folder / "frame_times", 1)[:, 0]
    if not len(time_s) or not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
        raise UnreadableError(
            "its times are not ascending", where=folder / "frame_times", expected="one a frame"
        )
    names = {"frame_positions": 3, "frame_velocities": 3, "frame_orientations": 4}
    arrays = [read_array(folder / name, width) for name, width in names.items()]
    for name, array in zip(names, arrays, strict=True):
        if len(array) != len(time_s) or not np.isfinite(array).all():
            raise UnreadableError(
                f"has {len(array)} rows, or some that are not finite",
                where=folder / name,
                expected=f"{len(time_s)}, one a frame",
            )
    if not arrays[-1].any(axis=1).all():
        raise UnreadableError(
            "has a row of zeros, which is not a rotation",
            where=folder / "frame_orientations",
            expected="a quaternion a frame",
        )
    return Poses(time_s, *arrays)


def _read_video(file: Path, poses: int) -> "tuple[VideoIndex | None, list[LeftOut]]":
    """The segment's video if it can be used; without it, the telemetry alone is a drive."""
    if not file.exists():
        return None, []
    from ingest.sources.video.decoding import index_video

    try:
        video = index_video(file)
    except UnreadableError as error:
        return None, [LeftOut(poses, f"camera {CAMERA}: {VIDEO} {error.what}")]
    missing = poses - len(video.timeline.ticks)
    if missing <= 0:
        return video, []
    return video, [LeftOut(missing, f"camera {CAMERA}: {VIDEO} ends {missing} frames early")]


def _utc_ns(file: Path) -> int:
    """UTC of the first frame, from its GPS week and time of week."""
    times = read_array(file, 2)
    if not len(times) or not np.isfinite(times[0]).all():
        raise UnreadableError("does not say when the first frame was", where=file)
    week, time_of_week_s = times[0]
    whole_s = GPS_EPOCH_UNIX_S + int(week) * WEEK_S - GPS_AHEAD_OF_UTC_S
    return whole_s * NS_PER_S + round(float(time_of_week_s) * NS_PER_S)


def _calibration(video: "VideoIndex") -> CameraCalibration:
    """The EON's published intrinsics for its own image size; its pose is unknown."""
    unknown = unknown_calibration(CAMERA, video.width, video.height)
    if (video.width, video.height) != EON_SIZE:
        return unknown
    return CameraCalibration(
        CAMERA,
        *EON_SIZE,
        EON_FOCAL_PX,
        EON_FOCAL_PX,
        EON_SIZE[0] / 2,
        EON_SIZE[1] / 2,
        unknown.ego_SE3_camera,
    )


def _targets(radar: Stream) -> Targets:
    known = np.isfinite(radar.values[:, [0, 1, 2, 5, 6]]).all(axis=1)
    rows = radar.values[known]
    return Targets(
        radar.time_s[known],
        rows[:, 0],
        rows[:, 1],
        rows[:, 2],
        rows[:, 5].astype(np.int64),
        rows[:, 6] != 0,
    )


def _means(at_s: Floats, stream: Stream) -> Floats:
    columns = [window_mean(at_s, stream.time_s, values, STEP_S) for values in stream.values.T]
    return np.stack(columns, axis=1)


def _ratio(top: Floats, bottom: Floats, above: float) -> Floats:
    """``top / bottom`` where ``bottom > above``, else NaN."""
    safe = bottom > above
    return np.where(safe, top / np.where(safe, bottom, 1.0), np.nan)
