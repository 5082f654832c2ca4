import numpy as np
import pytest

from ingest.simulation.cameras.ground import (
    CELLS,
    FINE_M,
    FINE_REACH_M,
    ROAD,
    TEXELS,
    TilePlace,
    Tiles,
    ground_plan,
)
from ingest.simulation.maps.world import (
    Profile,
    arc,
    crossing,
    furnish,
    line_length,
    offset_line,
    resample,
)
from ingest.simulation.scene import COUNTRIES, StaticWorld
from tests.oracles.ground import paint_tile
from tests.oracles.roads import curved_road, straight_road

pytestmark = pytest.mark.slow


ROAD_ID, MARKING_ID, SIDEWALK_ID, TERRAIN_ID = range(4)


def surface(world: StaticWorld, x: float, y: float) -> int:
    """What lies at a place, from the finest texels."""
    size = FINE_M * CELLS
    plan = ground_plan(world)
    texels = np.zeros(TEXELS, np.uint32)
    i, j = np.floor(x / size), np.floor(y / size)
    paint_tile(plan, TilePlace(i * size, j * size, FINE_M), texels)
    column, row = round((x - i * size) / FINE_M), round((y - j * size) / FINE_M)
    return int(texels[row * (CELLS + 1) + column] >> 24)


def test_offset_keeps_its_distance_in_a_bend() -> None:
    circle = arc((0, 0), 50, 0, np.pi)
    radii = np.hypot(*offset_line(circle, 3.0).T)
    np.testing.assert_allclose(radii, 47, atol=0.02)


def test_resampling_keeps_ends_and_spacing() -> None:
    xy, heading = resample(np.array([[0.0, 0], [10, 0], [10, 5]]), 1.0)
    assert xy[0].tolist() == [0, 0]
    assert xy[-1].tolist() == [10, 5]
    assert len(xy) == 16
    np.testing.assert_allclose(heading[[0, -1]], [0, np.pi / 2])
    assert line_length(xy) == pytest.approx(15)


# Two lanes of 3.4 m either way, 0.5 m shoulder, 2.4 m sidewalk, along the x axis.
@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (-1.7, ROAD_ID),
        (-6.8, MARKING_ID),
        (-7.1, ROAD_ID),
        (-8.5, SIDEWALK_ID),
        (-12.0, TERRAIN_ID),
        (8.5, SIDEWALK_ID),
        (6.8, MARKING_ID),
    ],
)
def test_cross_section_of_a_road(y: float, expected: int) -> None:
    world = straight_road(200, Profile(2, 2)).finish()
    assert surface(world, 3.0, y) == expected


def test_dashes_have_the_length_of_their_country() -> None:
    world = straight_road(240, Profile(1, 1), "DE").finish()
    painted = [surface(world, -120 + 0.5 + i, 0.0) == MARKING_ID for i in range(24)]
    style = COUNTRIES["DE"]
    expected = [(i + 0.5) % (style.dash_m + style.gap_m) < style.dash_m for i in range(24)]
    assert painted == expected


def test_a_crossing_is_paved_with_rounded_corners() -> None:
    world = crossing(Profile(1, 1)).finish()
    assert surface(world, 0.3, 0.4) == ROAD_ID
    assert surface(world, 5.0, 5.0) == ROAD_ID  # inside the bend of the kerb
    assert surface(world, 8.0, 8.0) != ROAD_ID


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_signals_stop_who_comes_in(country: str) -> None:
    world = crossing(Profile(2, 2), country).finish()
    lanes = {lane.name: lane for lane in world.lanes}
    for light in world.lights:
        for name in light.lanes:
            ahead = lanes[name].points_m[-1] - lanes[name].points_m[-2]
            facing = np.array([np.cos(light.yaw_rad), np.sin(light.yaw_rad)])
            assert ahead @ facing < 0  # its lenses look against the traffic
            behind = (np.array([light.x_m, light.y_m]) - lanes[name].points_m[-1]) @ ahead > 0
            assert behind or not world.country.far_signals


@pytest.mark.parametrize("country", ["DE", "GB"])
def test_one_drives_on_the_side_of_the_country(country: str) -> None:
    world = straight_road(country=country).finish()
    forward = next(lane for lane in world.lanes if lane.name == "road+0")
    assert (forward.points_m[0, 1] > 0) == COUNTRIES[country].left_hand_traffic
    assert forward.points_m[0, 0] < forward.points_m[-1, 0]


@pytest.mark.parametrize("parts", [straight_road(), curved_road(), crossing()])
def test_the_road_lies_left_of_its_edges(parts) -> None:  # type: ignore[no-untyped-def]
    world = parts.finish()
    for edge in world.edges:
        middle = offset_line(edge.points_m, 1.0)[len(edge.points_m) // 2]
        assert surface(world, *middle) in {ROAD_ID, MARKING_ID}


def test_scenery_keeps_clear_of_lanes_and_repeats_with_its_seed() -> None:
    world, again = (furnish(crossing(seed=5)).finish() for _ in range(2))
    assert len(world.buildings) > 10
    assert len(world.trees) > 10
    assert world.poles.lamp.sum() > 5
    np.testing.assert_array_equal(world.buildings.rgb, again.buildings.rgb)
    centres = np.concatenate([resample(lane.points_m, 2.0)[0] for lane in world.lanes])
    for x, y, long, wide in zip(
        world.buildings.x_m,
        world.buildings.y_m,
        world.buildings.length_m,
        world.buildings.width_m,
        strict=True,
    ):
        assert np.hypot(*(centres - [x, y]).T).min() > min(long, wide) / 2 + 1.7
    assert (
        np.hypot(*(centres[:, None] - np.stack([world.trees.x_m, world.trees.y_m], 1)).T) > 2
    ).all()


def test_texture_around_the_ego_stays_small() -> None:
    world = straight_road(3000).finish()
    painted = []
    axes = np.linspace(-1, 1, 24)
    around = np.stack(np.meshgrid(axes, axes), axis=-1).reshape(-1, 2)
    looks = (around * (FINE_REACH_M - FINE_M * CELLS / 4), around * 200)
    tiles = Tiles(ground_plan(world), lambda plan, place, texels: painted.append(place[:2]), looks)
    for x in range(-1400, 1400, 5):
        tiles.cover(float(x), 0.0, 0.3)
    assert tiles.texels.nbytes < 64e6
    assert len(painted) > 1000
    assert (ground_plan(world).planes == ROAD).any()


def test_only_what_is_looked_at_is_painted() -> None:
    painted = []
    world = straight_road(300).finish()
    ahead = np.array([[10.0, 0.0]])
    tiles = Tiles(
        ground_plan(world),
        lambda plan, place, texels: painted.append(place[:2]),
        (ahead, np.zeros((0, 2))),
    )
    side = FINE_M * CELLS
    tiles.cover(side / 2 - 10, side / 2, 0.0)
    assert painted == [(0.0, 0.0)]
    tiles.cover(side / 2, side / 2 - 10, np.pi / 2)  # the same place, seen from elsewhere
    assert len(painted) == 1
    tiles.surface_at(np.array([-1.0]), np.array([5.0]))
    assert len(painted) == 2
