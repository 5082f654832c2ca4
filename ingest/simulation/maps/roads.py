"""SUMO's road network, read from its file: lanes, connections, junctions, crossings, signals.

Plain XML and numpy, so that traffic processes and the cameras can read it without SUMO.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.values import Points

WALK, BICYCLE, DRIVE = "walk", "bicycle", "drive"


@dataclass(frozen=True, eq=False)
class Lane:
    """One lane; ``kind`` is `WALK`, `BICYCLE` or `DRIVE`, ``index`` counts from the kerb."""

    name: str
    edge: str
    index: int
    kind: str
    speed_mps: float
    width_m: float
    length_m: float
    line_m: Points


@dataclass(frozen=True, eq=False)
class Edge:
    """One direction of a road; its lanes from the kerb to the middle."""

    name: str
    start: str
    end: str
    lanes: tuple[Lane, ...]

    @property
    def driving(self) -> tuple[Lane, ...]:
        """Lanes for motor vehicles."""
        return tuple(lane for lane in self.lanes if lane.kind == DRIVE)

    @property
    def surface(self) -> tuple[Lane, ...]:
        """Lanes on the road's surface: all but the sidewalk."""
        return tuple(lane for lane in self.lanes if lane.kind != WALK)


@dataclass(frozen=True)
class Connection:
    """From the end of a lane to the start of another, over the junction's lane ``via``.

    ``signal`` and ``link`` name the traffic light and its place in the state; ``""`` and -1 none.
    ``turn`` is SUMO's: s straight, l and r, L and R for slight ones.
    """

    edge: str
    lane: int
    next_edge: str
    next_lane: int
    via: str
    signal: str
    link: int
    turn: str


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """A map as in SUMO; world frame as in `ingest.simulation.scene`."""

    left_hand: bool
    edges: dict[str, Edge]
    inner: dict[str, Lane]  # lanes over junctions, by name
    connections: tuple[Connection, ...]
    junctions: dict[str, Points]
    crossings: tuple[Lane, ...]
    signals: dict[str, tuple[str, ...]]  # states of the phases, by traffic light

    @cached_property
    def followers(self) -> dict[str, tuple[Connection, ...]]:
        """Connections for motor vehicles that leave each edge."""
        out: dict[str, list[Connection]] = {name: [] for name in self.edges}
        for c in self.connections:
            if self.edges[c.edge].lanes[c.lane].kind == DRIVE:
                out[c.edge].append(c)
        return {name: tuple(found) for name, found in out.items()}

    @cached_property
    def roads(self) -> tuple[Edge, ...]:
        """Edges that motor vehicles use."""
        return tuple(edge for edge in self.edges.values() if edge.driving)


@lru_cache(maxsize=8)
def read_network(path: Path) -> RoadNetwork:
    """Read a ``.net.xml``; the same path gives the same object."""
    root = ET.parse(path).getroot()
    edges: dict[str, Edge] = {}
    inner: dict[str, Lane] = {}
    crossings: list[Lane] = []
    for element in root.iter("edge"):
        lanes = tuple(_lane(lane, element.get("id", "")) for lane in element.iter("lane"))
        function = element.get("function", "normal")
        if function == "normal":
            name = element.get("id", "")
            edges[name] = Edge(name, element.get("from", ""), element.get("to", ""), lanes)
        elif function == "crossing":
            crossings.extend(lanes)
        elif function == "internal":
            inner.update({lane.name: lane for lane in lanes})
    return RoadNetwork(
        left_hand=root.get("lefthand") == "true",
        edges=edges,
        inner=inner,
        connections=tuple(
            _connection(c)
            for c in root.iter("connection")
            if c.get("from") in edges and c.get("to") in edges
        ),
        junctions={
            j.get("id", ""): _points(j.get("shape", ""))
            for j in root.iter("junction")
            if j.get("type") != "internal" and j.get("shape")
        },
        crossings=tuple(crossings),
        signals={
            t.get("id", ""): tuple(p.get("state", "") for p in t.iter("phase"))
            for t in root.iter("tlLogic")
        },
    )


def line_length(line_m: Points) -> float:
    """Length of a line."""
    return float(np.linalg.norm(np.diff(line_m, axis=0), axis=1).sum())


def point_at(line_m: Points, along_m: float) -> tuple[Points, float]:
    """Place on a line, and its direction there; held at the ends."""
    steps = np.diff(line_m, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    at = float(np.clip(along_m, 0.0, starts[-1]))
    i = int(np.clip(np.searchsorted(starts, at, side="right") - 1, 0, len(lengths) - 1))
    way = steps[i] / max(lengths[i], 1e-9)
    return line_m[i] + way * (at - starts[i]), float(np.arctan2(way[1], way[0]))


def points_at(line_m: Points, along_m: NDArray[np.float64]) -> Points:
    """Places on a line, ``(N, 2)``; held at the ends."""
    lengths = np.linalg.norm(np.diff(line_m, axis=0), axis=1)
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    return np.stack([np.interp(along_m, starts, line_m[:, i]) for i in (0, 1)], axis=1)


def _lane(element: ET.Element, edge: str) -> Lane:
    allow, disallow = element.get("allow", "").split(), element.get("disallow", "").split()
    kind = DRIVE
    if allow == ["pedestrian"]:
        kind = WALK
    elif "passenger" in disallow or (allow and "passenger" not in allow):
        kind = BICYCLE
    return Lane(
        name=element.get("id", ""),
        edge=edge,
        index=int(element.get("index", "0")),
        kind=kind,
        speed_mps=float(element.get("speed", "0")),
        width_m=float(element.get("width", "3.2")),
        length_m=float(element.get("length", "0")),
        line_m=_points(element.get("shape", "")),
    )


def _connection(element: ET.Element) -> Connection:
    return Connection(
        edge=element.get("from", ""),
        lane=int(element.get("fromLane", "0")),
        next_edge=element.get("to", ""),
        next_lane=int(element.get("toLane", "0")),
        via=element.get("via", ""),
        signal=element.get("tl", ""),
        link=int(element.get("linkIndex", "-1")),
        turn=element.get("dir", ""),
    )


def _points(text: str) -> Points:
    rows = [[float(v) for v in place.split(",")[:2]] for place in text.split()]
    return np.array(rows, np.float64).reshape(-1, 2)
