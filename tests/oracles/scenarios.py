"""Named situations made by hand, small enough to check with pencil and paper.

Each is a few seconds of an ego on a plain road, as traffic would have logged them, and becomes
telemetry by the same rules as a drive of SUMO's. For every shipped trigger there is a scenario in
which it fires and a counter-scenario, as like it as can be, in which it does not.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.simulation.plan import DriveSpec
from ingest.simulation.telemetry.signals import telemetry_of
from ingest.simulation.traffic.dynamics import STEP_S, motion_of
from ingest.simulation.traffic.log import BRAKE, EgoLog, Seen, Signals, Tracks, Traffic
from ingest.simulation.traffic.road_users import BODIES, EGO_FRONT_M, KINDS, PEDESTRIAN
from ridealong.arrays import Floats

DRIVE = DriveSpec(
    drive_id="scenario",
    vehicle_id="vehicle",
    number=0,
    seed=1,
    map="test",
    start_ns=1_780_000_000_000_000_000,
    seconds=30.0,
    country="DE",
    weather="clear",
    light="day",
    road="city",
    hardware="hw4",
    software="2026.12.1",
    features=(),
    strength=0.0,
    sun_azimuth_rad=0.9,
    temper="calm",
    incidents=(),
    faults=(),
    dead_cameras=(),
)


@dataclass(frozen=True, eq=False)
class Scenario:
    """A drive made by hand."""

    drive: DriveSpec
    traffic: Traffic

    def telemetry(self) -> pa.Table:
        """Its telemetry, as of any simulated drive."""
        return telemetry_of(self.drive, self.traffic)


@dataclass(frozen=True, eq=False)
class Ahead:
    """Whoever is ahead: track number, gap between bumpers and speed, ``(T,)`` each; 0 is nobody."""

    number: NDArray[np.int64]
    gap_m: Floats
    speed_mps: Floats
    braking: NDArray[np.bool_]


def times(seconds: float) -> Floats:
    """Instants of the rows."""
    return np.arange(round(seconds / STEP_S), dtype=np.float64) * STEP_S


def speed_profile(seconds: float, start_mps: float, *phases: tuple[float, float, float]) -> Floats:
    """Speed from phases of (from, to, acceleration); it never goes backwards."""
    at = times(seconds)
    acceleration = np.zeros(len(at))
    for since, until, value in phases:
        acceleration[(at >= since) & (at < until)] = value
    speed: Floats = start_mps + np.cumsum(acceleration) * STEP_S
    return speed.clip(min=0.0)


def situation(
    speed_mps: Floats,
    yaw_rate_rps: Floats | None = None,
    shift_m: Floats | None = None,
    ahead: Ahead | None = None,
    walker_m: tuple[float, Floats] | None = None,
    drive: DriveSpec = DRIVE,
) -> Scenario:
    """Put a situation together.

    Args:
        speed_mps: The ego's, ``(T,)``.
        yaw_rate_rps: How it turns; straight on where left out.
        shift_m: Its way aside of the lane.
        ahead: Whoever drives ahead.
        walker_m: Somebody on foot: way along the road from the start, and place across it over
            time, left positive.
        drive: Its conditions.
    """
    steps = len(speed_mps)
    turn = np.zeros(steps) if yaw_rate_rps is None else yaw_rate_rps
    yaw = np.cumsum(turn) * STEP_S
    rear = np.cumsum(speed_mps[:, None] * np.stack([np.cos(yaw), np.sin(yaw)], 1), axis=0) * STEP_S
    front = rear + EGO_FRONT_M * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    shift = np.zeros(steps) if shift_m is None else shift_m
    motion = motion_of(front[:, 0], front[:, 1], 90 - np.degrees(yaw), speed_mps, shift)
    number = np.zeros(steps, np.int64) if ahead is None else ahead.number
    ego = EgoLog(
        lane=np.repeat(np.array(["road_0"]), steps),
        lamps=np.zeros(steps, np.int64),
        lead=number,
        gap_m=np.full(steps, -1.0) if ahead is None else ahead.gap_m,
        signal=np.full(steps, -1),
        link=np.full(steps, -1),
        signal_m=np.zeros(steps),
    )
    rows = [*_car_rows(front, yaw, ahead), *_walker_rows(walker_m, steps)]
    traffic = Traffic(motion, ego, _seen(rows), _tracks(number, walker_m is not None), _NO_SIGNALS)
    return Scenario(replace_drive(drive, steps * STEP_S), traffic)


def replace_drive(drive: DriveSpec, seconds: float, **changes: object) -> DriveSpec:
    """The same drive, of that length."""
    return drive.model_copy(update={"seconds": seconds, **changes})


_NO_SIGNALS = Signals(
    np.zeros(0, "U1"), np.zeros(0, np.int64), np.zeros(0, "U1"), np.zeros(0, "U1")
)
_CAR_M = BODIES["car"][0].length_m
_WALKER = 999
_Row = tuple[float, ...]


def _car_rows(front: Floats, yaw: Floats, ahead: Ahead | None) -> list[_Row]:
    if ahead is None:
        return []
    acceleration = np.gradient(ahead.speed_mps, STEP_S)
    out: list[_Row] = []
    for i in np.flatnonzero(ahead.number):
        way = ahead.gap_m[i] + _CAR_M / 2
        x, y = front[i] + way * np.array([np.cos(yaw[i]), np.sin(yaw[i])])
        lamps = BRAKE if ahead.braking[i] else 0
        state = (x, y, yaw[i], ahead.speed_mps[i], acceleration[i], lamps)
        out.append((int(i), int(ahead.number[i]), *state))
    return out


def _walker_rows(walker_m: tuple[float, Floats] | None, steps: int) -> list[_Row]:
    if walker_m is None:
        return []
    along, across = walker_m
    return [(i, _WALKER, along, across[i], np.pi / 2, 1.5, 0.0, 0) for i in range(steps)]


def _seen(rows: list[_Row]) -> Seen:
    table = np.array(sorted(rows), np.float64).reshape(-1, 8)
    whole = table.astype(np.int64)
    x, y, yaw, speed, acceleration = table[:, 2:7].T
    return Seen(whole[:, 0], whole[:, 1], x, y, yaw, speed, acceleration, whole[:, 7])


def _tracks(number: NDArray[np.int64], walks: bool) -> Tracks:
    numbers = [int(n) for n in np.unique(number) if n] + ([_WALKER] if walks else [])
    kinds = [KINDS.index("car") if n != _WALKER else PEDESTRIAN for n in numbers]
    bodies = [BODIES[KINDS[kind]][0] for kind in kinds]
    return Tracks(
        np.array(numbers, np.int64),
        np.array(kinds, np.int64),
        np.array([body.length_m for body in bodies]),
        np.array([body.width_m for body in bodies]),
        np.array([body.height_m for body in bodies]),
        np.full((len(numbers), 3), 120, np.uint8),
    )


def braking(start_kmh: float, deceleration: float, seconds: float = 1.5) -> Scenario:
    """Straight on, and from 15 s a braking of that strength."""
    speed = speed_profile(30, start_kmh / 3.6, (15, 15 + seconds, -deceleration))
    return situation(speed)


def bend(lateral: float) -> Scenario:
    """A bend at 54 km/h in which everybody leans that much (m/s²), for two seconds."""
    at = times(30)
    ramp = np.clip(np.minimum(at - 14, 20 - at) / 2, 0, 1)
    return situation(np.full(len(at), 15.0), yaw_rate_rps=ramp * lateral / 15.0)


def aside(way_m: float, seconds: float, back: bool) -> Scenario:
    """Aside within that time at 54 km/h, and back again or (a lane change) not."""
    part = np.clip((times(30) - 15) / seconds, 0, 1)
    once, there = np.sin(np.pi * part) ** 2, (1 - np.cos(np.pi * part)) / 2
    return situation(np.full(len(part), 15.0), shift_m=way_m * (once if back else there))


def closing(least_ttc_s: float) -> Scenario:
    """Up to a slower car at 10 m/s difference; both go on at its speed from that time to collision.

    The ego sheds 10 m/s at 4 m/s², which takes 12.5 m of the gap.
    """
    at = times(30)
    speed = speed_profile(30, 22.0, (15, 17.5, -4.0))
    gap_at_15 = 10.0 * least_ttc_s
    gone = np.cumsum(speed - 12.0) * STEP_S
    gap = gap_at_15 + gone[150] - gone
    braking_lamps = np.zeros(len(at), bool)
    number = np.full(len(at), 7)
    return situation(speed, ahead=Ahead(number, gap, np.full(len(at), 12.0), braking_lamps))


def walker(deceleration: float) -> Scenario:
    """Somebody crosses ahead; the driver at 50 km/h brakes that hard, at once."""
    speed = speed_profile(30, 50 / 3.6, (10, 30, -deceleration))
    stop_m = float(speed.sum() * STEP_S) + EGO_FRONT_M + 3.0
    across = np.clip(-6 + 1.5 * (times(30) - 8.0), -6, 9)
    return situation(speed, walker_m=(stop_m, across))


def other_lead(gap_before_m: float, gap_after_m: float) -> Scenario:
    """Somebody else is ahead from 15 s on, at another distance."""
    at = times(30)
    late = at >= 15
    return situation(
        np.full(len(at), 16.0),
        ahead=Ahead(
            np.where(late, 8, 7),
            np.where(late, gap_after_m, gap_before_m),
            np.full(len(at), 16.0),
            np.zeros(len(at), bool),
        ),
    )


def rainy(weather: str, strength: float) -> Scenario:
    """Straight on in that weather."""
    drive = replace_drive(DRIVE, 30, weather=weather, strength=strength)
    return situation(np.full(300, 14.0), drive=drive)


def long_drive(hours: float, drive_id: str) -> Scenario:
    """Straight on for that long."""
    drive = replace_drive(DRIVE, hours * 3600, drive_id=drive_id)
    return situation(np.full(round(hours * 36000), 14.0), drive=drive)


@dataclass(frozen=True)
class Pair:
    """For one trigger: what it must fire on, and what it must let pass."""

    fires: Callable[[], Scenario]
    silent: Callable[[], Scenario]


PAIRS: dict[str, Pair] = {
    "hard_brake": Pair(lambda: braking(60, 5.2), lambda: braking(60, 3.2)),
    "severe_brake": Pair(lambda: braking(60, 7.2), lambda: braking(60, 5.2)),
    "highway_brake": Pair(lambda: braking(130, 5.2), lambda: braking(80, 5.2)),
    "hard_corner": Pair(lambda: bend(6.3), lambda: bend(4.0)),
    "swerve": Pair(lambda: aside(1.0, 1.7, True), lambda: aside(3.4, 4.5, False)),
    "low_ttc": Pair(lambda: closing(1.35), lambda: closing(2.6)),
    "driver_emergency": Pair(lambda: walker(8.0), lambda: walker(3.0)),
    "cut_in": Pair(lambda: other_lead(40, 12), lambda: other_lead(20, 60)),
    "weather": Pair(lambda: rainy("rain", 0.8), lambda: rainy("clear", 0.0)),
    # One drive in forty of three minutes is drawn; by its name, this one is.
    "random_control": Pair(
        lambda: long_drive(0.05, "control-101"), lambda: long_drive(0.05, "not-drawn")
    ),
}
