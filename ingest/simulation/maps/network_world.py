"""A road network as a world for cameras: with paint, kerbs, signals and buildings.

Places come from SUMO's lanes, the look from the country.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ingest.simulation.maps.merges import Carriageway, clear_pieces
from ingest.simulation.maps.roads import (
    BICYCLE,
    WALK,
    Connection,
    Edge,
    Lane,
    RoadNetwork,
    read_network,
)
from ingest.simulation.maps.world import Greenery, WorldParts, furnish, offset_line
from ingest.simulation.scene import (
    COUNTRIES,
    Crosswalk,
    Marking,
    MarkingKind,
    Paint,
    RoadEdge,
    StaticWorld,
    StopLine,
    Strip,
    TrafficLight,
    seed_of,
)
from ingest.simulation.values import Points

SHOULDER_M = 0.5
HIGHWAY_SHOULDER_M = 2.2
TOWN = Greenery(buildings=0.8, trees=0.55, lamps=1.0, setback_m=5.5, floors=(2, 6))
COUNTRYSIDE = Greenery(buildings=0.06, trees=0.75, lamps=0.0, setback_m=26.0, floors=(1, 2))
_NEAR_HEIGHT_M, _FAR_HEIGHT_M, _ARM_HEIGHT_M = 2.9, 5.4, 5.2


@dataclass(frozen=True, eq=False)
class MapWorld:
    """A map's world, and which of its signal heads shows the state of which link.

    Attributes:
        world: The static world.
        heads: Name of the head by traffic light and link (place in SUMO's state).
        links: The traffic light and the link whose state each head shows.
    """

    world: StaticWorld
    heads: dict[tuple[str, int], str]
    links: dict[str, tuple[str, int]]


@lru_cache(maxsize=6)
def map_world(path: Path, country: str) -> MapWorld:
    """Return the world of a map in a country; made once per process, always the same."""
    network = read_network(path)
    parts = WorldParts(COUNTRIES[country], seed_of("world", path.name, country) % 2**31)
    _lay_surface(parts, network)
    _clear_merges(parts, network)
    _lay_junctions(parts, network)
    heads, links = _place_signals(parts, network)
    _furnish(parts)
    return MapWorld(parts.finish(), heads, links)


def is_highway(edge: Edge) -> bool:
    """A road without sidewalks: highway or ramp."""
    return edge.lanes[0].kind != WALK


def _lay_surface(parts: WorldParts, network: RoadNetwork) -> None:
    for edge in network.edges.values():
        lanes = edge.surface
        if not lanes:
            continue
        parts.lanes += [Strip(lane.name, lane.line_m, lane.width_m) for lane in lanes]
        _mark_lanes(parts, lanes)
        two_way = f"{edge.end}_{edge.start}" in network.edges
        _lay_kerb_side(parts, edge, lanes[0])
        if two_way:
            if edge.start < edge.end:
                _mark_centre(parts, lanes[-1])
        else:
            _lay_inner_side(parts, edge, lanes[-1])


def _kerb(parts: WorldParts) -> int:
    """Sign of an offset from a lane towards its kerb: left positive."""
    return 1 if parts.country.left_hand_traffic else -1


def _border(parts: WorldParts, lane: Lane, side: int, further_m: float = 0.0) -> Points:
    """A lane's border towards the kerb (``side`` 1) or the middle (-1), and farther out."""
    return offset_line(lane.line_m, side * _kerb(parts) * (lane.width_m / 2 + further_m))


def _mark_lanes(parts: WorldParts, lanes: Sequence[Lane]) -> None:
    for inner, outer in zip(lanes[1:], lanes[:-1], strict=True):
        kind = MarkingKind.SOLID if outer.kind == BICYCLE else MarkingKind.DASHED
        parts.markings.append(Marking(_border(parts, inner, 1), kind, Paint.WHITE))


def _mark_centre(parts: WorldParts, lane: Lane) -> None:
    style = parts.country
    kind = MarkingKind.DOUBLE if style.double_centre else MarkingKind.DASHED
    parts.markings.append(Marking(_border(parts, lane, -1), kind, style.centre_paint))


def _lay_kerb_side(parts: WorldParts, edge: Edge, lane: Lane) -> None:
    highway = is_highway(edge)
    shoulder = HIGHWAY_SHOULDER_M if highway else SHOULDER_M
    middle = _border(parts, lane, 1, shoulder / 2)
    parts.shoulders.append(Strip("", middle, shoulder))
    if highway or lane.kind != BICYCLE:
        parts.markings.append(Marking(_border(parts, lane, 1), MarkingKind.SOLID, Paint.WHITE))
    sidewalk = 0.0 if highway else edge.lanes[0].width_m
    parts.edges.append(_edge(parts, _border(parts, lane, 1, shoulder), 1, sidewalk))


def _lay_inner_side(parts: WorldParts, edge: Edge, lane: Lane) -> None:
    paint = parts.country.centre_paint
    parts.markings.append(Marking(_border(parts, lane, -1), MarkingKind.SOLID, paint))
    middle = _border(parts, lane, -1, SHOULDER_M / 2)
    parts.shoulders.append(Strip("", middle, SHOULDER_M))
    parts.edges.append(_edge(parts, _border(parts, lane, -1, SHOULDER_M), -1, 0.0))


def _clear_merges(parts: WorldParts, network: RoadNetwork) -> None:
    """Highway and ramp share asphalt until they part: no edge or line of one is on the other."""
    edges = [edge for edge in network.edges.values() if edge.surface and is_highway(edge)]
    whole = [_carriageway(parts, edge, HIGHWAY_SHOULDER_M, SHOULDER_M) for edge in edges]
    lanes = [_carriageway(parts, edge, 0.0, 0.0) for edge in edges]
    parts.edges[:] = [
        replace(edge, points_m=piece)
        for edge in parts.edges
        for piece in (
            [edge.points_m] if edge.sidewalk_m > 0 else clear_pieces(edge.points_m, whole)
        )
    ]
    parts.markings[:] = [
        replace(marking, points_m=piece)
        for marking in parts.markings
        for piece in (
            clear_pieces(marking.points_m, lanes)
            if marking.kind is MarkingKind.SOLID
            else [marking.points_m]
        )
    ]


def _carriageway(parts: WorldParts, edge: Edge, outer_m: float, inner_m: float) -> Carriageway:
    """An edge's lanes, with that much more asphalt towards the kerb and towards the middle."""
    width = sum(lane.width_m for lane in edge.surface) + outer_m + inner_m
    kerb = edge.surface[0]
    # `_border` is half a lane out already.
    return Carriageway(_border(parts, kerb, 1, outer_m - width / 2), width / 2)


def _edge(parts: WorldParts, line_m: Points, side: int, sidewalk_m: float) -> RoadEdge:
    """An edge on that side of a lane, turned so that the road lies to its left."""
    road_is_left = side * _kerb(parts) < 0
    return RoadEdge(line_m if road_is_left else line_m[::-1], sidewalk_m)


@dataclass(frozen=True, eq=False)
class _Arm:
    """A road at a junction: direction away from it, and the ends of its two borders.

    ``left`` and ``right`` are as seen when leaving the junction.
    """

    angle_rad: float
    way: Points
    left: Points
    right: Points
    sidewalk_m: float


def _lay_junctions(parts: WorldParts, network: RoadNetwork) -> None:
    """Fill in between the arms of each junction, with rounded corners."""
    for name in network.junctions:
        arms = sorted(_arms(parts, network, name), key=lambda arm: arm.angle_rad)
        if len(arms) < 2:
            continue
        corners = []
        for arm, following in zip(arms, [*arms[1:], arms[0]], strict=True):
            line = _corner(arm, following)
            corners.append(line)
            sidewalk = min(arm.sidewalk_m, following.sidewalk_m)
            if np.linalg.norm(line[0] - line[-1]) > 0.3 and not _overlap(arm, following):
                # Corners run counter-clockwise around the junction: it lies to their left.
                parts.edges.append(RoadEdge(line, sidewalk))
        parts.junctions.append(np.concatenate(corners))
    for crossing in network.crossings:
        ends = crossing.line_m[[0, -1]]
        if np.linalg.norm(ends[1] - ends[0]) > 2:
            parts.crosswalks.append(Crosswalk(ends, 2.8))


def _arms(parts: WorldParts, network: RoadNetwork, junction: str) -> list[_Arm]:
    """One arm per neighbour, both directions of the road together."""
    by_road: dict[str, list[tuple[Edge, bool]]] = {}
    for edge in network.edges.values():
        for leaves, here, there in ((True, edge.start, edge.end), (False, edge.end, edge.start)):
            if here == junction and edge.surface:
                two_way = f"{edge.end}_{edge.start}" in network.edges
                by_road.setdefault(there if two_way else edge.name, []).append((edge, leaves))
    return [_arm(parts, found) for found in by_road.values()]


def _arm(parts: WorldParts, found: list[tuple[Edge, bool]]) -> _Arm:
    ends, ways = [], []
    for edge, leaves in found:
        shoulder = HIGHWAY_SHOULDER_M if is_highway(edge) else SHOULDER_M
        inside = SHOULDER_M if len(found) == 1 else 0.0
        outer = _border(parts, edge.surface[0], 1, shoulder)
        inner = _border(parts, edge.surface[-1], -1, inside)
        for line in (outer, inner):
            ends.append(line[0] if leaves else line[-1])
        step = outer[1] - outer[0] if leaves else outer[-2] - outer[-1]
        ways.append(step / np.linalg.norm(step))
    way = np.mean(ways, axis=0)
    way /= np.linalg.norm(way)
    aside = np.array(ends) @ np.array([-way[1], way[0]])
    widths = [0.0 if is_highway(edge) else edge.lanes[0].width_m for edge, _ in found]
    return _Arm(
        float(np.arctan2(way[1], way[0])),
        way,
        ends[int(np.argmax(aside))],
        ends[int(np.argmin(aside))],
        min(widths),
    )


def _overlap(arm: _Arm, following: _Arm) -> bool:
    """Whether two arms side by side share asphalt, as a ramp and its highway do where they part."""
    gap = following.right - arm.left
    aside = float(arm.way[0] * gap[1] - arm.way[1] * gap[0])
    return float(arm.way @ following.way) > 0.9 and aside < 0


def _corner(arm: _Arm, following: _Arm) -> Points:
    """From an arm's left border to the next arm's right one, counter-clockwise around."""
    start, end = arm.left, following.right
    tip = _meeting(start, -arm.way, end, -following.way)
    if tip is None:
        tip = (start + end) / 2
    t = np.linspace(0, 1, 7)[:, None]
    return np.asarray((1 - t) ** 2 * start + 2 * (1 - t) * t * tip + t**2 * end)


def _meeting(a: Points, way_a: Points, b: Points, way_b: Points) -> Points | None:
    """Where two lines meet ahead of both, within reach; None otherwise."""
    cross = float(way_a[0] * way_b[1] - way_a[1] * way_b[0])
    if abs(cross) < 0.15:
        return None
    offset = b - a
    along_a = float(offset[0] * way_b[1] - offset[1] * way_b[0]) / cross
    along_b = float(offset[0] * way_a[1] - offset[1] * way_a[0]) / cross
    reach = 1.5 * float(np.linalg.norm(offset)) + 1
    if not (0 <= along_a <= reach and 0 <= along_b <= reach):
        return None
    return np.asarray(a + along_a * way_a)


def _place_signals(
    parts: WorldParts, network: RoadNetwork
) -> tuple[dict[tuple[str, int], str], dict[str, tuple[str, int]]]:
    """A head for each group of neighbouring lanes that always see the same state."""
    heads: dict[tuple[str, int], str] = {}
    links: dict[str, tuple[str, int]] = {}
    for edge in network.edges.values():
        controlled = [c for c in network.followers.get(edge.name, ()) if c.signal]
        if not controlled:
            continue
        _add_stop_line(parts, edge)
        signal = controlled[0].signal
        for group, lanes in _groups(network, controlled).items():
            name = f"{signal}/{edge.name}/{lanes[0]}"
            links[name] = (signal, group)
            for c in controlled:
                if c.lane in lanes:
                    heads[signal, c.link] = name
            parts.lights.append(_head(parts, network, edge, lanes, controlled, name))
    return heads, links


def _groups(network: RoadNetwork, controlled: Sequence[Connection]) -> dict[int, list[int]]:
    """Lanes by the link whose signal they follow: the straightest one that leaves them."""
    phases = network.signals[controlled[0].signal]
    order = {"s": 0, "R": 1, "L": 1, "r": 2, "l": 3}
    speaker = {}
    for lane in sorted({c.lane for c in controlled}):
        ways = sorted((order.get(c.turn, 4), c.link) for c in controlled if c.lane == lane)
        speaker[lane] = ways[0][1]
    shows = {
        lane: "".join(phase[link].upper() for phase in phases) for lane, link in speaker.items()
    }
    out: dict[int, list[int]] = {}
    by_show: dict[str, int] = {}
    for lane, link in speaker.items():
        first = by_show.setdefault(shows[lane], link)
        out.setdefault(first, []).append(lane)
    return out


def _add_stop_line(parts: WorldParts, edge: Edge) -> None:
    kerb, middle = edge.driving[0], edge.driving[-1]
    ends = np.array([_border(parts, kerb, 1)[-1], _border(parts, middle, -1)[-1]])
    way = _direction(middle)
    parts.stop_lines.append(StopLine(ends - 0.4 * way))


def _direction(lane: Lane) -> Points:
    step = lane.line_m[-1] - lane.line_m[-2]
    return np.asarray(step / np.linalg.norm(step))


def _head(
    parts: WorldParts,
    network: RoadNetwork,
    edge: Edge,
    lanes: list[int],
    controlled: Sequence[Connection],
    name: str,
) -> TrafficLight:
    style = parts.country
    lane = edge.lanes[lanes[0]]
    way = _direction(lane)
    aside = np.array([-way[1], way[0]]) * _kerb(parts)
    centre = np.mean([edge.lanes[i].line_m[-1] for i in lanes], axis=0)
    outermost = edge.surface[0]
    foot = outermost.line_m[-1] + aside * (outermost.width_m / 2 + SHOULDER_M + 0.6)
    by_kerb = lanes[0] == edge.driving[0].index
    if style.far_signals:
        away = _way_across(network, edge, lanes, controlled, way) + 1.0
        place, foot, height = centre + away * way, foot + away * way, _FAR_HEIGHT_M
    elif by_kerb:
        place, height = foot, _NEAR_HEIGHT_M
    else:
        place, height = centre + 0.3 * way, _ARM_HEIGHT_M
    return TrafficLight(
        name=name,
        x_m=float(place[0]),
        y_m=float(place[1]),
        height_m=height,
        yaw_rad=float(np.arctan2(-way[1], -way[0])),
        horizontal=style.horizontal_signals,
        lanes=tuple(edge.lanes[i].name for i in lanes),
        pole_x_m=float(foot[0]),
        pole_y_m=float(foot[1]),
    )


def _way_across(
    network: RoadNetwork,
    edge: Edge,
    lanes: list[int],
    controlled: Sequence[Connection],
    way: Points,
) -> float:
    """Distance along the approach to where the straight link, or any link, continues."""
    start = edge.lanes[lanes[0]].line_m[-1]
    ahead = [
        float((network.edges[c.next_edge].lanes[c.next_lane].line_m[0] - start) @ way)
        for c in sorted(controlled, key=lambda c: c.turn != "s")
        if c.turn == "s"
    ]
    if ahead:
        return max(ahead[0], 8.0)
    corners = network.junctions[edge.end]
    return max(float(((corners - start) @ way).max()), 8.0)


def _furnish(parts: WorldParts) -> None:
    """Houses and lamps along the streets, trees along the highway."""
    streets = [edge for edge in parts.edges if edge.sidewalk_m > 0]
    others = [edge for edge in parts.edges if edge.sidewalk_m <= 0]
    # The lists are shared: what is added ends up in ``parts``.
    furnish(replace(parts, edges=streets), TOWN)
    furnish(replace(parts, edges=others, seed=parts.seed + 1), COUNTRYSIDE)
