"""The fleet's spec: how many drives, on which map, under which conditions, with which faults.

One YAML file is one fleet. Shares of a mix need not add up to 1: they are weights. Shares of drives
(``features``, ``incidents``, ``faults``) are fractions from 0 to 1.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ingest.simulation.maps.layouts import LAYOUTS
from ingest.simulation.rig import RIG, RigCamera
from ingest.simulation.scene import COUNTRIES
from ridealong.errors import RidealongError
from ridealong.perception.annotations import ObjectCategory
from ridealong.perception.geometry import CameraCalibration, mounted_camera
from ridealong.specs import Day, Spec, nearest
from ridealong.units import NS_PER_S, parse_duration_ns

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Weather = Literal["clear", "rain", "fog"]
Light = Literal["day", "dusk", "night"]
Road = Literal["city", "highway"]
SHORTEST_S, LONGEST_S = 1.0, 3600.0


def _duration_ns(text: str) -> int:
    try:
        return parse_duration_ns(text)
    except RidealongError as error:
        raise ValueError(str(error)) from error


class Traffic(Spec):
    """The other road users."""

    vehicles: int = Field(30, ge=0, le=120, description="around each ego, bicycles included")
    pedestrians: int = Field(10, ge=0, le=60, description="around each ego in the city")
    mix: dict[ObjectCategory, Weight] = Field(
        default_factory=lambda: {
            ObjectCategory.CAR: 0.72,
            ObjectCategory.TRUCK: 0.08,
            ObjectCategory.BUS: 0.04,
            ObjectCategory.MOTORCYCLE: 0.06,
            ObjectCategory.BICYCLE: 0.10,
        },
        description="weight of each kind of vehicle",
    )

    @field_validator("mix")
    @classmethod
    def _vehicles(cls, mix: dict[ObjectCategory, float]) -> dict[ObjectCategory, float]:
        if ObjectCategory.PEDESTRIAN in mix:
            raise ValueError("pedestrians are not vehicles; use 'pedestrians' for them")
        if sum(mix.values()) <= 0:
            raise ValueError("no kind of vehicle has a weight above 0")
        return mix


class Drivers(Spec):
    """How people drive."""

    aggressive: Share = Field(0.2, description="share of the fleet's drivers that are")
    others_aggressive: Share = Field(0.15, description="share of the other drivers")


class Features(Spec):
    """Share of the drives in which each driver assistance is engaged."""

    autopilot: Share = 0.5
    cruise_control: Share = 0.3
    lane_change: Share = 0.4
    summon: Share = 0.05


class Incidents(Spec):
    """Share of the drives in which each incident is staged, once per drive."""

    lead_brakes: Share = Field(0.25, description="the vehicle ahead brakes hard")
    cut_in: Share = Field(0.3, description="a vehicle moves in close ahead")
    pedestrian: Share = Field(0.2, description="a pedestrian runs across right ahead (in the city)")
    swerve: Share = Field(0.12, description="the driver jerks around something")
    fast_corner: Share = Field(0.12, description="the driver takes bends too fast")


class DroppedSamples(Spec):
    """Rows of telemetry that are lost."""

    drives: Share = 0.2
    samples: Share = 0.01


class JitteredClock(Spec):
    """Timestamps that are off by a random amount; rows stay in order."""

    drives: Share = 0.2
    jitter: str = "15 ms"

    @field_validator("jitter")
    @classmethod
    def _duration(cls, text: str) -> str:
        if not 0 <= _duration_ns(text) < 50_000_000:
            raise ValueError(f"{text!r} is out of range; expected less than '50 ms'")
        return text

    @property
    def jitter_ns(self) -> int:
        """Standard deviation; values are clipped at three of them."""
        return _duration_ns(self.jitter)


class Segments(Spec):
    """A stretch of telemetry that is sent twice, or after what follows it."""

    drives: Share = 0.08
    length: str = "3 s"

    @field_validator("length")
    @classmethod
    def _duration(cls, text: str) -> str:
        if _duration_ns(text) <= 0:
            raise ValueError(f"{text!r} is out of range; expected more than '0 s'")
        return text

    @property
    def rows(self) -> int:
        """Its length in rows of 10 Hz."""
        return max(round(_duration_ns(self.length) / NS_PER_S * 10), 1)


class DeadCamera(Spec):
    """One camera of the rig records nothing during the whole drive."""

    drives: Share = 0.05


class Faults(Spec):
    """What goes wrong in recordings."""

    dropped_samples: DroppedSamples = DroppedSamples()
    jittered_clock: JitteredClock = JitteredClock()
    duplicate_segment: Segments = Segments()
    late_segment: Segments = Segments()
    dead_camera: DeadCamera = DeadCamera()


class MountSpec(Spec):
    """A camera's place on the vehicle, in the ego frame."""

    fov_deg: float = Field(gt=5, le=150, description="horizontal field of view")
    yaw_deg: float = Field(ge=-180, le=180, description="counter-clockwise from forward")
    pitch_down_deg: float = Field(0, ge=-30, le=60)
    xyz_m: tuple[float, float, float] = Field(description="x forward, y left, z up")

    @field_validator("xyz_m")
    @classmethod
    def _on_the_car(cls, xyz: tuple[float, float, float]) -> tuple[float, float, float]:
        limits = ((-1.2, 4.0), (-1.3, 1.3), (0.2, 3.5))
        for axis, value, (low, high) in zip("xyz", xyz, limits, strict=True):
            if not low <= value <= high:
                raise ValueError(
                    f"{axis} = {value} m is not on the vehicle; expected {low} to {high}"
                )
        return xyz


class RigSpec(Spec):
    """The eight cameras at their usual mounts, all with the same image size."""

    width: int = Field(160, ge=32, le=1920, multiple_of=2, description="pixels")
    height: int = Field(96, ge=32, le=1200, multiple_of=2, description="pixels")
    video_hz: Literal[1, 2, 5, 10] = Field(5, description="frames a second")
    label_hz: Literal[1, 2, 5, 10] = Field(5, description="labelled frames a second")
    mounts: dict[RigCamera, MountSpec] = Field(
        default_factory=dict, description="cameras that sit elsewhere than on the usual rig"
    )

    @model_validator(mode="after")
    def _labelled_frames(self) -> "RigSpec":
        if self.video_hz % self.label_hz:
            raise ValueError(
                f"label_hz {self.label_hz} does not divide video_hz {self.video_hz}: "
                "only frames that are there can be labelled"
            )
        return self

    def cameras(self) -> dict[str, CameraCalibration]:
        """Calibrations by camera."""
        return {camera.value: self._camera(camera) for camera in RigCamera}

    def _camera(self, camera: RigCamera) -> CameraCalibration:
        mount, usual = self.mounts.get(camera), RIG[camera]
        if mount is None:
            where = (usual.fov_deg, usual.yaw_deg, usual.pitch_down_deg, usual.xyz_ego_m)
        else:
            where = (mount.fov_deg, mount.yaw_deg, mount.pitch_down_deg, mount.xyz_m)
        return mounted_camera(camera.value, self.width, self.height, *where)


class FleetSpec(Spec):
    """A fleet of simulated drives."""

    name: str = Field("fleet", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,30}$")
    drives: int = Field(ge=1, le=5000)
    duration: str = Field("180 s", description="of each drive")
    seed: int = Field(1, ge=0, le=2**31 - 1)
    start: Day = Field(
        date(2026, 5, 4),
        ge=date(1970, 1, 1),
        le=date(2200, 12, 31),
        description="day of the first drives, from 1970 to 2200",
    )
    map: str = Field(
        "test",
        description="training, calibration or test",
        json_schema_extra={"enum": list(LAYOUTS)},
    )
    country: dict[str, Weight] = Field(
        default_factory=lambda: dict.fromkeys(COUNTRIES, 1.0),
        description="weights",
        json_schema_extra={"propertyNames": {"enum": list(COUNTRIES)}},
    )
    weather: dict[Weather, Weight] = Field(default={"clear": 0.6, "rain": 0.25, "fog": 0.15})
    light: dict[Light, Weight] = Field(default={"day": 0.5, "dusk": 0.17, "night": 0.33})
    road: dict[Road, Weight] = Field(default={"city": 0.7, "highway": 0.3})
    hardware: dict[str, Weight] = Field(default_factory=lambda: {"hw3": 0.5, "hw4": 0.5})
    software: dict[str, Weight] = Field(
        default_factory=lambda: {"2026.8.3": 0.25, "2026.12.1": 0.75}
    )
    features: Features = Features()
    drivers: Drivers = Drivers()
    traffic: Traffic = Traffic()
    incidents: Incidents = Incidents()
    faults: Faults = Faults()
    rig: RigSpec = RigSpec()

    @field_validator("map")
    @classmethod
    def _known_map(cls, name: str) -> str:
        if name not in LAYOUTS:
            raise ValueError(f"unknown map {name!r}; {nearest(name, list(LAYOUTS))}")
        return name

    @field_validator("country")
    @classmethod
    def _known_countries(cls, shares: dict[str, float]) -> dict[str, float]:
        for code in shares:
            if code not in COUNTRIES:
                raise ValueError(f"unknown country {code!r}; {nearest(code, list(COUNTRIES))}")
        return shares

    @field_validator("duration")
    @classmethod
    def _duration(cls, text: str) -> str:
        seconds = _duration_ns(text) / NS_PER_S
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise ValueError(
                f"{text!r} is out of range; expected '{SHORTEST_S:g} s' to '{LONGEST_S:g} s'"
            )
        return text

    @model_validator(mode="after")
    def _weights(self) -> "FleetSpec":
        for key in ("country", "weather", "light", "road", "hardware", "software"):
            if sum(getattr(self, key).values()) <= 0:
                raise ValueError(f"{key}: nothing has a weight above 0")
        return self

    @property
    def seconds(self) -> float:
        """Length of a drive, in whole steps of 0.1 s."""
        return round(_duration_ns(self.duration) / NS_PER_S * 10) / 10
