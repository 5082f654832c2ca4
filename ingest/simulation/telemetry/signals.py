"""The ego's telemetry at 10 Hz under VSS names, from logged traffic by stated rules.

`docs/simulation.md` lists every rule. All arrays are ``(T,)``; NaN is unknown. Values are rounded
to what a vehicle's bus carries, so the same drive gives the same bytes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ingest.simulation.maps.geography import degrees_of
from ingest.simulation.plan import DriveSpec
from ingest.simulation.telemetry import assistance, weather
from ingest.simulation.traffic.dynamics import STEP_S
from ingest.simulation.traffic.log import BRAKE, LEFT, RIGHT, Traffic
from ingest.simulation.traffic.road_users import BICYCLE, EGO_FRONT_M, PEDESTRIAN
from ingest.telemetry.signals import recorded
from ridealong.arrays import Bools, Floats, numpy_type
from ridealong.units import NS_PER_S

Column = NDArray[np.float64] | NDArray[np.bool_] | NDArray[np.str_]

STEP_NS = NS_PER_S // 10
STEERING_RATIO = 14.5
VULNERABLE_M = 60.0
JUNCTION_M = 12.0
LEAD_M = 100.0
PITCH_DEG_PER_MPS2, ROLL_DEG_PER_MPS2 = 0.30, 0.42
BRAKE_FULL_MPS2, COASTING_MPS2 = 8.5, 0.35


@dataclass(frozen=True, eq=False)
class Ride:
    """A drive's traffic, and values that several rules need."""

    drive: DriveSpec
    traffic: Traffic

    @cached_property
    def steps(self) -> int:
        """Number of rows."""
        return len(self.traffic.motion.speed_mps)

    def noise(self, name: str, deviation: float, smooth_s: float = 0.0) -> Floats:
        """Noise of that standard deviation, different for each name."""
        rng = np.random.default_rng([self.drive.seed, *name.encode()])
        values = rng.standard_normal(self.steps)
        if smooth_s:
            width = smooth_s / STEP_S
            values = gaussian_filter1d(values, width, mode="wrap")
            # Undo the loss of deviation by smoothing, for any length of the drive.
            values = values * np.sqrt(2 * np.sqrt(np.pi) * width)
        return np.asarray(values * deviation)

    @cached_property
    def acceleration(self) -> Floats:
        """Acceleration along the road, as the vehicle's sensor measures it."""
        return self.traffic.motion.acceleration + self.noise("along", 0.06)

    @cached_property
    def lateral(self) -> Floats:
        """To the left."""
        return self.traffic.motion.lateral + self.noise("lateral", 0.06)

    @cached_property
    def friction(self) -> Floats:
        """Friction of the road, 0 to 1."""
        return weather.friction(self.drive) + self.noise("friction", 0.012, 6.0)

    @cached_property
    def at_junction(self) -> Bools:
        """Inside a junction of the town, or close before one with signals."""
        lanes = self.traffic.ego.lane
        inside = np.array([name[0] == ":" and "_" not in _junction(name) for name in lanes])
        near = (self.traffic.ego.signal >= 0) & (self.traffic.ego.signal_m < JUNCTION_M)
        return np.asarray(inside | near)

    @cached_property
    def emergency(self) -> Bools:
        """A sudden braking: it rises by 4 m/s² within 0.4 s to more than 5 m/s²."""
        a = self.traffic.motion.acceleration
        before = np.concatenate([np.repeat(a[:1], 4), a[:-4]]) if len(a) > 4 else a
        return until_released((a < -5.0) & (before - a > 4.0), a > -2.0)

    @cached_property
    def lead(self) -> "Lead":
        """The vehicle ahead."""
        return _lead(self)

    @cached_property
    def vulnerable_m(self) -> Floats:
        """Distance to the nearest pedestrian or cyclist ahead; NaN without one within 60 m."""
        return _vulnerable(self.traffic)


@dataclass(frozen=True, eq=False)
class Lead:
    """The vehicle ahead; NaN where there is none."""

    number: Floats
    gap_m: Floats
    aside_m: Floats
    aside_mps: Floats
    relative_mps: Floats
    acceleration: Floats
    braking: Bools

    @property
    def time_to_collision_s(self) -> Floats:
        """Gap over closing speed, where that is at most 100 s."""
        closing = -self.relative_mps
        known = np.isfinite(self.gap_m) & (closing > 0.1)
        seconds = np.where(known, self.gap_m / np.where(known, closing, 1.0), np.nan)
        return np.where(seconds <= 100, seconds, np.nan)


def telemetry_of(drive: DriveSpec, traffic: Traffic) -> pa.Table:
    """All recorded signals of a drive, a row every 0.1 s, without faults."""
    ride = Ride(drive, traffic)
    columns = {
        **_body(ride),
        **_place(ride),
        **_perceived(ride),
        **_safety(ride),
        **weather.columns(drive, ride.noise, ride.friction),
        **assistance.columns(rule_inputs(ride)),
    }
    times = drive.start_ns + np.arange(ride.steps, dtype=np.int64) * STEP_NS
    arrays = {"timestamp_ns": pa.array(times)}
    for signal in recorded():
        arrays[signal.name] = _array(columns[signal.name], signal.arrow_type)
    return pa.table(arrays)


def rule_inputs(ride: Ride) -> assistance.RuleInputs:
    """The inputs of driver assistance for a ride."""
    motion, ego = ride.traffic.motion, ride.traffic.ego
    return assistance.RuleInputs(
        drive=ride.drive,
        speed_mps=motion.speed_mps,
        acceleration=motion.acceleration,
        lateral=motion.lateral,
        lane=ego.lane,
        at_junction=ride.at_junction,
        emergency=ride.emergency,
        left=(ego.lamps & LEFT) > 0,
        right=(ego.lamps & RIGHT) > 0,
    )


def until_released(begins: Bools, ends: Bools) -> Bools:
    """On from each beginning to the next end (exclusive); a beginning wins over an end."""
    marks = np.where(begins, 1, np.where(ends, -1, 0))
    last = np.maximum.accumulate(np.where(marks != 0, np.arange(len(marks)), 0))
    return np.asarray(marks[last] > 0)


def _array(values: Column, kind: pa.DataType) -> pa.Array:
    if pa.types.is_floating(kind):
        return pa.array(values.astype(numpy_type(kind)), kind, from_pandas=True)
    if pa.types.is_integer(kind):
        known = np.isfinite(values.astype(np.float64))
        whole = np.where(known, values, 0).round().astype(np.int64)
        return pa.array(whole, pa.int64(), mask=~known).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array(values.astype(np.bool_))
    return pa.array(values.astype("U").tolist(), kind)


def _body(ride: Ride) -> dict[str, Column]:
    motion = ride.traffic.motion
    speed = motion.speed_mps
    road = 0.05 + 0.012 * speed
    pitch = -PITCH_DEG_PER_MPS2 * gaussian_filter1d(motion.acceleration, 2.0)
    roll = ROLL_DEG_PER_MPS2 * gaussian_filter1d(motion.lateral, 2.0)
    steering = np.degrees(motion.steering_rad)
    pull = ride.acceleration + COASTING_MPS2
    return {
        "Vehicle.Speed": _to(speed * 3.6, 0.05),
        "Vehicle.Acceleration.Longitudinal": _to(ride.acceleration, 0.01),
        "Vehicle.Acceleration.Lateral": _to(ride.lateral, 0.01),
        "Vehicle.Acceleration.Vertical": _to(ride.noise("vertical", 1.0, 0.1) * road, 0.01),
        "Vehicle.AngularVelocity.Yaw": _to(
            np.degrees(motion.yaw_rate_rps) + ride.noise("yaw", 0.05), 0.01
        ),
        "Vehicle.AngularVelocity.Pitch": _to(
            np.gradient(pitch, STEP_S) + ride.noise("pitch", 0.25) * road, 0.01
        ),
        "Vehicle.AngularVelocity.Roll": _to(
            np.gradient(roll, STEP_S) + ride.noise("roll", 0.35) * road, 0.01
        ),
        "Vehicle.Chassis.Axle.Row1.SteeringAngle": _to(steering, 0.01),
        "Vehicle.Chassis.SteeringWheel.Angle": np.round(steering * STEERING_RATIO),
        "Vehicle.Chassis.Brake.PedalPosition": _pedal(-pull / BRAKE_FULL_MPS2, speed, 0.25),
        "Vehicle.Chassis.Accelerator.PedalPosition": _pedal(
            (pull + speed**2 * 4e-4) / 3.6, speed, 0.0
        ),
        "Vehicle.Body.Lights.DirectionIndicator.Left.IsSignaling": (ride.traffic.ego.lamps & LEFT)
        > 0,
        "Vehicle.Body.Lights.DirectionIndicator.Right.IsSignaling": (ride.traffic.ego.lamps & RIGHT)
        > 0,
        "Vehicle.Body.Lights.Hazard.IsSignaling": ride.emergency & (speed * 3.6 < 50),
        "Vehicle.Cabin.Seat.Row1.DriverSide.Airbag.IsDeployed": np.zeros(ride.steps, bool),
        "Vehicle.ADAS.TCS.IsEngaged": motion.acceleration > 0.42 * 9.81 * ride.friction,
    }


def _pedal(share: Floats, speed: Floats, at_rest: float) -> Floats:
    pressed = np.where(speed < 0.1, at_rest, share)
    return np.round(100 * np.clip(pressed, 0, 1))


def _place(ride: Ride) -> dict[str, Column]:
    motion = ride.traffic.motion
    north_m = motion.y_m + ride.noise("north", 0.4, 8.0)
    east_m = motion.x_m + ride.noise("east", 0.4, 8.0)
    latitude, longitude = degrees_of(ride.drive.country, east_m, north_m)
    return {
        "Vehicle.CurrentLocation.Latitude": _to(latitude, 1e-7),
        "Vehicle.CurrentLocation.Longitude": _to(longitude, 1e-7),
        "Vehicle.CurrentLocation.Heading": _to(
            np.remainder(90 - np.degrees(motion.yaw_rad), 360), 0.01
        ),
        "Trip.IsAtJunction": ride.at_junction,
    }


def _perceived(ride: Ride) -> dict[str, Column]:
    lead = ride.lead
    speed = ride.traffic.motion.speed_mps
    gap_time = np.where(speed > 1.0, lead.gap_m / np.maximum(speed, 1.0) * 1000, np.nan)
    return {
        "Perception.Lead.TrackId": lead.number,
        "Perception.Lead.Distance": _to(lead.gap_m, 0.05),
        "Perception.Lead.LateralOffset": _to(lead.aside_m, 0.02),
        "Perception.Lead.LateralSpeed": _to(lead.aside_mps, 0.02),
        "Perception.Lead.RelativeSpeed": _to(lead.relative_mps, 0.02),
        "Perception.Lead.Acceleration": _to(lead.acceleration, 0.02),
        "Perception.Lead.TimeToCollision": _to(lead.time_to_collision_s, 0.02),
        "Perception.Lead.IsBrakeLightOn": lead.braking,
        "Perception.VulnerableRoadUser.Distance": _to(ride.vulnerable_m, 0.05),
        "Vehicle.ADAS.ObstacleDetection.Front.Center.Distance": _to(lead.gap_m, 0.05),
        "Vehicle.ADAS.ObstacleDetection.Front.Center.TimeGap": gap_time,
    }


def _safety(ride: Ride) -> dict[str, Column]:
    a, lateral = ride.traffic.motion.acceleration, ride.traffic.motion.lateral
    moving = ride.traffic.motion.speed_mps > 2.0
    grip = 9.81 * ride.friction
    close = np.nan_to_num(ride.lead.time_to_collision_s, nan=99) < 2.0
    close |= np.nan_to_num(ride.vulnerable_m, nan=99) < 12.0
    assist = until_released((a < -5.5) & close, a > -2.0)
    return {
        "Vehicle.ADAS.EBA.IsEngaged": assist,
        "Vehicle.Chassis.Brake.IsDriverEmergencyBrakingDetected": ride.emergency,
        "Vehicle.ADAS.ABS.IsEngaged": moving & (-a > 0.9 * grip),
        "Vehicle.ADAS.ESC.IsEngaged": moving & (np.abs(lateral) > 0.78 * grip),
    }


def _lead(ride: Ride) -> Lead:
    traffic = ride.traffic
    motion, seen = traffic.motion, traffic.seen
    row = _rows_of(traffic, traffic.ego.lead)
    if not len(seen.step):
        return _nobody_ahead(ride.steps)
    at = np.maximum(row, 0)
    dx, dy = seen.x_m[at] - motion.x_m, seen.y_m[at] - motion.y_m
    c, s = np.cos(motion.yaw_rad), np.sin(motion.yaw_rad)
    ahead, aside = c * dx + s * dy, c * dy - s * dx
    # SUMO knows the vehicle ahead on the route, even around a corner; the sensor looks ahead.
    known = (row >= 0) & (traffic.ego.gap_m <= LEAD_M) & (np.abs(aside) < 0.4 * ahead + 1)
    number = np.where(known, traffic.ego.lead, np.nan)
    return Lead(
        number=number,
        gap_m=np.where(known, np.maximum(traffic.ego.gap_m, 0.0), np.nan),
        aside_m=np.where(known, aside, np.nan),
        aside_mps=_rate_within(np.where(known, aside, np.nan), number),
        relative_mps=np.where(known, seen.speed_mps[at] - motion.speed_mps, np.nan),
        acceleration=np.where(known, seen.acceleration[at], np.nan),
        braking=known & ((seen.lamps[at] & BRAKE) > 0),
    )


def _nobody_ahead(steps: int) -> Lead:
    nothing = np.full(steps, np.nan)
    return Lead(nothing, nothing, nothing, nothing, nothing, nothing, np.zeros(steps, bool))


def _rows_of(traffic: Traffic, tracks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row of `Seen` with that track at each step, -1 where it is not seen."""
    seen = traffic.seen
    big = np.int64(1 << 32)
    keys = seen.step * big + seen.track
    wanted = np.arange(len(tracks), dtype=np.int64) * big + tracks
    found = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(tracks), -1, np.int64)
    return np.where((keys[found] == wanted) & (tracks > 0), found, -1)


def _rate_within(values: Floats, number: Floats) -> Floats:
    """Change per second over two steps, unknown where the track is another one."""
    out = np.full(len(values), np.nan)
    if len(values) > 2:
        same = (number[2:] == number[:-2]) & (number[1:-1] == number[2:])
        out[1:-1] = np.where(same, (values[2:] - values[:-2]) / (2 * STEP_S), np.nan)
    return out


def _vulnerable(traffic: Traffic) -> Floats:
    motion, seen = traffic.motion, traffic.seen
    kind = traffic.tracks.kind[np.searchsorted(traffic.tracks.number, seen.track)]
    chosen = np.flatnonzero((kind == PEDESTRIAN) | (kind == BICYCLE))
    step = seen.step[chosen]
    dx, dy = seen.x_m[chosen] - motion.x_m[step], seen.y_m[chosen] - motion.y_m[step]
    c, s = np.cos(motion.yaw_rad[step]), np.sin(motion.yaw_rad[step])
    ahead, aside = c * dx + s * dy - EGO_FRONT_M, c * dy - s * dx
    distance = np.hypot(ahead, aside)
    in_view = (ahead > 0) & (np.abs(aside) < ahead + 1.0) & (distance <= VULNERABLE_M)
    out = np.full(len(motion.speed_mps), np.inf)
    np.minimum.at(out, step[in_view], distance[in_view])
    return np.where(np.isfinite(out), out, np.nan)


def _junction(lane: str) -> str:
    """The junction of a lane inside it: ``:p1_4_0`` → ``p1``, ``:p1_x_4_0`` → ``p1_x``."""
    return lane[1:].rsplit("_", 2)[0]


def _to(values: Floats, step: float) -> Floats:
    return np.round(values / step) * step
