"""The interface between traffic and cameras: a static world, and moving states in it.

World frame: x east, y north, z up, metres, the ground is the plane z = 0, yaw counter-clockwise
from x. The ego pose is that of the ego frame (ISO 8855): its origin lies on the ground under the
rear axle. Code that fills a scene does not need the renderer, and the renderer does not know
traffic.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.values import Colour, Points
from ridealong.arrays import Bools, Floats
from ridealong.perception.annotations import LightState, ObjectCategory

CATEGORIES = tuple(ObjectCategory)  # an actor's category is an index into this


class MarkingKind(StrEnum):
    """How a line is painted."""

    SOLID = "solid"
    DASHED = "dashed"
    DOUBLE = "double"  # two solid lines side by side


class Paint(StrEnum):
    """What colour a line is painted in."""

    WHITE = "white"
    YELLOW = "yellow"


class Light(StrEnum):
    """Time of day, as it matters to a camera."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Weather(StrEnum):
    """Weather between the camera and the world."""

    CLEAR = "clear"
    RAIN = "rain"
    FOG = "fog"


@dataclass(frozen=True)
class CountryStyle:
    """What shows the country in a picture.

    Attributes:
        code: ISO 3166 alpha-2.
        left_hand_traffic: Whether traffic drives on the left.
        centre_paint: Colour of the line between the two directions.
        double_centre: Whether that line is double rather than dashed.
        dash_m, gap_m: Length of a dash and of the gap behind it.
        horizontal_signals: Lenses side by side instead of one above the other.
        far_signals: Signals hang behind the junction instead of in front of it.
        housing: Colour of a signal's housing.
        rear_plate: Colour of the plate at the back.
    """

    code: str
    left_hand_traffic: bool
    centre_paint: Paint
    double_centre: bool
    dash_m: float
    gap_m: float
    horizontal_signals: bool
    far_signals: bool
    housing: Colour
    rear_plate: Colour


_WHITE_PLATE, _DARK_HOUSING = (225, 228, 230), (32, 34, 34)
COUNTRIES: Mapping[str, CountryStyle] = {
    style.code: style
    for style in (
        CountryStyle(
            "DE", False, Paint.WHITE, False, 4, 8, False, False, _DARK_HOUSING, _WHITE_PLATE
        ),
        CountryStyle(
            "US", False, Paint.YELLOW, True, 3, 9, False, True, (196, 150, 30), _WHITE_PLATE
        ),
        CountryStyle(
            "GB", True, Paint.WHITE, False, 2, 4, False, False, _DARK_HOUSING, (230, 190, 40)
        ),
        CountryStyle(
            "JP", True, Paint.WHITE, True, 5, 5, True, True, (176, 182, 180), (232, 232, 226)
        ),
    )
}


@dataclass(frozen=True, eq=False)
class Strip:
    """Ground along a line: a lane, a shoulder, a cycle path.

    Attributes:
        name: Unique name, such as SUMO's lane id; empty where it is not needed.
        points_m: Its centre line, in the direction of travel.
        width_m: Its full width.
    """

    name: str
    points_m: Points
    width_m: float


@dataclass(frozen=True, eq=False)
class Marking:
    """A painted lane line; the label is the whole line, dashes and gaps alike."""

    points_m: Points
    kind: MarkingKind
    paint: Paint
    width_m: float = 0.14


@dataclass(frozen=True, eq=False)
class RoadEdge:
    """Where the road's surface ends: a kerb with a sidewalk, or the bare edge of a highway.

    Attributes:
        points_m: The edge; the road lies to the left of its direction.
        sidewalk_m: Width of the sidewalk to its right; 0 is a road without one (and no kerb).
    """

    points_m: Points
    sidewalk_m: float


@dataclass(frozen=True, eq=False)
class StopLine:
    """A bar across the lanes where vehicles wait."""

    points_m: Points  # (2, 2)
    width_m: float = 0.4


@dataclass(frozen=True, eq=False)
class Crosswalk:
    """A zebra crossing.

    Attributes:
        points_m: ``(2, 2)``, its centre line from kerb to kerb, along which people walk.
        width_m: Along the road.
    """

    points_m: Points
    width_m: float = 3.0


@dataclass(frozen=True, eq=False)
class Blocks:
    """Upright boxes on the ground (buildings): ``(N,)`` each, ``rgb`` is ``(N, 3)`` uint8."""

    x_m: Floats
    y_m: Floats
    yaw_rad: Floats
    length_m: Floats
    width_m: Floats
    height_m: Floats
    rgb: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.x_m)


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees and bushes: a crown on a trunk; a bush's trunk is 0 m high."""

    x_m: Floats
    y_m: Floats
    trunk_m: Floats  # height of the bare trunk
    crown_m: Floats  # height of the crown above it
    radius_m: Floats  # of the crown
    rgb: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.x_m)


@dataclass(frozen=True, eq=False)
class Poles:
    """Poles, with an arm towards ``yaw_rad`` where ``arm_m > 0``; lamps light at night."""

    x_m: Floats
    y_m: Floats
    height_m: Floats
    yaw_rad: Floats
    arm_m: Floats
    lamp: Bools

    def __len__(self) -> int:
        return len(self.x_m)


@dataclass(frozen=True)
class TrafficLight:
    """One signal head with three lenses.

    Attributes:
        name: Unique; the key of its state in `SceneState.lights`.
        x_m, y_m: Where the head is.
        height_m: Its centre above the ground.
        yaw_rad: Direction that the lenses face, towards the traffic that they control.
        horizontal: Lenses side by side.
        lanes: Names of the lanes (`Strip.name`) that it controls.
        pole_x_m, pole_y_m: Foot of its pole; the head hangs on an arm where they differ from x, y.
    """

    name: str
    x_m: float
    y_m: float
    height_m: float
    yaw_rad: float
    horizontal: bool
    lanes: tuple[str, ...]
    pole_x_m: float
    pole_y_m: float


@dataclass(frozen=True, eq=False)
class StaticWorld:
    """Everything static. It is compared and hashed by identity, so that caches can use it as a key.

    Attributes:
        country: How it is painted and on which side traffic drives.
        seed: Chooses grain, cracks, and which windows are lit.
        lanes: Road surface, one strip per lane.
        shoulders: Further road surface along lines.
        junctions: Further road surface: polygons ``(N, 2)``.
        markings, edges, stop_lines, crosswalks: What is painted, and where the road ends.
        buildings, trees, poles, lights: Objects on the ground.
    """

    country: CountryStyle
    seed: int
    lanes: tuple[Strip, ...]
    shoulders: tuple[Strip, ...]
    junctions: tuple[Points, ...]
    markings: tuple[Marking, ...]
    edges: tuple[RoadEdge, ...]
    stop_lines: tuple[StopLine, ...]
    crosswalks: tuple[Crosswalk, ...]
    buildings: Blocks
    trees: Trees
    poles: Poles
    lights: tuple[TrafficLight, ...]


@dataclass(frozen=True)
class Conditions:
    """Light and weather.

    Attributes:
        light: Time of day.
        weather: Rain or fog.
        strength: 0 to 1: drizzle to downpour, haze to fog that hides a car at 60 m.
        sun_azimuth_rad: Direction of the sun (by day and at dusk), counter-clockwise from east.
    """

    light: Light = Light.DAY
    weather: Weather = Weather.CLEAR
    strength: float = 0.6
    sun_azimuth_rad: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength {self.strength} is not between 0 and 1")


@dataclass(frozen=True)
class Actor:
    """One road user at one instant; see `Actors` for the columns."""

    track_id: int
    category: ObjectCategory
    x_m: float
    y_m: float
    yaw_rad: float
    length_m: float
    width_m: float
    height_m: float
    rgb: Colour = (150, 150, 155)
    brake: bool = False
    left: bool = False
    right: bool = False
    headlamps: bool = False
    phase_rad: float = 0.0


@dataclass(frozen=True, eq=False)
class Actors:
    """Road users at one instant, without the ego: ``(N,)`` each.

    Attributes:
        track_id: Unique, and the same over the drive; at least 1.
        category: Index into `CATEGORIES`.
        x_m, y_m: Centre of the footprint, world frame.
        yaw_rad: Heading, world frame.
        length_m, width_m, height_m: Size of the box that holds it, a rider included.
        rgb: ``(N, 3)`` uint8: paint of a vehicle, clothes of a person.
        brake: Brake lights are on.
        left, right: The indicator blinks; both are the hazard lights. Whether it is lit at a given
            moment follows from the time alone.
        headlamps: Lamps are on, front and back.
        phase_rad: Walking phase; 0 is standing.
    """

    track_id: NDArray[np.int64]
    category: NDArray[np.int64]
    x_m: Floats
    y_m: Floats
    yaw_rad: Floats
    length_m: Floats
    width_m: Floats
    height_m: Floats
    rgb: NDArray[np.uint8]
    brake: Bools
    left: Bools
    right: Bools
    headlamps: Bools
    phase_rad: Floats

    def __len__(self) -> int:
        return len(self.track_id)


def stack_actors(actors: Sequence[Actor]) -> Actors:
    """Actors one by one, as columns.

    Raises:
        ValueError: A track id is below 1 or a duplicate.
    """
    ids = np.array([actor.track_id for actor in actors], np.int64)
    if len(np.unique(ids)) < len(ids) or (ids < 1).any():
        raise ValueError("track ids are not unique numbers from 1")
    return Actors(
        track_id=ids,
        category=np.array([CATEGORIES.index(a.category) for a in actors], np.int64),
        x_m=np.array([a.x_m for a in actors], np.float64),
        y_m=np.array([a.y_m for a in actors], np.float64),
        yaw_rad=np.array([a.yaw_rad for a in actors], np.float64),
        length_m=np.array([a.length_m for a in actors], np.float64),
        width_m=np.array([a.width_m for a in actors], np.float64),
        height_m=np.array([a.height_m for a in actors], np.float64),
        rgb=np.array([a.rgb for a in actors], np.uint8).reshape(-1, 3),
        brake=np.array([a.brake for a in actors], np.bool_),
        left=np.array([a.left for a in actors], np.bool_),
        right=np.array([a.right for a in actors], np.bool_),
        headlamps=np.array([a.headlamps for a in actors], np.bool_),
        phase_rad=np.array([a.phase_rad for a in actors], np.float64),
    )


@dataclass(frozen=True, eq=False)
class SceneState:
    """One instant.

    Attributes:
        x_m, y_m, yaw_rad: Pose of the ego frame in the world.
        speed_mps: The ego's; rain streaks lean with it.
        actors: The other road users.
        lights: State of each `TrafficLight` by name; a missing one is dark.
        relevant_lights: Names of the lights that apply to the ego.
        headlamps: Whether the ego's are on.
        conditions: Light and weather.
        path_m: ``(K, 2)`` world frame, where the ego will be ``PATH_STEP_S``,
            twice that, ... later, at most ``PATH_STEPS`` of them; fewer at the drive's end. Only
            labels read it.
    """

    x_m: float
    y_m: float
    yaw_rad: float
    speed_mps: float = 0.0
    actors: Actors = field(default_factory=lambda: stack_actors([]))
    lights: Mapping[str, LightState] = field(default_factory=dict)
    relevant_lights: frozenset[str] = frozenset()
    headlamps: bool = False
    conditions: Conditions = field(default_factory=Conditions)
    path_m: Points = field(default_factory=lambda: np.zeros((0, 2)))


def to_ego(state: SceneState, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move world points ``(..., 2)`` into the ego frame."""
    c, s = np.cos(state.yaw_rad), np.sin(state.yaw_rad)
    moved = points_m - np.array([state.x_m, state.y_m])
    return np.stack(
        [c * moved[..., 0] + s * moved[..., 1], c * moved[..., 1] - s * moved[..., 0]], axis=-1
    )


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed that depends on all parts and on nothing else (unlike ``hash``)."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def blocks(rows: Iterable[tuple[float, float, float, float, float, float, Colour]]) -> Blocks:
    """Stack buildings from rows of x, y, yaw, length, width, height and colour."""
    (x, y, yaw, length, width, height), rgb = _columns(6, rows)
    return Blocks(x, y, yaw, length, width, height, rgb)


def trees(rows: Iterable[tuple[float, float, float, float, float, Colour]]) -> Trees:
    """Stack trees from rows of x, y, height of trunk, height of crown, radius and colour."""
    (x, y, trunk, crown, radius), rgb = _columns(5, rows)
    return Trees(x, y, trunk, crown, radius, rgb)


def poles(rows: Iterable[tuple[float, float, float, float, float, bool]]) -> Poles:
    """Stack poles from rows of x, y, height, yaw, length of the arm, and whether it has a lamp."""
    rows = list(rows)
    x, y, height, yaw, arm = np.array([row[:5] for row in rows], np.float64).reshape(-1, 5).T
    return Poles(x, y, height, yaw, arm, np.array([row[5] for row in rows], np.bool_))


def _columns(numbers: int, rows: Iterable[tuple[Any, ...]]) -> tuple[Floats, NDArray[np.uint8]]:
    """The first ``numbers`` entries of each row as ``(numbers, N)``, and the colour behind them."""
    rows = list(rows)
    columns = np.array([row[:numbers] for row in rows], np.float64).reshape(-1, numbers).T
    return columns, np.array([row[numbers] for row in rows], np.uint8).reshape(-1, 3)
