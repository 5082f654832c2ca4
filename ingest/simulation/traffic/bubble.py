"""Traffic that exists only around the ego: added out of sight, removed when far away.

New road users appear beyond what the ego's log sees and are gone a little farther out, so the
number of vehicles stays as requested, for any size of the map.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import libsumo as sumo
import numpy as np
from numpy.typing import NDArray

from ingest.simulation.maps.roads import DRIVE, WALK, Edge, Lane, RoadNetwork, points_at
from ingest.simulation.traffic import road_users
from ingest.simulation.traffic.road_users import KINDS, PEDESTRIAN
from ingest.simulation.values import Colour

EGO = "ego"
_POSITION = sumo.constants.VAR_POSITION
PLACE_STEP_M = 12.0
# Seen to 120 m; a vehicle that appears at 135 m is not noticed.
APPEAR_M = 135.0
REACH_M = {"city": 280.0, "highway": 235.0}
ROUTE_M = {"city": 900.0, "highway": 3000.0}
PEOPLE_M = (95.0, 150.0)
MIN_SPACING_M = {"city": 16.0, "highway": 26.0}


@dataclass(frozen=True)
class Track:
    """A road user: number, kind (index into `KINDS`), size and paint."""

    number: int
    kind: int
    body: road_users.Body
    rgb: Colour

    def row(self) -> tuple[float, ...]:
        """Number, kind, length, width, height, red, green, blue."""
        body = self.body
        return (self.number, self.kind, body.length_m, body.width_m, body.height_m, *self.rgb)


@dataclass(frozen=True)
class Places:
    """Points along lanes where a road user can appear: ``xy`` is ``(N, 2)``."""

    xy: NDArray[np.float64]
    lanes: tuple[Lane, ...]
    edges: NDArray[np.str_]
    along_m: NDArray[np.float64]


class Bubble:
    """The road users around the ego."""

    def __init__(
        self,
        network: RoadNetwork,
        rng: np.random.Generator,
        road: str,
        mix: Mapping[str, float],
        aggressive: float,
    ) -> None:
        self.network, self.rng, self.road = network, rng, road
        self.reach_m = REACH_M[road]
        self.tracks: dict[str, Track] = {}
        self.ego_edges: list[str] = []
        self._aggressive = aggressive
        self._kinds = sorted(mix)
        shares = np.array([mix[kind] for kind in self._kinds], np.float64)
        self._shares = shares / shares.sum()
        self._places = places(network, DRIVE)
        self._walks = places(network, WALK)
        self._corners = _corners(network)

    def ego_route(self, seconds: float) -> tuple[list[str], float]:
        """A route of at least that length for the ego, and where on its first road it starts."""
        start = [edge for edge in self.network.roads if self._is_mine(edge.name)]
        start = [edge for edge in start if edge.lanes[-1].length_m > 60]
        edge = start[int(self.rng.integers(len(start)))]
        limit = 38.0 if self.road == "highway" else 17.0
        self.ego_edges = self._walk(edge.name, None, limit * (seconds + 30), stay=True)
        return self.ego_edges, float(self.rng.uniform(10, edge.lanes[-1].length_m * 0.5))

    def top_up(
        self,
        around: Mapping[str, Mapping[int, Any]],
        here: tuple[float, float],
        wanted: int,
        first: bool,
    ) -> None:
        """Remove vehicles that are far away, and add as many as are missing."""
        there = [name for name in around if name in self.tracks and name[0] == "v"]
        for name in sumo.vehicle.getIDList():
            if name != EGO and name not in around:
                sumo.vehicle.remove(name)
        lacking = wanted - len(there)
        if lacking <= 0:
            return
        taken = [here, *(around[name][_POSITION] for name in there)]
        nearest = 18.0 if first else APPEAR_M
        chosen = self._choose(self._places, here, (nearest, self.reach_m - 15), taken, lacking)
        for place in chosen:
            self._add_vehicle(place)

    def top_up_people(
        self,
        around: Mapping[str, Mapping[int, Any]],
        here: tuple[float, float],
        wanted: int,
        first: bool,
    ) -> None:
        """The same with pedestrians."""
        there = sum(name[0] == "p" for name in around)
        for name in sumo.person.getIDList():
            if name not in around:
                sumo.person.remove(name)
        lacking = wanted - there
        if lacking > 0:
            near, far = (12.0, PEOPLE_M[1]) if first else PEOPLE_M
            for place in self._choose(self._walks, here, (near, far), [], lacking):
                self._add_person(place)

    def _choose(
        self,
        where: Places,
        here: tuple[float, float],
        ring_m: tuple[float, float],
        taken: list[tuple[float, float]],
        count: int,
    ) -> list[int]:
        """Up to ``count`` places in the ring, apart from each other and from other road users."""
        distance = np.hypot(where.xy[:, 0] - here[0], where.xy[:, 1] - here[1])
        found = np.flatnonzero((distance > ring_m[0]) & (distance < ring_m[1]))
        spacing = MIN_SPACING_M[self.road] if taken else 3.0
        if taken:
            apart = np.abs(where.xy[found, None] - np.array(taken)).max(axis=2).min(axis=1)
            found = found[apart > spacing]
        self.rng.shuffle(found)
        # Vehicles on the ego's route matter most: a quarter of the new ones are placed there.
        mine = np.isin(where.edges[found], self._upcoming)
        order = np.concatenate([found[mine][: (count + 3) // 4], found[~mine], found[mine]])
        return _spread(where, order[: 6 * count], spacing, count)

    @property
    def _upcoming(self) -> list[str]:
        at = max(sumo.vehicle.getRouteIndex(EGO), 0)
        return self.ego_edges[at : at + 3]

    def _add_vehicle(self, place: int) -> None:
        lane, along = self._places.lanes[place], self._places.along_m[place]
        kind = self._kinds[int(self.rng.choice(len(self._kinds), p=self._shares))]
        edge = self.network.edges[lane.edge]
        index = lane.index
        if kind == "bicycle":
            paths = [other.index for other in edge.lanes if other.kind == "bicycle"]
            if not paths:
                kind = "car"
            else:
                index = paths[0]
        track = self._new_track("v", kind)
        body = road_users.BODIES[kind].index(track.body)
        temper = "aggressive" if self.rng.random() < self._aggressive else "calm"
        name = f"v{track.number}"
        on_path = kind == "bicycle"
        first = None if on_path else lane.index
        edges = self._walk(lane.edge, first, ROUTE_M[self.road], stay=on_path)
        sumo.route.add(name, edges)
        sumo.vehicle.add(
            name,
            name,
            road_users.type_name(kind, body, temper),
            departLane=str(index),
            departPos=f"{along:.1f}",
            departSpeed="max",
        )

    def _add_person(self, place: int) -> None:
        lane, along = self._walks.lanes[place], self._walks.along_m[place]
        track = self._new_track("p", "pedestrian")
        body = road_users.BODIES["pedestrian"].index(track.body)
        name = f"p{track.number}"
        edges = self._stroll(lane.edge)
        sumo.person.add(name, lane.edge, float(along), typeID=f"pedestrian{body}")
        sumo.person.appendWalkingStage(name, edges, 5.0)

    def _new_track(self, prefix: str, kind: str) -> Track:
        number = len(self.tracks) + 1
        bodies = road_users.BODIES[kind]
        body = bodies[int(self.rng.integers(len(bodies)))]
        track = Track(number, KINDS.index(kind), body, road_users.draw_colour(self.rng, kind))
        self.tracks[f"{prefix}{number}"] = track
        return track

    def _is_mine(self, edge: str) -> bool:
        """Whether an edge is the kind of road that the ego keeps to."""
        return edge.startswith("hw_") == (self.road == "highway") and not edge.startswith("ramp_")

    def _walk(self, edge: str, lane: int | None, way_m: float, stay: bool = False) -> list[str]:
        """Draw a route from an edge; its first step is possible from that lane.

        With ``stay`` it keeps to the town, or to the highway, where there is a choice.
        """
        edges, length = [edge], self.network.edges[edge].lanes[-1].length_m
        while length < way_m:
            ways = self.network.followers[edges[-1]]
            if lane is not None:
                ways = tuple(c for c in ways if c.lane == lane) or ways
                lane = None
            options = sorted({c.next_edge for c in ways})
            if stay:
                options = [name for name in options if self._is_mine(name)] or options
            edges.append(options[int(self.rng.integers(len(options)))])
            length += self.network.edges[edges[-1]].lanes[-1].length_m
        return edges

    def _stroll(self, edge: str) -> list[str]:
        """Draw a route of four sidewalks, around corners and over crossings."""
        edges, corner = [edge], self.network.edges[edge].end
        if self.rng.random() < 0.5:
            corner = self.network.edges[edge].start
        for _ in range(3):
            options = [name for name in self._corners[corner] if name != edges[-1]]
            if not options:
                break
            edges.append(options[int(self.rng.integers(len(options)))])
            found: Edge = self.network.edges[edges[-1]]
            corner = found.end if found.start == corner else found.start
        return edges


def person_track(number: int, rng: np.random.Generator) -> Track:
    """A pedestrian that an incident moves."""
    body = road_users.BODIES["pedestrian"][0]
    return Track(number, PEDESTRIAN, body, road_users.draw_colour(rng, "pedestrian"))


@lru_cache(maxsize=16)
def places(network: RoadNetwork, kind: str) -> Places:
    """Return the places on all lanes of one kind."""
    xy, lanes, along = [], [], []
    for edge in network.edges.values():
        for lane in edge.lanes:
            at = np.arange(8.0, lane.length_m - 8.0, PLACE_STEP_M)
            if lane.kind == kind and len(at):
                xy.append(points_at(lane.line_m, at))
                lanes.extend([lane] * len(at))
                along.append(at)
    edges = np.array([lane.edge for lane in lanes])
    return Places(np.concatenate(xy), tuple(lanes), edges, np.concatenate(along))


def _spread(where: Places, order: NDArray[np.int64], apart_m: float, count: int) -> list[int]:
    """The first ``count`` places of ``order`` that are that far from each other."""
    chosen: list[int] = []
    for i in order.tolist():
        x, y = where.xy[i]
        crowded = any(
            abs(x - where.xy[k, 0]) < apart_m and abs(y - where.xy[k, 1]) < apart_m for k in chosen
        )
        if not crowded:
            chosen.append(i)
            if len(chosen) == count:
                break
    return chosen


def _corners(network: RoadNetwork) -> dict[str, list[str]]:
    """Roads with a sidewalk that meet at each junction."""
    out: dict[str, list[str]] = {}
    for edge in network.edges.values():
        if any(lane.kind == WALK for lane in edge.lanes):
            for corner in (edge.start, edge.end):
                out.setdefault(corner, []).append(edge.name)
    return out
