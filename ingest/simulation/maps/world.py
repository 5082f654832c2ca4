"""Worlds made by hand: roads along lines, crossings with signals, and the scenery beside them.

A road has a dividing line. Its forward lanes are to the right of it, or to the left in left-hand
traffic. Maps that come from a road network fill a `WorldParts` themselves and share `furnish`,
which adds the scenery beside the road.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from ingest.simulation.scene import (
    COUNTRIES,
    CountryStyle,
    Crosswalk,
    Marking,
    MarkingKind,
    Paint,
    RoadEdge,
    StaticWorld,
    StopLine,
    Strip,
    TrafficLight,
    blocks,
    poles,
    trees,
)
from ingest.simulation.values import Colour, Points

BlockRow = tuple[float, float, float, float, float, float, Colour]
TreeRow = tuple[float, float, float, float, float, Colour]
PoleRow = tuple[float, float, float, float, float, bool]

FACADES: tuple[Colour, ...] = (
    (176, 150, 128),
    (196, 186, 168),
    (150, 96, 78),
    (158, 160, 162),
    (206, 200, 190),
    (128, 118, 112),
    (178, 128, 96),
    (140, 148, 158),
    (214, 192, 150),
)
GREENS: tuple[Colour, ...] = ((62, 92, 40), (74, 104, 44), (52, 82, 44), (92, 112, 48))


@dataclass(frozen=True)
class Profile:
    """Cross-section of a road.

    Attributes:
        forward, backward: Number of lanes along and against its direction.
        lane_m: Width of a lane.
        shoulder_m: Road surface outside the outermost lanes.
        sidewalk_m: Beyond that; 0 for none.
    """

    forward: int = 1
    backward: int = 1
    lane_m: float = 3.4
    shoulder_m: float = 0.5
    sidewalk_m: float = 2.4


@dataclass(frozen=True)
class Greenery:
    """Scenery beside the road.

    Attributes:
        buildings, trees, lamps: Share of the places along the edge that are used, 0 to 1.
        setback_m: From the edge to the fronts of buildings.
        floors: Fewest and most floors of a building.
    """

    buildings: float = 0.75
    trees: float = 0.6
    lamps: float = 1.0
    setback_m: float = 7.0
    floors: tuple[int, int] = (2, 7)


@dataclass
class WorldParts:
    """A world under construction; `finish` freezes it."""

    country: CountryStyle
    seed: int
    lanes: list[Strip] = field(default_factory=list)
    shoulders: list[Strip] = field(default_factory=list)
    junctions: list[Points] = field(default_factory=list)
    markings: list[Marking] = field(default_factory=list)
    edges: list[RoadEdge] = field(default_factory=list)
    stop_lines: list[StopLine] = field(default_factory=list)
    crosswalks: list[Crosswalk] = field(default_factory=list)
    buildings: list[BlockRow] = field(default_factory=list)
    trees: list[TreeRow] = field(default_factory=list)
    poles: list[PoleRow] = field(default_factory=list)
    lights: list[TrafficLight] = field(default_factory=list)

    def finish(self) -> StaticWorld:
        """Freeze."""
        return StaticWorld(
            country=self.country,
            seed=self.seed,
            lanes=tuple(self.lanes),
            shoulders=tuple(self.shoulders),
            junctions=tuple(self.junctions),
            markings=tuple(self.markings),
            edges=tuple(self.edges),
            stop_lines=tuple(self.stop_lines),
            crosswalks=tuple(self.crosswalks),
            buildings=blocks(self.buildings),
            trees=trees(self.trees),
            poles=poles(self.poles),
            lights=tuple(self.lights),
        )


def offset_line(points_m: Points, left_m: float) -> Points:
    """Shift a line sideways, to the left of its direction when positive."""
    steps = np.diff(points_m, axis=0)
    normals = np.stack([-steps[:, 1], steps[:, 0]], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    first, last = normals[:1], normals[-1:]
    before, after = np.concatenate([first, normals]), np.concatenate([normals, last])
    mitre = before + after
    # A mitre is longer than the offset by 1 / cos of half the bend; limited in hairpins.
    scale = 2 / np.maximum((mitre**2).sum(axis=1, keepdims=True), 1.0)
    return np.asarray(points_m + left_m * mitre * scale)


def line_length(points_m: Points) -> float:
    """Length of a line in metres."""
    return float(np.linalg.norm(np.diff(points_m, axis=0), axis=1).sum())


def resample(points_m: Points, step_m: float) -> tuple[Points, np.ndarray]:
    """Put points every ``step_m`` (or a little less) along a line, both ends kept.

    Returns:
        The points, and the direction of the line at each of them in radians.
    """
    lengths = np.linalg.norm(np.diff(points_m, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    count = max(int(np.ceil(along[-1] / step_m)), 1) + 1
    at = np.linspace(0.0, along[-1], count)
    xy = np.stack([np.interp(at, along, points_m[:, i]) for i in (0, 1)], axis=1)
    segment = np.clip(np.searchsorted(along, at, side="right") - 1, 0, len(lengths) - 1)
    steps = np.diff(points_m, axis=0)[segment]
    return xy, np.arctan2(steps[:, 1], steps[:, 0])


def arc(centre_m: tuple[float, float], radius_m: float, start_rad: float, end_rad: float) -> Points:
    """Part of a circle, a point about every two metres."""
    count = max(int(abs(end_rad - start_rad) * radius_m / 2), 6) + 1
    angle = np.linspace(start_rad, end_rad, count)
    return np.array(centre_m) + radius_m * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def add_road(parts: WorldParts, name: str, divider_m: Points, profile: Profile) -> None:
    """Lay a road along its dividing line: lanes, shoulders, markings, edges.

    Lanes are called ``<name>+0``, ``<name>+1``, … from the divider outwards, and ``<name>-0``, …
    against its direction.
    """
    side = 1 if parts.country.left_hand_traffic else -1
    half = profile.lane_m / 2
    for i in range(profile.forward):
        line = offset_line(divider_m, side * (2 * i + 1) * half)
        parts.lanes.append(Strip(f"{name}+{i}", line, profile.lane_m))
    for i in range(profile.backward):
        line = offset_line(divider_m, -side * (2 * i + 1) * half)[::-1]
        parts.lanes.append(Strip(f"{name}-{i}", line, profile.lane_m))
    _add_markings(parts, divider_m, profile, side)
    _add_edges(parts, divider_m, profile, side)


def _add_markings(parts: WorldParts, divider_m: Points, profile: Profile, side: int) -> None:
    style = parts.country
    for lanes, sign in ((profile.forward, side), (profile.backward, -side)):
        for i in range(1, lanes):
            line = offset_line(divider_m, sign * i * profile.lane_m)
            parts.markings.append(Marking(line, MarkingKind.DASHED, Paint.WHITE))
        if lanes:
            line = offset_line(divider_m, sign * lanes * profile.lane_m)
            parts.markings.append(Marking(line, MarkingKind.SOLID, Paint.WHITE))
    if profile.forward and profile.backward:
        kind = MarkingKind.DOUBLE if style.double_centre else MarkingKind.DASHED
        parts.markings.append(Marking(divider_m, kind, style.centre_paint))
    else:
        parts.markings.append(Marking(divider_m, MarkingKind.SOLID, style.centre_paint))


def _add_edges(parts: WorldParts, divider_m: Points, profile: Profile, side: int) -> None:
    for lanes, sign in ((profile.forward, side), (profile.backward, -side)):
        outer = lanes * profile.lane_m
        middle = offset_line(divider_m, sign * (outer + profile.shoulder_m / 2))
        parts.shoulders.append(Strip("", middle, profile.shoulder_m))
        edge = offset_line(divider_m, sign * (outer + profile.shoulder_m))
        # The road lies to the left of an edge, so the left one runs backwards.
        parts.edges.append(RoadEdge(edge if sign < 0 else edge[::-1], profile.sidewalk_m))


def crossing(
    profile: Profile = Profile(),
    country: str = "DE",
    seed: int = 1,
    arm_m: float = 180.0,
    signals: bool = True,
) -> WorldParts:
    """Make a crossing of four arms at the origin; arm ``i`` leaves in direction i * 90 degrees.

    Its forward lanes lead away from the crossing. The signals of arm ``i`` stop the traffic that
    comes in on it. They are called ``light<i>`` and are on the near side or behind the crossing,
    by country.
    """
    parts = WorldParts(COUNTRIES[country], seed)
    outer = max(profile.forward, profile.backward) * profile.lane_m + profile.shoulder_m
    radius = outer + 5.0
    for i in range(4):
        _add_arm(parts, i, radius, radius + arm_m, profile, signals)
    corners = [_corner(i, outer, radius) for i in range(4)]
    parts.edges.extend(RoadEdge(corner, profile.sidewalk_m) for corner in corners)
    parts.junctions.append(np.concatenate(corners))
    return parts


def _turn(points_m: Points, quarter: int) -> Points:
    c, s = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter % 4]
    return np.asarray(points_m @ np.array([[c, s], [-s, c]], np.float64))


def _corner(i: int, outer: float, radius: float) -> Points:
    """The kerb between arm ``i`` and arm ``i + 1``, the junction to its left."""
    bend = arc((radius, radius), radius - outer, -np.pi / 2, -np.pi)
    return _turn(bend, i)


def _add_arm(
    parts: WorldParts, i: int, start: float, end: float, profile: Profile, signals: bool
) -> None:
    line, _ = resample(np.array([[start, 0.0], [end, 0.0]]), 20.0)
    add_road(parts, f"arm{i}", _turn(line, i), profile)
    # Incoming traffic on this arm is on the side opposite to its forward lanes.
    side = -1 if parts.country.left_hand_traffic else 1
    width = profile.backward * profile.lane_m
    stop = np.array([[start + 5.2, 0.15 * side], [start + 5.2, side * width]])
    half = width + profile.shoulder_m
    zebra = np.array([[start + 2.5, -half], [start + 2.5, half]])
    parts.stop_lines.append(StopLine(_turn(stop, i)))
    parts.crosswalks.append(Crosswalk(_turn(zebra, i)))
    if signals:
        _add_signal(parts, i, start, side, width, profile)


def _add_signal(
    parts: WorldParts, i: int, start: float, side: int, width: float, profile: Profile
) -> None:
    style = parts.country
    curb = side * (width + profile.shoulder_m + 0.6)
    if style.far_signals:
        head, foot, height = [-start - 1.0, side * width * 0.5], [-start - 1.0, curb], 5.4
    else:
        head, foot, height = [start + 5.4, curb], [start + 5.4, curb], 2.9
    (x, y), (foot_x, foot_y) = _turn(np.array([head, foot]), i)
    lanes = tuple(f"arm{i}-{lane}" for lane in range(profile.backward))
    yaw = i * np.pi / 2
    parts.lights.append(
        TrafficLight(
            f"light{i}", x, y, height, yaw, style.horizontal_signals, lanes, foot_x, foot_y
        )
    )


def furnish(parts: WorldParts, greenery: Greenery = Greenery()) -> WorldParts:
    """Put buildings, trees and street lamps along the road's edges, clear of every lane."""
    rng = np.random.default_rng(parts.seed)
    surface = _surface_points(parts)
    taken: list[tuple[float, float, float]] = []
    for edge in parts.edges:
        if line_length(edge.points_m) > 12:
            _furnish_edge(parts, edge, greenery, rng, surface, taken)
    return parts


def _surface_points(parts: WorldParts) -> cKDTree:
    lines = [resample(strip.points_m, 4.0)[0] for strip in parts.lanes]
    return cKDTree(np.concatenate([*lines, *parts.junctions]))


def _furnish_edge(
    parts: WorldParts,
    edge: RoadEdge,
    greenery: Greenery,
    rng: np.random.Generator,
    surface: cKDTree,
    taken: list[tuple[float, float, float]],
) -> None:
    xy, heading = resample(edge.points_m, 11.0)
    outward = np.stack([np.sin(heading), -np.cos(heading)], axis=1)
    for i in range(1, len(xy) - 1):
        place, out, yaw = xy[i], outward[i], float(heading[i])
        if i % 3 == 1 and rng.random() < greenery.lamps:
            foot = place + 0.5 * out
            parts.poles.append((*foot, 8.0, float(yaw + np.pi / 2), 1.8, True))
        elif rng.random() < greenery.trees:
            _plant(parts, place + (edge.sidewalk_m + rng.uniform(0.8, 2.5)) * out, rng, surface)
        if rng.random() < greenery.buildings:
            _build(parts, place, out, yaw, greenery, rng, surface, taken)
        if rng.random() < 0.5 * greenery.trees:
            _plant(parts, place + rng.uniform(30, 70) * out, rng, surface)


def _plant(parts: WorldParts, at: Points, rng: np.random.Generator, surface: cKDTree) -> None:
    radius = float(rng.uniform(1.2, 2.8))
    if surface.query(at)[0] < 3.6:
        return
    bush = rng.random() < 0.25
    trunk = 0.0 if bush else float(rng.uniform(1.8, 3.0))
    crown = radius * (0.9 if bush else float(rng.uniform(1.6, 2.4)))
    green = GREENS[rng.integers(len(GREENS))]
    parts.trees.append((float(at[0]), float(at[1]), trunk, crown, radius, green))


def _build(
    parts: WorldParts,
    place: Points,
    out: Points,
    yaw: float,
    greenery: Greenery,
    rng: np.random.Generator,
    surface: cKDTree,
    taken: list[tuple[float, float, float]],
) -> None:
    length, depth = rng.uniform(9, 20), rng.uniform(9, 15)
    height = 0.6 + 3.0 * rng.integers(greenery.floors[0], greenery.floors[1] + 1)
    setback = greenery.setback_m + rng.uniform(0, 5) + depth / 2
    x, y = place + setback * out
    reach = float(np.hypot(length, depth) / 2)
    a, b, r = np.array(taken).reshape(-1, 3).T
    crowded = (np.hypot(x - a, y - b) < 0.8 * (reach + r)).any()
    if crowded or surface.query((x, y))[0] < reach + 3.0:
        return
    taken.append((x, y, reach))
    facade = FACADES[rng.integers(len(FACADES))]
    parts.buildings.append((float(x), float(y), yaw, length, depth, float(height), facade))
