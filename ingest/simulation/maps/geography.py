"""Where maps lie on the globe: a plane around an origin in each country, true to scale near it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ingest.schemas import ROADS
from ingest.simulation.maps.roads import DRIVE, Edge, Points, RoadNetwork
from ingest.simulation.maps.world import offset_line
from ridealong.arrays import Floats

METRES_PER_DEGREE = 111_320.0
ORIGINS_DEG: dict[str, tuple[float, float]] = {
    "DE": (48.765, 11.425),
    "US": (37.395, -122.080),
    "GB": (52.040, -0.760),
    "JP": (35.083, 137.156),
}
HIGHWAY, STREET = "highway", "street"
_FASTEST_STREET_MPS = 16.0  # 58 km/h; a ramp allows more


def degrees_of(country: str, east_m: Floats, north_m: Floats) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of places of a map in a country."""
    latitude, longitude = ORIGINS_DEG[country]
    east = METRES_PER_DEGREE * np.cos(np.radians(latitude))
    return latitude + north_m / METRES_PER_DEGREE, longitude + east_m / east


def road_rows(network: RoadNetwork, name: str, country: str) -> pa.Table:
    """A map's roads as rows of the table roads: every direction, and every way over a junction."""
    ways = [_edge(network, edge) for edge in network.roads]
    ways += [
        _Way(i.name, i.line_m, i.width_m, i.speed_mps)
        for i in network.inner.values()
        if i.kind == DRIVE
    ]
    rows = [_row(way, name, country) for way in ways]
    return pa.Table.from_pylist(rows, schema=ROADS.schema)


@dataclass(frozen=True, eq=False)
class _Way:
    """A stretch of road: its middle, width and limit."""

    name: str
    line_m: Points
    width_m: float
    speed_mps: float


def _edge(network: RoadNetwork, edge: Edge) -> _Way:
    """The lanes for motor vehicles of an edge, as one."""
    kerb, width = edge.driving[0], sum(lane.width_m for lane in edge.driving)
    aside = (width - kerb.width_m) / 2
    # The middle of the road is to the left of the kerb's lane where one drives on the right.
    line = offset_line(kerb.line_m, -aside if network.left_hand else aside)
    return _Way(edge.name, line, width, kerb.speed_mps)


def _row(way: _Way, name: str, country: str) -> dict[str, object]:
    latitude, longitude = degrees_of(country, way.line_m[:, 0], way.line_m[:, 1])
    return {
        "map": name,
        "road": way.name,
        "kind": HIGHWAY if way.speed_mps > _FASTEST_STREET_MPS else STREET,
        "width_m": way.width_m,
        "latitude": np.round(latitude, 7),
        "longitude": np.round(longitude, 7),
    }
