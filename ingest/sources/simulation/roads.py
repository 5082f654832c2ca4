"""Roads of a simulated fleet's maps, as rows of the table roads."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ingest.schemas import ROADS
from ingest.simulation.maps.geography import degrees_of
from ingest.simulation.maps.roads import DRIVE, Edge, RoadNetwork
from ingest.simulation.maps.world import offset_line
from ridealong.arrays import Floats

HIGHWAY, STREET = "highway", "street"
_FASTEST_STREET_MPS = 16.0  # 58 km/h; a ramp allows more


def road_rows(network: RoadNetwork, name: str, country: str) -> pa.Table:
    """One map's rows of the table roads: each direction of a road, each way over a junction."""
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
    line_m: Floats
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
