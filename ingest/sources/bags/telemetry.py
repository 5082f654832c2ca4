"""Streams of numbers from topics to signals on one grid of time.

The grid has a row every 0.1 s wherever any of the streams has samples. ``docs/sources.md`` says
which topic gives which signal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.sources.bags.fields import INERTIAL, rotation
from ingest.telemetry.resample import interpolate, window_mean
from ridealong.arrays import Bools, Floats, Ints
from ridealong.units import NS_PER_S

STEP_NS = 100_000_000
STEP_S = STEP_NS / NS_PER_S
SPAN_S = 0.5  # over which speed gives acceleration
GRAVITY_MPS2 = 9.80665
WITH_GRAVITY_MPS2 = 5.0  # an accelerometer that shows more than this at rest includes gravity
SHORTEST_GAP_S, LONGEST_GAP_S = 0.5, 5.0
MISSED = 2.5  # steps: a longer one is a gap


@dataclass(frozen=True)
class Stream:
    """Samples by time: ``times_ns`` ``(N,)`` ascending, and ``(N,)`` values by name.

    ``hold_ns`` is how long a value lasts; 0: until the stream has a gap.
    """

    times_ns: Ints
    values: Mapping[str, Floats]
    hold_ns: int = 0

    @property
    def gap_s(self) -> float:
        """The longest step that is not a gap."""
        if len(self.times_ns) < 2:
            return SHORTEST_GAP_S
        step_s = float(np.median(np.diff(self.times_ns))) / NS_PER_S
        return min(max(MISSED * step_s, SHORTEST_GAP_S), LONGEST_GAP_S)

    @property
    def is_fast(self) -> bool:
        """Whether there are several samples for each row: they are averaged."""
        return len(self.times_ns) > 1 and np.median(np.diff(self.times_ns)) < STEP_NS * 0.75


def grid(streams: "list[Stream]", origin_ns: int) -> Ints:
    """``(R,)`` times of the rows: multiples of the step after the origin, near a sample."""
    near: list[Ints] = [np.empty(0, np.int64)]
    for stream in streams:
        since = stream.times_ns - origin_ns
        floor = since // STEP_NS
        near += [floor, floor + (since % STEP_NS > 0)]
        near += _between(floor, max(stream.gap_s, stream.hold_ns / NS_PER_S))
    return np.unique(np.concatenate(near)) * STEP_NS + origin_ns


def _between(floor: Ints, gap_s: float) -> list[Ints]:
    """The steps between samples that are further apart than a step and no gap."""
    steps = np.diff(floor)
    wide = np.flatnonzero((steps > 1) & (steps <= gap_s / STEP_S))
    return [np.arange(floor[at], floor[at + 1]) for at in wide.tolist()]


def signals(
    at_ns: Ints,
    motion: Stream | None,
    inertial: Stream | None,
    place: Stream | None,
    steering: Stream | None,
) -> dict[str, pa.Array]:
    """The signals at these times, by name; NaN is unknown.

    Args:
        at_ns: ``(R,)`` times of rows.
        motion: `fields.MOTION`, or None.
        inertial: `fields.INERTIAL` in the axes of the vehicle, or None.
        place: `fields.PLACE`, or None.
        steering: `fields.STEERING`, or None.
    """
    found: dict[str, Floats] = {}
    speed = _speed(motion, steering)
    if speed is not None:
        found["Vehicle.Speed"] = at_times(at_ns, speed, "speed") * 3.6
    if motion is not None:
        found["Vehicle.AngularVelocity.Yaw"] = np.degrees(at_times(at_ns, motion, "yaw_rate"))
    if inertial is not None:
        found |= _inertial(at_ns, inertial)
    if "Vehicle.Acceleration.Longitudinal" not in found and speed is not None:
        found["Vehicle.Acceleration.Longitudinal"] = _rate(at_ns, speed, "speed")
    if place is not None:
        for name, field in (("Latitude", "latitude"), ("Longitude", "longitude")):
            found[f"Vehicle.CurrentLocation.{name}"] = _interpolated(at_ns, place, field)
    if steering is not None:
        angle = np.degrees(at_times(at_ns, steering, "angle"))
        found["Vehicle.Chassis.Axle.Row1.SteeringAngle"] = angle
    return {name: pa.array(values) for name, values in found.items()}


def at_times(at_ns: Ints, stream: Stream, name: str) -> Floats:
    """A value at these times: the mean around each if the stream is fast, else interpolated."""
    if not stream.is_fast:
        return _interpolated(at_ns, stream, name)
    at_s, time_s = _seconds(at_ns, stream)
    return window_mean(at_s, time_s, stream.values[name], STEP_S)


def known_rows(columns: Mapping[str, pa.Array], count: int) -> Bools:
    """``(count,)`` which rows have a value at all; before a stream begins, there may be none."""
    known = np.zeros(count, np.bool_)
    for column in columns.values():
        is_null = pc.is_null(column, nan_is_null=True)
        known |= ~np.asarray(is_null.to_numpy(zero_copy_only=False), np.bool_)
    return known


def in_vehicle_axes(stream: Stream, vehicle_SO3_sensor: Floats | None) -> Stream:
    """An Imu's stream without gravity, in the axes of the vehicle.

    Args:
        stream: `fields.INERTIAL` in the sensor's axes.
        vehicle_SO3_sensor: ``(3, 3)``, how it is mounted; None if unknown: along the vehicle's.
    """
    values = {name: stream.values[name] for name in INERTIAL}
    felt = np.stack([values[axis] for axis in ("ax", "ay", "az")], axis=1)
    turned = np.stack([values[axis] for axis in ("wx", "wy", "wz")], axis=1)
    felt = felt - _gravity(felt, values)
    if vehicle_SO3_sensor is not None:
        felt, turned = felt @ vehicle_SO3_sensor.T, turned @ vehicle_SO3_sensor.T
    names = ("ax", "ay", "az", "wx", "wy", "wz")
    columns = np.concatenate([felt, turned], axis=1).T
    return Stream(stream.times_ns, dict(zip(names, columns, strict=True)))


def _gravity(felt: Floats, values: Mapping[str, Floats]) -> Floats:
    """``(N, 3)`` what the sensor shows of gravity, in its axes; zero if it is removed already."""
    size = np.linalg.norm(felt, axis=1)
    if not np.isfinite(size).any() or np.nanmedian(size) < WITH_GRAVITY_MPS2:
        return np.zeros_like(felt)
    up = np.zeros_like(felt)
    up[:, 2] = 1.0
    orientation = np.stack([values[name] for name in ("qx", "qy", "qz", "qw")], axis=1)
    known = np.isfinite(orientation).all(axis=1) & (np.abs(orientation).sum(axis=1) > 0)
    for at in np.flatnonzero(known).tolist():
        up[at] = rotation(*orientation[at].tolist())[2]
    if np.nanmedian((up * felt).sum(axis=1)) < 0:  # an axis that points down
        up = -up
    return GRAVITY_MPS2 * up


def _inertial(at_ns: Ints, stream: Stream) -> dict[str, Floats]:
    found = {
        f"Vehicle.Acceleration.{name}": at_times(at_ns, stream, axis)
        for name, axis in (("Longitudinal", "ax"), ("Lateral", "ay"), ("Vertical", "az"))
    } | {
        f"Vehicle.AngularVelocity.{name}": np.degrees(at_times(at_ns, stream, axis))
        for name, axis in (("Roll", "wx"), ("Pitch", "wy"), ("Yaw", "wz"))
    }
    return {name: values for name, values in found.items() if np.isfinite(values).any()}


def _speed(motion: Stream | None, steering: Stream | None) -> Stream | None:
    """The speed over ground, m/s: measured, else what was asked for."""
    if motion is not None:
        size = np.hypot(motion.values["vx"], motion.values["vy"])
        return Stream(motion.times_ns, {"speed": size})
    if steering is not None:
        return Stream(steering.times_ns, {"speed": np.abs(steering.values["speed"])})
    return None


def _interpolated(at_ns: Ints, stream: Stream, name: str) -> Floats:
    at_s, time_s = _seconds(at_ns, stream)
    return interpolate(at_s, time_s, stream.values[name], stream.gap_s)


def _rate(at_ns: Ints, stream: Stream, name: str) -> Floats:
    """The rate of change of a value, over `SPAN_S` around each time."""
    half = np.int64(SPAN_S * NS_PER_S / 2)
    later = _interpolated(at_ns + half, stream, name)
    return (later - _interpolated(at_ns - half, stream, name)) / SPAN_S


def _seconds(at_ns: Ints, stream: Stream) -> tuple[Floats, Floats]:
    """Both in seconds since the first sample: nanoseconds since 1970 do not fit a float."""
    origin = stream.times_ns[0] if len(stream.times_ns) else 0
    return (at_ns - origin) / NS_PER_S, (stream.times_ns - origin) / NS_PER_S
