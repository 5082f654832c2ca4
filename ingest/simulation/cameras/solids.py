"""The objects of a scene as simple solids for ray casting.

A solid is an upright block that may taper towards its top, or an ellipsoid. A car is some fifteen
of them: body, cabin, roof, wheels, lamps, plates. `Solids` are columns; the renderer reads nothing
else of the scene above the ground.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.scene import (
    CATEGORIES,
    Actors,
    CountryStyle,
    SceneState,
    StaticWorld,
    to_ego,
)
from ingest.simulation.values import Colour
from ridealong.perception.annotations import LightState, ObjectCategory, Surface

SURFACES = tuple(Surface)
VEHICLE, PERSON = SURFACES.index(Surface.VEHICLE), SURFACES.index(Surface.PERSON)
BUILDING, POLE = SURFACES.index(Surface.BUILDING), SURFACES.index(Surface.POLE)
VEGETATION = SURFACES.index(Surface.VEGETATION)

# Up to which distance things are drawn, metres.
BUILDING_RANGE_M, TREE_RANGE_M, POLE_RANGE_M, ACTOR_RANGE_M = 320.0, 190.0, 150.0, 220.0


class Shape(IntEnum):
    """Kinds of solids."""

    BLOCK = 0
    ELLIPSOID = 1


class Matter(IntEnum):
    """How a surface is shaded, apart from its colour."""

    PLAIN = 0
    FOLIAGE = 1  # speckled
    FACADE = 2  # windows, some of them lit at night
    GLASS = 3  # mirrors the sky


class Paint(IntEnum):
    """Where the colour of a part comes from."""

    BODY = 0
    GLASS = 1
    TYRE = 2
    DARK = 3
    TAIL = 4
    HEAD = 5
    REAR_PLATE = 6
    FRONT_PLATE = 7
    LEFT = 8  # indicators
    RIGHT = 9
    SKIN = 10
    LEGS = 11
    CARGO = 12
    HAIR = 13


# Columns of `Solids.numbers`.
X, Y, Z, COS, SIN, HALF_X, HALF_Y, HALF_Z = range(8)
FRONT, REAR, SIDE, RED, GREEN, BLUE, GLOW, RADIUS = range(8, 16)
NUMBERS = 16
# Columns of `Solids.kinds`.
SHAPE, MATTER, SURFACE, INSTANCE, GRAIN = range(5)
KINDS = 5


@dataclass(frozen=True, eq=False)
class Solids:
    """Solids in one reference frame.

    Attributes:
        numbers: ``(N, 16)`` float64: centre; cosine and sine of yaw; half sizes; how far the
            front, the rear and both sides lean inwards from bottom to top, metres; albedo (linear
            red, green, blue); light given off, in multiples of its albedo; bounding radius.
        kinds: ``(N, 5)`` int64: `Shape`, `Matter`, index of its `Surface`, instance (0 is none;
            those of one instance follow each other), and a seed for its grain.
    """

    numbers: NDArray[np.float64]
    kinds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Part:
    """One solid of a model, in metres on a road user of the model's nominal size.

    Attributes:
        centre: Position relative to the middle of the footprint: ahead, left, up.
        half: Half sizes.
        paint: Where its colour comes from.
        lean: How far front, rear and sides lean inwards.
        ellipsoid: Not a block.
        reach_m: Not drawn beyond this distance.
        swing: How far it moves ahead and back while walking, metres.
        person: It is (part of) a person.
    """

    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    paint: Paint
    lean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ellipsoid: bool = False
    reach_m: float = 1000.0
    swing: float = 0.0
    person: bool = False


def _both(part: Part) -> list[Part]:
    """Put a part on the left and its mirror image on the right."""
    x, y, z = part.centre
    flip = {Paint.LEFT: Paint.RIGHT}.get(part.paint, part.paint)
    right = Part(
        (x, -y, z),
        part.half,
        flip,
        part.lean,
        part.ellipsoid,
        part.reach_m,
        -part.swing,
        part.person,
    )
    return [part, right]


def _wheels(xs: Sequence[float], y: float, radius: float, half_width: float) -> list[Part]:
    size = (radius, half_width, radius)
    return [
        wheel
        for x in xs
        for wheel in _both(Part((x, y, radius), size, Paint.TYRE, ellipsoid=True, reach_m=45))
    ]


def _lamps(front: float, rear: float, y: float, z: float, size: float) -> list[Part]:
    """Head and tail lamps, indicators and plates at the ends of a vehicle."""
    wide, high = size, size * 0.5
    corner = y + wide + 0.07
    return [
        *_both(Part((rear, y, z), (0.05, wide, high), Paint.TAIL)),
        *_both(Part((front, y, z - 0.05), (0.05, wide, high), Paint.HEAD)),
        *_both(Part((rear, corner, z), (0.06, 0.07, high), Paint.LEFT, reach_m=70)),
        *_both(Part((front, corner, z - 0.05), (0.06, 0.07, high), Paint.LEFT, reach_m=70)),
        Part((rear - 0.02, 0.0, z - 0.22), (0.02, 0.26, 0.065), Paint.REAR_PLATE, reach_m=40),
        Part((front + 0.02, 0.0, z - 0.27), (0.02, 0.26, 0.065), Paint.FRONT_PLATE, reach_m=40),
    ]


def _rider(seat: float) -> list[Part]:
    return [
        Part(
            (-0.1, 0, seat + 0.35), (0.16, 0.24, 0.33), Paint.BODY, (0.0, -0.12, 0.04), person=True
        ),
        Part((0.1, 0, seat + 0.83), (0.13, 0.11, 0.15), Paint.DARK, ellipsoid=True, person=True),
        *_both(
            Part((0.1, 0.15, seat - 0.2), (0.14, 0.08, 0.28), Paint.LEGS, swing=0.1, person=True)
        ),
        *_both(Part((0.22, 0.24, seat + 0.38), (0.26, 0.05, 0.06), Paint.BODY, person=True)),
    ]


_CAR = [
    Part((0.0, 0, 0.57), (2.21, 0.89, 0.31), Paint.BODY, (0.10, 0.05, 0.05)),
    Part((-0.35, 0, 1.12), (1.42, 0.82, 0.28), Paint.GLASS, (0.78, 0.55, 0.16)),
    Part((-0.47, 0, 1.44), (0.76, 0.66, 0.05), Paint.BODY, (0.10, 0.06, 0.05)),
    Part((0.0, 0, 0.22), (2.05, 0.80, 0.07), Paint.DARK, reach_m=60),
    *_both(Part((-0.52, 0.77, 1.12), (0.05, 0.055, 0.28), Paint.BODY, (0, 0, 0.12), reach_m=25)),
    *_wheels((1.38, -1.38), 0.80, 0.33, 0.13),
    *_lamps(2.19, -2.19, 0.58, 0.70, 0.19),
]
_TRUCK = [
    Part((-1.3, 0, 2.32), (4.68, 1.25, 1.28), Paint.CARGO),
    Part((4.85, 0, 1.75), (1.12, 1.22, 1.25), Paint.BODY, (0.18, 0.0, 0.05)),
    Part((5.84, 0, 2.25), (0.10, 1.08, 0.42), Paint.GLASS, (0.10, 0.0, 0.05)),
    *_both(Part((5.1, 1.19, 2.2), (0.55, 0.04, 0.38), Paint.GLASS, reach_m=60)),
    Part((-0.2, 0, 0.80), (5.6, 1.05, 0.24), Paint.DARK),
    *_wheels((4.6, -3.2, -4.5), 1.05, 0.50, 0.18),
    *_lamps(5.95, -5.95, 0.90, 0.85, 0.22),
]
_BUS = [
    Part((0, 0, 1.68), (5.95, 1.24, 1.40), Paint.BODY, (0.06, 0.04, 0.05)),
    Part((0, 0, 1.95), (5.70, 1.265, 0.48), Paint.GLASS, (0, 0, 0.03)),
    Part((5.90, 0, 1.85), (0.09, 1.12, 0.75), Paint.GLASS, (0.07, 0, 0.05)),
    Part((-5.90, 0, 2.15), (0.07, 0.95, 0.40), Paint.GLASS),
    Part((0, 0, 0.26), (5.8, 1.15, 0.10), Paint.DARK),
    *_wheels((3.4, -3.2), 1.10, 0.48, 0.16),
    *_lamps(5.96, -5.96, 0.92, 0.85, 0.20),
]
_MOTORCYCLE = [
    *(Part((x, 0, 0.32), (0.32, 0.08, 0.32), Paint.TYRE, ellipsoid=True) for x in (0.75, -0.75)),
    Part((0.02, 0, 0.62), (0.55, 0.15, 0.24), Paint.DARK, (0.1, 0.15, 0.02)),
    Part((0.35, 0, 0.84), (0.25, 0.16, 0.12), Paint.BODY, (0.05, 0.05, 0.03)),
    Part((0.72, 0, 0.86), (0.07, 0.11, 0.10), Paint.HEAD),
    Part((-0.85, 0, 0.74), (0.05, 0.11, 0.07), Paint.TAIL),
    *_both(Part((-0.82, 0.2, 0.72), (0.05, 0.05, 0.05), Paint.LEFT)),
    *_rider(0.82),
]
_BICYCLE = [
    *(Part((x, 0, 0.35), (0.35, 0.03, 0.35), Paint.TYRE, ellipsoid=True) for x in (0.52, -0.52)),
    Part((0.0, 0, 0.60), (0.42, 0.035, 0.08), Paint.CARGO),
    Part((0.42, 0, 0.95), (0.06, 0.24, 0.04), Paint.DARK),
    Part((-0.62, 0, 0.66), (0.03, 0.05, 0.05), Paint.TAIL),
    Part((0.56, 0, 0.86), (0.04, 0.05, 0.05), Paint.HEAD),
    *_rider(0.86),
]
_PEDESTRIAN = [
    *_both(Part((0, 0.10, 0.42), (0.09, 0.085, 0.42), Paint.LEGS, swing=0.17, person=True)),
    Part((0, 0, 1.13), (0.14, 0.23, 0.31), Paint.BODY, (0.02, 0.02, 0.03), person=True),
    *_both(Part((0, 0.26, 1.10), (0.06, 0.055, 0.30), Paint.BODY, swing=-0.12, person=True)),
    Part((0.01, 0, 1.60), (0.11, 0.09, 0.15), Paint.SKIN, ellipsoid=True, person=True),
    Part((-0.03, 0, 1.66), (0.10, 0.10, 0.10), Paint.HAIR, ellipsoid=True, person=True),
]
# Per category: nominal length, width, height, and its parts.
MODELS: dict[ObjectCategory, tuple[tuple[float, float, float], list[Part]]] = {
    ObjectCategory.CAR: ((4.5, 1.8, 1.5), _CAR),
    ObjectCategory.TRUCK: ((12.0, 2.5, 3.6), _TRUCK),
    ObjectCategory.BUS: ((12.0, 2.55, 3.1), _BUS),
    ObjectCategory.MOTORCYCLE: ((2.15, 0.7, 1.8), _MOTORCYCLE),
    ObjectCategory.BICYCLE: ((1.8, 0.6, 1.85), _BICYCLE),
    ObjectCategory.PEDESTRIAN: ((0.6, 0.64, 1.78), _PEDESTRIAN),
}

BLINK_NS = 700_000_000  # one blink of an indicator, lit for its first half
_TAIL_GLOW, _BRAKE_GLOW, _HEAD_GLOW, _BLINK_GLOW = 0.5, 3.2, 5.0, 3.0
_LENS_GLOW = 3.0
_LENSES: dict[LightState, tuple[Colour, Colour]] = {  # lit, dark
    LightState.RED: ((255, 40, 25), (70, 14, 10)),
    LightState.YELLOW: ((255, 185, 20), (72, 52, 8)),
    LightState.GREEN: ((20, 240, 130), (8, 58, 30)),
}


def linear(rgb: NDArray[np.uint8] | Colour | list[Colour]) -> NDArray[np.float64]:
    """Turn sRGB into linear albedo; the display's curve is close to a power of 2.2."""
    return np.asarray((np.asarray(rgb, np.float64) / 255) ** 2.2)


@dataclass(frozen=True, eq=False)
class _Parts:
    """All categories' parts as columns, one category after the other.

    ``nominal_m``, ``first`` and ``count`` are by category: its nominal size, its first part and
    how many it has.
    """

    nominal_m: NDArray[np.float64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    lean: NDArray[np.float64]
    paint: NDArray[np.int64]
    kinds: NDArray[np.int64]
    reach_m: NDArray[np.float64]
    swing: NDArray[np.float64]


@lru_cache(maxsize=1)
def _parts() -> _Parts:
    models = [MODELS[category] for category in CATEGORIES]
    count = np.array([len(parts) for _, parts in models], np.int64)
    parts = [part for _, parts in models for part in parts]
    kinds = np.zeros((len(parts), KINDS), np.int64)
    kinds[:, SHAPE] = [Shape.ELLIPSOID if p.ellipsoid else Shape.BLOCK for p in parts]
    kinds[:, MATTER] = [Matter.GLASS if p.paint == Paint.GLASS else Matter.PLAIN for p in parts]
    kinds[:, SURFACE] = [PERSON if p.person else VEHICLE for p in parts]
    return _Parts(
        nominal_m=np.array([nominal for nominal, _ in models]),
        first=np.cumsum(count) - count,
        count=count,
        centre=np.array([p.centre for p in parts]),
        half=np.array([p.half for p in parts]),
        lean=np.array([p.lean for p in parts]),
        paint=np.array([p.paint for p in parts], np.int64),
        kinds=kinds,
        reach_m=np.array([p.reach_m for p in parts]),
        swing=np.array([p.swing for p in parts]),
    )


def actor_solids(state: SceneState, timestamp_ns: int, country: CountryStyle) -> Solids:
    """All actors near the ego as solids in the ego frame; instance ``i + 1`` is actor ``i``.

    The nearest comes first: what is in front hides most of what comes later.
    """
    actors, parts = state.actors, _parts()
    xy = to_ego(state, np.stack([actors.x_m, actors.y_m], axis=-1))
    distance = np.hypot(xy[:, 0], xy[:, 1])
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] < ACTOR_RANGE_M]
    count = parts.count[actors.category[order]]
    k = np.repeat(order, count)  # actor of each solid, and its part
    skipped = np.cumsum(count) - count - parts.first[actors.category[order]]
    part = np.arange(len(k)) - np.repeat(skipped, count)
    near = distance[k] < parts.reach_m[part]
    k, part = k[near], part[near]
    numbers = np.empty((len(k), NUMBERS))
    _place_parts(state, xy, k, part, numbers)
    rgb, glow = _paints(actors, timestamp_ns, country)
    numbers[:, RED : BLUE + 1] = rgb[k, parts.paint[part]]
    numbers[:, GLOW] = glow[k, parts.paint[part]]
    kinds = parts.kinds[part]
    kinds[:, INSTANCE] = k + 1
    return Solids(numbers, kinds)


def _place_parts(
    state: SceneState,
    xy: NDArray[np.float64],
    k: NDArray[np.int64],
    part: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    """Write the position and size of each part, scaled to the size of its actor."""
    actors, parts = state.actors, _parts()
    size = np.stack([actors.length_m, actors.width_m, actors.height_m], axis=-1)
    scale = (size / parts.nominal_m[actors.category])[k]
    yaw = actors.yaw_rad - state.yaw_rad
    c, s = np.cos(yaw)[k], np.sin(yaw)[k]
    centre = parts.centre[part] * scale
    centre[:, 0] += parts.swing[part] * np.sin(actors.phase_rad)[k]
    out[:, X] = xy[k, 0] + c * centre[:, 0] - s * centre[:, 1]
    out[:, Y] = xy[k, 1] + s * centre[:, 0] + c * centre[:, 1]
    out[:, Z] = centre[:, 2]
    out[:, COS], out[:, SIN] = c, s
    half = parts.half[part] * scale
    out[:, HALF_X : HALF_Z + 1] = half
    out[:, FRONT : SIDE + 1] = parts.lean[part] * scale[:, [0, 0, 1]]
    out[:, RADIUS] = np.sqrt((half * half).sum(axis=1))


def _paints(
    actors: Actors, timestamp_ns: int, country: CountryStyle
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Colour ``(N, paints, 3)`` and glow ``(N, paints)`` of each `Paint` on each actor."""
    rgb = np.tile(_FIXED, (len(actors), 1, 1))
    rgb[:, Paint.BODY] = linear(actors.rgb)
    rgb[:, Paint.REAR_PLATE] = linear(country.rear_plate)
    rgb[:, Paint.LEGS] = _TROUSERS[actors.track_id % len(_TROUSERS)]
    glow = np.zeros((len(actors), len(Paint)))
    lamps = actors.headlamps
    glow[:, Paint.TAIL] = np.where(actors.brake, _BRAKE_GLOW, np.where(lamps, _TAIL_GLOW, 0.0))
    glow[:, Paint.HEAD] = np.where(lamps, _HEAD_GLOW, 0.0)
    # Indicators do not all blink in phase.
    lit = (timestamp_ns + actors.track_id * 137_000_000) % BLINK_NS < BLINK_NS // 2
    glow[:, Paint.LEFT] = np.where(lit & actors.left, _BLINK_GLOW, 0.0)
    glow[:, Paint.RIGHT] = np.where(lit & actors.right, _BLINK_GLOW, 0.0)
    return rgb, glow


_FIXED = linear(
    [
        (150, 150, 155),  # body, overwritten
        (34, 42, 50),
        (26, 26, 28),
        (38, 38, 42),
        (190, 22, 18),
        (215, 218, 220),
        (225, 228, 230),
        (228, 228, 226),
        (210, 120, 20),
        (210, 120, 20),
        (205, 160, 132),
        (60, 60, 80),  # legs, overwritten
        (196, 198, 200),
        (52, 38, 28),
    ]
)
_TROUSERS = linear([(44, 52, 84), (36, 36, 40), (92, 82, 66), (70, 72, 78)])


def join(several: Sequence[Solids]) -> Solids:
    """Concatenate solids."""
    return Solids(
        np.concatenate([s.numbers for s in several]), np.concatenate([s.kinds for s in several])
    )


@dataclass(frozen=True, eq=False)
class StaticSolids:
    """A world's solids in the world frame, and up to which distance each is drawn."""

    solids: Solids
    range_m: NDArray[np.float64]
    light: NDArray[np.int64]  # index of the traffic light that it is part of, else -1
    lens: NDArray[np.int64]  # index of the lens's state in `LENS_STATES`, else -1


LENS_STATES = (LightState.RED, LightState.YELLOW, LightState.GREEN)


class _Collector:
    """Rows of solids with their range and light."""

    def __init__(self) -> None:
        self.numbers: list[list[float]] = []
        self.kinds: list[list[int]] = []
        self.ranges: list[float] = []
        self.lights: list[int] = []
        self.lenses: list[int] = []

    def add(
        self,
        centre: tuple[float, float, float],
        yaw: float,
        half: tuple[float, float, float],
        rgb: Colour | NDArray[np.uint8],
        surface: int,
        *,
        lean: tuple[float, float, float] = (0.0, 0.0, 0.0),
        shape: Shape = Shape.BLOCK,
        matter: Matter = Matter.PLAIN,
        glow: float = 0.0,
        range_m: float = POLE_RANGE_M,
        light: int = -1,
        lens: int = -1,
    ) -> None:
        grain = (len(self.numbers) * 2654435761) % 65521
        radius = float(np.linalg.norm(half))
        row = [*centre, np.cos(yaw), np.sin(yaw), *half, *lean, *linear(rgb), glow, radius]
        self.numbers.append(row)
        self.kinds.append([shape, matter, surface, 0, grain])
        self.ranges.append(range_m)
        self.lights.append(light)
        self.lenses.append(lens)


@lru_cache(maxsize=8)
def static_solids(world: StaticWorld) -> StaticSolids:
    """All static solids, made once per world; a glow of -1 means lit at night only."""
    out = _Collector()
    _add_buildings(out, world)
    _add_trees(out, world)
    _add_poles(out, world)
    for i in range(len(world.lights)):
        _add_light(out, world, i)
    return StaticSolids(
        Solids(
            np.array(out.numbers, np.float64).reshape(-1, NUMBERS),
            np.array(out.kinds, np.int64).reshape(-1, KINDS),
        ),
        np.array(out.ranges),
        np.array(out.lights, np.int64),
        np.array(out.lenses, np.int64),
    )


def _add_buildings(out: _Collector, world: StaticWorld) -> None:
    b = world.buildings
    for i in range(len(b)):
        x, y, yaw, height = b.x_m[i], b.y_m[i], b.yaw_rad[i], b.height_m[i]
        half = (b.length_m[i] / 2, b.width_m[i] / 2, height / 2)
        facade: dict[str, Any] = {"surface": BUILDING, "range_m": BUILDING_RANGE_M}
        out.add((x, y, height / 2), yaw, half, b.rgb[i], matter=Matter.FACADE, **facade)
        roof = (half[0] + 0.25, half[1] + 0.25, 0.25)
        tone = (b.rgb[i] * 0.55).astype(np.uint8)
        out.add((x, y, height + 0.25), yaw, roof, tone, **facade)


def _add_trees(out: _Collector, world: StaticWorld) -> None:
    t = world.trees
    for i in range(len(t)):
        x, y, trunk, crown, radius = t.x_m[i], t.y_m[i], t.trunk_m[i], t.crown_m[i], t.radius_m[i]
        leaf: dict[str, Any] = {
            "matter": Matter.FOLIAGE,
            "shape": Shape.ELLIPSOID,
            "range_m": TREE_RANGE_M,
        }
        turn = float(i * 2.4)
        if trunk > 0:
            wood = (x, y, (trunk + crown * 0.3) / 2)
            half = (0.14, 0.14, (trunk + crown * 0.3) / 2)
            out.add(wood, turn, half, (72, 56, 42), VEGETATION, range_m=TREE_RANGE_M)
        size = (radius, radius * 0.92, crown / 2)
        out.add((x, y, trunk + crown / 2), turn, size, t.rgb[i], VEGETATION, **leaf)
        # A second, smaller ball off the middle breaks the outline.
        side = (x + 0.5 * radius * np.cos(turn), y + 0.5 * radius * np.sin(turn))
        small = (radius * 0.72, radius * 0.72, crown * 0.32)
        out.add((*side, trunk + crown * 0.36), turn, small, t.rgb[i], VEGETATION, **leaf)


def _add_poles(out: _Collector, world: StaticWorld) -> None:
    p = world.poles
    for i in range(len(p)):
        x, y, height, yaw, arm = p.x_m[i], p.y_m[i], p.height_m[i], p.yaw_rad[i], p.arm_m[i]
        out.add((x, y, height / 2), yaw, (0.07, 0.07, height / 2), (112, 116, 118), POLE)
        dx, dy = np.cos(yaw), np.sin(yaw)
        if arm > 0:
            middle = (x + dx * arm / 2, y + dy * arm / 2, height)
            out.add(middle, yaw, (arm / 2, 0.05, 0.05), (112, 116, 118), POLE)
        if p.lamp[i]:
            head = (x + dx * arm, y + dy * arm, height - 0.08)
            out.add(head, yaw, (0.35, 0.14, 0.07), (225, 215, 190), POLE, glow=-1.0)


def _add_light(out: _Collector, world: StaticWorld, index: int) -> None:
    light = world.lights[index]
    place: dict[str, Any] = {"surface": POLE, "range_m": 180.0}
    top = light.height_m + 0.55
    foot = (light.pole_x_m, light.pole_y_m, top / 2)
    out.add(foot, light.yaw_rad, (0.075, 0.075, top / 2), (92, 96, 98), **place)
    dx, dy = light.x_m - light.pole_x_m, light.y_m - light.pole_y_m
    reach = float(np.hypot(dx, dy))
    if reach > 0.2:
        middle = (light.pole_x_m + dx / 2, light.pole_y_m + dy / 2, top - 0.1)
        yaw = float(np.arctan2(dy, dx))
        out.add(middle, yaw, (reach / 2, 0.06, 0.06), (92, 96, 98), **place)
    _add_head(out, world, index)


def _add_head(out: _Collector, world: StaticWorld, index: int) -> None:
    light = world.lights[index]
    fx, fy = np.cos(light.yaw_rad), np.sin(light.yaw_rad)
    centre = (light.x_m + 0.12 * fx, light.y_m + 0.12 * fy, light.height_m)
    half = (0.13, 0.55, 0.21) if light.horizontal else (0.13, 0.21, 0.55)
    mine: dict[str, Any] = {"surface": POLE, "range_m": 180.0, "light": index}
    out.add(centre, light.yaw_rad, half, world.country.housing, **mine)
    for lens, state in enumerate(LENS_STATES):
        # Upright: red on top; sideways: red on the side of the road's middle.
        shift = (1 - lens) * 0.35
        left = shift * (-1 if world.country.left_hand_traffic else 1) if light.horizontal else 0.0
        at = (
            centre[0] + 0.12 * fx - left * fy,
            centre[1] + 0.12 * fy + left * fx,
            light.height_m + (0.0 if light.horizontal else shift),
        )
        dark = _LENSES[state][1]
        out.add(
            at,
            light.yaw_rad,
            (0.05, 0.15, 0.15),
            dark,
            shape=Shape.ELLIPSOID,
            lens=lens,
            **mine,
        )


PATCH_M = 64.0  # static solids near a place are looked up once per square of this size


@lru_cache(maxsize=64)
def _standing(world: StaticWorld, column: int, row: int) -> StaticSolids:
    """The solids that are near enough to be drawn from some place in a square of the world."""
    static = static_solids(world)
    numbers = static.solids.numbers
    middle = (np.array([column, row]) + 0.5) * PATCH_M
    distance = np.hypot(numbers[:, X] - middle[0], numbers[:, Y] - middle[1])
    near = np.flatnonzero(distance < static.range_m + PATCH_M)
    return StaticSolids(
        Solids(numbers[near], static.solids.kinds[near]),
        static.range_m[near],
        static.light[near],
        static.lens[near],
    )


def near_solids(
    world: StaticWorld, state: SceneState, first_light: int, lamp_glow: float
) -> Solids:
    """Static solids near the ego, in the ego frame, nearest first; lenses are lit by their state.

    Args:
        world: The static world.
        state: Ego pose and the lights' states.
        first_light: Instance of the world's first traffic light; the next follow it.
        lamp_glow: Brightness of street lamps.
    """
    static = _standing(world, int(state.x_m // PATCH_M), int(state.y_m // PATCH_M))
    xy = to_ego(state, static.solids.numbers[:, :2])
    distance = np.hypot(xy[:, 0], xy[:, 1])
    chosen = np.flatnonzero(distance < static.range_m)
    # Parts of one light stay together at any distance.
    key = np.where(static.light[chosen] >= 0, 1e6 + static.light[chosen], distance[chosen])
    chosen = chosen[np.argsort(key, kind="stable")]
    numbers, kinds = static.solids.numbers[chosen], static.solids.kinds[chosen]
    numbers[:, :2] = xy[chosen]
    c, s = np.cos(state.yaw_rad), np.sin(state.yaw_rad)
    cos, sin = numbers[:, COS].copy(), numbers[:, SIN].copy()
    numbers[:, COS], numbers[:, SIN] = c * cos + s * sin, c * sin - s * cos
    numbers[numbers[:, GLOW] < 0, GLOW] = lamp_glow
    light = static.light[chosen]
    kinds[:, INSTANCE] = np.where(light >= 0, first_light + light, 0)
    _light_lenses(world, state, numbers, light, static.lens[chosen])
    return Solids(numbers, kinds)


def _light_lenses(
    world: StaticWorld,
    state: SceneState,
    numbers: NDArray[np.float64],
    light: NDArray[np.int64],
    lens: NDArray[np.int64],
) -> None:
    for row in np.flatnonzero(lens >= 0):
        lit = LENS_STATES[lens[row]]
        if state.lights.get(world.lights[light[row]].name) is lit:
            numbers[row, RED : BLUE + 1] = linear(_LENSES[lit][0])
            numbers[row, GLOW] = _LENS_GLOW
