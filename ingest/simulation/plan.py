"""From a fleet's spec to its drives: each one's conditions, times, seeds and faults."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from ingest.simulation.balance import Factor, balanced
from ingest.simulation.fleet import LONGEST_S, FleetSpec
from ingest.simulation.maps.geography import ORIGINS_DEG
from ingest.simulation.maps.layouts import LAYOUTS
from ingest.simulation.rig import RigCamera
from ingest.simulation.scene import COUNTRIES, seed_of
from ridealong.hashing import short_hash
from ridealong.specs import Spec, nearest
from ridealong.units import NS_PER_S

MIXES = ("light", "weather", "road", "country", "software", "hardware")
FEATURES = ("autopilot", "cruise_control", "lane_change", "summon")
INCIDENTS = ("lead_brakes", "cut_in", "pedestrian", "swerve", "fast_corner")
FAULTS = (
    "dropped_samples",
    "jittered_clock",
    "duplicate_segment",
    "late_segment",
    "dead_camera",
)
_HOURS = {"day": (9.5, 16.0), "dusk": (19.3, 20.2), "night": (22.0, 28.0)}  # by the sun
_DAYS = 14
_WORLD: Mapping[str, Collection[str]] = {
    "map": LAYOUTS,
    "country": COUNTRIES,
    "light": _HOURS,
    "weather": ("clear", "rain", "fog"),
    "road": ("city", "highway"),
    "temper": ("calm", "aggressive"),
}
LATEST_START_NS = 7_300_000_000 * NS_PER_S  # in 2201: a fleet starts in 2200 at the latest
_YES, _NO = "yes", "no"


class DriveSpec(Spec):
    """One planned drive: everything that its traffic, telemetry and pictures depend on.

    Attributes:
        drive_id: Unique among fleets.
        number: Its index in the fleet, from 0.
        seed: Source of everything random in the drive.
        start_ns: First instant.
        seconds: Length.
        strength: Of rain or fog, 0 to 1.
        sun_azimuth_rad: Direction of the sun.
        temper: How its driver drives, a key of `road_users.TEMPERS`.
        incidents, faults: Names of `INCIDENTS` and `FAULTS`.
        dead_cameras: Cameras that record nothing.
    """

    drive_id: str
    vehicle_id: str
    number: int = Field(ge=0)
    seed: int = Field(ge=0)
    map: str
    start_ns: int = Field(ge=0, le=LATEST_START_NS)
    seconds: float = Field(gt=0, le=LONGEST_S)
    country: str
    weather: str
    light: str
    road: str
    hardware: str
    software: str
    features: tuple[str, ...]
    strength: float = Field(ge=0, le=1)
    sun_azimuth_rad: float
    temper: str
    incidents: tuple[str, ...]
    faults: tuple[str, ...]
    dead_cameras: tuple[str, ...]

    @model_validator(mode="after")
    def _known_world(self) -> Self:
        for key, known in _WORLD.items():
            name = getattr(self, key)
            if name not in known:
                raise ValueError(f"{key}: unknown {name!r}; {nearest(name, list(known))}")
        return self

    @property
    def left_hand(self) -> bool:
        """Whether traffic drives on the left."""
        return COUNTRIES[self.country].left_hand_traffic


def plan_fleet(spec: FleetSpec, seed: int | None = None) -> list[DriveSpec]:
    """Plan every drive of a fleet; ``seed`` replaces the spec's own."""
    chosen = spec.seed if seed is None else seed
    rows = balanced(_factors(spec), spec.drives, seed_of(chosen, "attributes"))
    key = fleet_key(spec, chosen)
    return [_drive(spec, key, chosen, number, row) for number, row in enumerate(rows)]


def fleet_key(spec: FleetSpec, seed: int) -> str:
    """Eight digits of a hash of spec and seed, so that two fleets do not share a drive's id."""
    text = spec.model_copy(update={"seed": seed}).model_dump_json()
    return short_hash("fleet", text)[:8]


def _factors(spec: FleetSpec) -> list[Factor]:
    """The attributes to balance, most important first."""

    def share(name: str, value: float) -> Factor:
        return Factor(name, {_YES: value, _NO: 1 - value})

    faults = {name: getattr(spec.faults, name).drives for name in FAULTS}
    return [
        *(Factor(name, _weights(getattr(spec, name))) for name in MIXES),
        share("aggressive", spec.drivers.aggressive),
        *(share(name, getattr(spec.features, name)) for name in FEATURES),
        *(share(name, getattr(spec.incidents, name)) for name in INCIDENTS),
        *(share(name, value) for name, value in faults.items()),
    ]


def _weights(mix: dict[str, float]) -> dict[str, float]:
    return {name: weight for name, weight in mix.items() if weight > 0}


def _drive(
    spec: FleetSpec, key: str, fleet_seed: int, number: int, row: dict[str, str]
) -> DriveSpec:
    seed = seed_of(fleet_seed, "drive", number)
    rng = np.random.default_rng([seed, 1])
    faults = tuple(name for name in FAULTS if row[name] == _YES)
    strength = 0.0 if row["weather"] == "clear" else float(rng.uniform(0.35, 0.95))
    dead = str(rng.choice([camera.value for camera in RigCamera]))
    city = row["road"] == "city"
    return DriveSpec(
        drive_id=f"{spec.name}-{key}-{number:04d}",
        vehicle_id=f"{spec.name}-{key}-vehicle-{number:04d}",
        number=number,
        seed=seed,
        map=spec.map,
        start_ns=_start_ns(spec, row, rng),
        seconds=spec.seconds,
        features=tuple(
            name for name in FEATURES if row[name] == _YES and (city or name != "summon")
        ),
        strength=round(strength, 3),
        sun_azimuth_rad=round(float(rng.uniform(-np.pi, np.pi)), 3),
        temper="aggressive" if row["aggressive"] == _YES else "calm",
        incidents=tuple(
            name for name in INCIDENTS if row[name] == _YES and (city or name != "pedestrian")
        ),
        faults=faults,
        dead_cameras=(dead,) if "dead_camera" in faults else (),
        **{name: row[name] for name in MIXES},
    )


def _start_ns(spec: FleetSpec, row: dict[str, str], rng: np.random.Generator) -> int:
    """A time in the first two weeks with the planned daylight at that place."""
    low, high = _HOURS[row["light"]]
    # Noon by the sun comes an hour earlier per 15 degrees to the east.
    hour = float(rng.uniform(low, high)) - ORIGINS_DEG[row["country"]][1] / 15
    day = datetime(spec.start.year, spec.start.month, spec.start.day, tzinfo=UTC)
    moment = day + timedelta(days=int(rng.integers(_DAYS)), hours=hour)
    # Whole tenths of a second, so that rows and frames have round timestamps.
    return round(moment.timestamp() * 10) * (NS_PER_S // 10)
