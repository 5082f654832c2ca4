"""The three road networks as plain lines, before netconvert makes lanes of them.

`training`, `calibration` and `test` differ in topology: a bent grid, a star of radials and rings,
and a grown town of T junctions. Around each runs a highway, a closed loop of a different shape with
two interchanges. Right-hand and left-hand traffic share the town; carriageways and ramps swap.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ingest.simulation.values import Points

MEDIAN_M = 5.0
HIGHWAY_LANES = 3
STEP_M = 12.0


@dataclass(frozen=True)
class Kind:
    """A kind of road: lanes in one direction, limit, width of a lane, and what is beside them."""

    lanes: int
    speed_mps: float
    lane_m: float
    sidewalk_m: float
    bicycle_m: float
    priority: int


STREET = Kind(1, 11.11, 3.3, 2.4, 1.6, 3)
AVENUE = Kind(2, 13.89, 3.3, 2.6, 1.6, 5)
RAMP = Kind(1, 19.44, 3.8, 0.0, 0.0, 6)
HIGHWAY = Kind(HIGHWAY_LANES, 33.33, 3.7, 0.0, 0.0, 10)
# Where a ramp joins or leaves, the highway has one lane more.
WEAVING = Kind(HIGHWAY_LANES + 1, 33.33, 3.7, 0.0, 0.0, 10)


@dataclass(frozen=True, eq=False)
class Road:
    """One direction of a road, between two nodes, along a line that starts and ends at them."""

    name: str
    start: str
    end: str
    kind: Kind
    line_m: Points


@dataclass
class Layout:
    """A road network before netconvert.

    Attributes:
        nodes: Place of each node.
        signals: Nodes with traffic lights.
        roads: Every direction of every road.
        lanes_to: Which lane leads to which, ``(road, lane, next road, next lane)``, where
            netconvert must not guess.
    """

    nodes: dict[str, tuple[float, float]] = field(default_factory=dict)
    signals: set[str] = field(default_factory=set)
    roads: list[Road] = field(default_factory=list)
    lanes_to: list[tuple[str, int, str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Loop:
    """The highway around a town: its distance from the centre by angle, and where it is joined."""

    radius_m: Callable[[float], float]
    interchanges: Mapping[str, float]  # node of the town, and the angle at which it is joined

    def line(self, start_rad: float, end_rad: float, offset_m: float) -> Points:
        """Its course between two angles (either way round), moved outwards by ``offset_m``."""
        count = max(int(abs(end_rad - start_rad) * self.radius_m(start_rad) / STEP_M), 3) + 1
        return np.array([self.point(a, offset_m) for a in np.linspace(start_rad, end_rad, count)])

    def point(self, angle_rad: float, offset_m: float) -> tuple[float, float]:
        """Its place at that angle."""
        radius = self.radius_m(angle_rad) + offset_m
        return float(radius * np.cos(angle_rad)), float(radius * np.sin(angle_rad))


def curve(start: Points, start_way: Points, end: Points, end_way: Points) -> Points:
    """A smooth line from ``start`` to ``end`` that leaves and arrives in those directions."""
    reach = float(np.linalg.norm(end - start)) * 0.4
    a, b = start + reach * start_way, end - reach * end_way
    count = max(int(np.linalg.norm(end - start) / STEP_M), 2) + 1
    t = np.linspace(0, 1, count)[:, None]
    return np.asarray(
        (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * a + 3 * (1 - t) * t**2 * b + t**3 * end
    )


def add_street(layout: Layout, a: str, b: str, kind: Kind, bend_m: float = 0.0) -> None:
    """Lay a road of two directions that bulges to the left of ``a → b`` by ``bend_m``."""
    start, end = np.array(layout.nodes[a]), np.array(layout.nodes[b])
    way = end - start
    length = float(np.linalg.norm(way))
    t = np.linspace(0, 1, max(int(length / STEP_M), 1) + 1)[:, None]
    normal = np.array([-way[1], way[0]]) / length
    line = start + t * way + normal * bend_m * np.sin(np.pi * t) ** 2
    layout.roads.append(Road(f"{a}_{b}", a, b, kind, line))
    layout.roads.append(Road(f"{b}_{a}", b, a, kind, line[::-1]))


def add_loop(layout: Layout, loop: Loop, left_hand: bool) -> None:
    """Lay the highway: a carriageway outside without exits, and one inside with them.

    The inner one runs clockwise in right-hand traffic: its kerb side faces the town.
    """
    way = 1 if left_hand else -1
    half = MEDIAN_M / 2
    _add_outer(layout, loop, -way, half)
    joints = sorted(loop.interchanges.items(), key=lambda joint: way * joint[1])
    for town, angle in joints:
        _add_interchange(layout, loop, town, angle, way, half)
    names = [town for town, _ in joints]
    for i, (town, angle) in enumerate(joints):
        previous = names[i - 1]
        before = loop.interchanges[previous]
        turn = (way * (angle - before)) % (2 * np.pi) or 2 * np.pi
        start = before + way * _reach(loop, before, 330.0)
        end = before + way * turn - way * _reach(loop, angle, 330.0)
        name = f"hw_{previous}_{town}"
        line = loop.line(start, end, -half)
        layout.roads.append(Road(name, f"{previous}_e", f"{town}_s", HIGHWAY, line))
        layout.lanes_to += [(name, lane, f"hw_{town}_off", lane + 1) for lane in range(3)]
        layout.lanes_to += [(name, 0, f"hw_{town}_off", 0)]
        layout.lanes_to += [(f"hw_{previous}_on", lane + 1, name, lane) for lane in range(3)]


def _reach(loop: Loop, angle: float, way_m: float) -> float:
    return way_m / loop.radius_m(angle)


def _add_outer(layout: Layout, loop: Loop, way: int, half: float) -> None:
    angles = [0.3, 0.3 + 2 * np.pi / 3, 0.3 + 4 * np.pi / 3]
    for i, angle in enumerate(angles):
        layout.nodes[f"out{i}"] = loop.point(angle, half)
    for i, angle in enumerate(angles):
        following = (i + way) % 3
        line = loop.line(angle, angle + way * 2 * np.pi / 3, half)
        name = f"hw_out{i}"
        layout.roads.append(Road(name, f"out{i}", f"out{following}", HIGHWAY, line))
        layout.lanes_to += [(name, lane, f"hw_out{following}", lane) for lane in range(3)]


def _add_interchange(
    layout: Layout, loop: Loop, town: str, angle: float, way: int, half: float
) -> None:
    """Exit and entry towards one node of the town, 190 m before and behind its angle."""
    at = {"s": -330.0, "x": -190.0, "n": 190.0, "e": 330.0}
    angles = {key: angle + way * _reach(loop, angle, metres) for key, metres in at.items()}
    for key, place in angles.items():
        layout.nodes[f"{town}_{key}"] = loop.point(place, -half)

    def stretch(name: str, a: str, b: str, kind: Kind) -> None:
        line = loop.line(angles[a], angles[b], -half)
        layout.roads.append(Road(f"hw_{town}_{name}", f"{town}_{a}", f"{town}_{b}", kind, line))

    stretch("off", "s", "x", WEAVING)
    stretch("mid", "x", "n", HIGHWAY)
    stretch("on", "n", "e", WEAVING)
    _add_ramps(layout, town, angles, way, loop, half)
    for lane in range(3):
        layout.lanes_to.append((f"hw_{town}_off", lane + 1, f"hw_{town}_mid", lane))
        layout.lanes_to.append((f"hw_{town}_mid", lane, f"hw_{town}_on", lane + 1))
    layout.lanes_to.append((f"hw_{town}_off", 0, f"ramp_{town}_off", 0))
    layout.lanes_to.append((f"ramp_{town}_on", 0, f"hw_{town}_on", 0))


def _add_ramps(
    layout: Layout, town: str, angles: dict[str, float], way: int, loop: Loop, half: float
) -> None:
    gate = np.array(layout.nodes[town])
    for key, leaves in (("x", True), ("n", False)):
        # Ramps are on the kerb side: their line starts where the outermost lane's border is.
        place = np.array(loop.point(angles[key], -half - HIGHWAY_LANES * HIGHWAY.lane_m))
        ahead = np.array(loop.point(angles[key] + way * 0.01, -half)) - np.array(
            loop.point(angles[key], -half)
        )
        ahead /= np.linalg.norm(ahead)
        outwards = np.array([np.cos(angles[key]), np.sin(angles[key])])
        if leaves:
            line = curve(place, ahead, gate, -outwards)
            layout.roads.append(Road(f"ramp_{town}_off", f"{town}_x", town, RAMP, line))
        else:
            line = curve(gate, outwards, place, ahead)
            layout.roads.append(Road(f"ramp_{town}_on", town, f"{town}_n", RAMP, line))


def bent_grid(left_hand: bool) -> Layout:
    """A grid of 4 by 4, bent and shifted, inside an oval."""
    layout = Layout()
    rng = np.random.default_rng(20)
    for i in range(4):
        for j in range(4):
            x, y = (i - 1.5) * 230 + rng.uniform(-35, 35), (j - 1.5) * 200 + rng.uniform(-30, 30)
            layout.nodes[f"g{i}{j}"] = (float(x), float(y))
    for i in range(4):
        for j in range(4):
            kind = AVENUE if j in (1, 2) else STREET
            if i < 3:
                add_street(layout, f"g{i}{j}", f"g{i + 1}{j}", kind, rng.uniform(-28, 28))
            if j < 3:
                kind = AVENUE if i == 2 else STREET
                add_street(layout, f"g{i}{j}", f"g{i}{j + 1}", kind, rng.uniform(-24, 24))
    layout.signals = {"g11", "g12", "g21", "g22", "g31", "g02", "g20", "g23"}
    loop = Loop(lambda a: 820 + 130 * np.cos(2 * a), {"g31": -0.28, "g02": np.pi - 0.3})
    add_loop(layout, loop, left_hand)
    return layout


def star(left_hand: bool) -> Layout:
    """Five radials and two rings inside a loop with five bulges."""
    layout = Layout(nodes={"centre": (0.0, 0.0)})
    spokes = 5
    for i in range(spokes):
        angle = 2 * np.pi * i / spokes + 0.15 * (-1) ** i
        for ring, radius in (("a", 190 + 15 * (i % 2)), ("b", 400 - 20 * (i % 3))):
            place = radius * np.array([np.cos(angle), np.sin(angle)])
            layout.nodes[f"{ring}{i}"] = (float(place[0]), float(place[1]))
    for i in range(spokes):
        add_street(layout, "centre", f"a{i}", AVENUE, 8.0 * (-1) ** i)
        add_street(layout, f"a{i}", f"b{i}", AVENUE, 22.0 * (-1) ** i)
        add_street(layout, f"a{i}", f"a{(i + 1) % spokes}", STREET, -38.0)
        add_street(layout, f"b{i}", f"b{(i + 1) % spokes}", AVENUE, -80.0)
    layout.signals = {"centre", "a0", "a2", "a3", "b0", "b1", "b3"}
    loop = Loop(lambda a: 840 + 60 * np.cos(5 * a), {"b0": 0.12, "b3": 3.9})
    add_loop(layout, loop, left_hand)
    return layout


_TOWN = {
    "p0": (-430, -120),
    "p1": (-260, -40),
    "p2": (-60, 10),
    "p3": (150, -50),
    "p4": (340, 40),
    "n1": (-310, 190),
    "n2": (-90, 240),
    "n3": (130, 190),
    "n4": (290, 260),
    "s1": (-330, -300),
    "s2": (-110, -210),
    "s3": (90, -290),
    "s4": (300, -210),
    "w1": (-180, 400),
    "w2": (100, 410),
}
_WAYS: tuple[tuple[str, str, Kind, float], ...] = (
    ("p0", "p1", AVENUE, 14),
    ("p1", "p2", AVENUE, -16),
    ("p2", "p3", AVENUE, 24),
    ("p3", "p4", AVENUE, -18),
    ("p1", "n1", STREET, 20),
    ("n1", "n2", STREET, 26),
    ("p2", "n2", AVENUE, -14),
    ("n2", "n3", STREET, -22),
    ("p3", "n3", STREET, 10),
    ("n3", "n4", AVENUE, 12),
    ("n4", "p4", AVENUE, 34),
    ("n1", "w1", STREET, 20),
    ("n2", "w1", STREET, 10),
    ("w1", "w2", STREET, 40),
    ("w2", "n3", STREET, -12),
    ("p0", "s1", STREET, -26),
    ("s1", "s2", STREET, -30),
    ("p2", "s2", AVENUE, 22),
    ("s2", "s3", AVENUE, -20),
    ("s3", "s4", STREET, -24),
    ("p3", "s3", STREET, -16),
    ("s4", "p4", STREET, -30),
    ("w2", "n4", STREET, 22),
)


def grown_town(left_hand: bool) -> Layout:
    """A grown town, mostly T junctions, inside a loop like a rounded triangle."""
    layout = Layout(nodes={name: (float(x), float(y)) for name, (x, y) in _TOWN.items()})
    for a, b, kind, bend in _WAYS:
        add_street(layout, a, b, kind, bend)
    layout.signals = {"p0", "p1", "p2", "p3", "p4", "n2", "n3", "s2", "s3"}
    loop = Loop(lambda a: 850 + 75 * np.cos(3 * a + 0.6), {"p4": 0.1, "p0": np.pi + 0.25})
    add_loop(layout, loop, left_hand)
    return layout


LAYOUTS: dict[str, Callable[[bool], Layout]] = {
    "training": bent_grid,
    "calibration": star,
    "test": grown_town,
}
