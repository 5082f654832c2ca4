"""Where carriageways part and join: nothing of one stands on the other."""

from pathlib import Path

import numpy as np
import pytest

from ingest.simulation.maps.build import MAPS, build_map
from ingest.simulation.maps.merges import Carriageway, clear_pieces
from ingest.simulation.maps.network_world import map_world
from ingest.simulation.maps.roads import DRIVE, read_network
from ingest.simulation.maps.world import resample

pytestmark = pytest.mark.slow


ROAD = Carriageway(np.array([[0.0, 0.0], [100.0, 0.0]]), half_m=5.0)


def test_what_runs_across_is_cut() -> None:
    line = np.array([[50.0, -20.0], [50.0, 20.0]])
    before, after = clear_pieces(line, [ROAD])
    assert before.tolist() == [[50, float(y)] for y in range(-20, -4)]
    assert after.tolist() == [[50, float(y)] for y in range(5, 21)]


@pytest.mark.parametrize(
    "line",
    [[[0, 5], [100, 5]], [[-20, 0], [-1, 0]], [[0, 9], [100, 9]]],
    ids=["border", "end", "by"],
)
def test_what_touches_or_passes_stays_as_it_is(line: list[list[float]]) -> None:
    (piece,) = clear_pieces(np.array(line, float), [ROAD])
    assert piece.tolist() == line


def test_what_lies_on_it_goes() -> None:
    assert clear_pieces(np.array([[10.0, 1.0], [90.0, 1.0]]), [ROAD]) == []
    assert clear_pieces(np.array([[10.0, 1.0], [90.0, 1.0]]), []) != []


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize(("left", "country"), [(False, "DE"), (True, "JP")])
def test_no_edge_stands_on_a_lane_of_the_highway(
    tmp_path: Path, name: str, left: bool, country: str
) -> None:
    path = build_map(tmp_path, name, left)
    lanes = [
        Carriageway(lane.line_m, lane.width_m / 2)
        for edge in read_network(path).roads
        if edge.lanes[0].kind == DRIVE and not edge.name.startswith("hw_out")
        for lane in edge.driving
    ]
    for edge in map_world(path, country).world.edges:
        xy = resample(edge.points_m, 1.0)[0]
        assert not any(lane.holds(xy).any() for lane in lanes)
