from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.simulation.cameras.labels import label_clip
from ingest.simulation.cameras.lines import lines_near
from ingest.simulation.cameras.render import Renderer
from ingest.simulation.cameras.top_down import (
    CLEARANCE_M,
    KERB_M,
    Cells,
    Touched,
    standing,
    top_down,
    touched_by_blocks,
    touched_by_discs,
)
from ingest.simulation.maps.world import Profile, crossing, furnish
from ingest.simulation.rig import rig_cameras
from ingest.simulation.scene import Actor, SceneState, StaticWorld, blocks, poles, stack_actors
from ingest.simulation.scene import trees as planted
from ridealong.perception.annotations import BevLayer, ObjectCategory
from tests.oracles.roads import straight_road

GREY = (120, 120, 120)
PEOPLE = {ObjectCategory.PEDESTRIAN, ObjectCategory.BICYCLE, ObjectCategory.MOTORCYCLE}


def actor(category: ObjectCategory, x: float, y: float, yaw: float = 0.0, track: int = 1) -> Actor:
    size = (0.6, 0.64, 1.7) if category is ObjectCategory.PEDESTRIAN else (4.6, 1.85, 1.45)
    return Actor(track, category, x, y, yaw, *size)


@lru_cache(maxsize=4)
def renderer_of(world: StaticWorld) -> Renderer:
    return Renderer(world, rig_cameras(32, 16), 1)


def layout(world: StaticWorld, state: SceneState) -> dict[str, Cells]:
    renderer = renderer_of(world)
    renderer.render(state, 0)
    return top_down(renderer, world, state, lines_near(world, state))


def grid(touched: Touched) -> Cells:
    cells = np.zeros((64, 64), np.uint8)
    cells[touched[1], touched[2]] = 1
    return cells


def span(cells: Cells) -> tuple[int, ...]:
    """First and last row, first and last column."""
    rows, columns = np.nonzero(cells)
    return (rows.min(), rows.max(), columns.min(), columns.max())


@pytest.fixture(scope="module")
def bare() -> StaticWorld:
    return straight_road(600, Profile(2, 2)).finish()


def test_layers_of_a_road(bare: StaticWorld) -> None:
    walks = actor(ObjectCategory.PEDESTRIAN, 20, -9, track=2)
    actors = [actor(ObjectCategory.CAR, 30.5, -1.7), walks]
    layers = layout(bare, SceneState(10.0, -1.7, 0.0, actors=stack_actors(actors)))
    assert {name: cells.shape for name, cells in layers.items()} == {
        layer.value: (64, 64) for layer in BevLayer
    }
    # 20.5 m ahead: row 48 - 20.5 = 27.5; straight ahead: between columns 31 and 32.
    assert span(layers["vehicle"]) == (25, 29, 31, 32)
    # 10 m ahead, 7.3 m to the right: between rows 37 and 38, 6.98 to 7.62 m.
    assert span(layers["person"]) == (37, 38, 38, 39)
    across = layers["road"][30]
    # The road reaches from 5.6 m to the right of the ego to 9.0 m to its left.
    assert (
        np.flatnonzero(across).tolist() == list(range(32 - 9, 32 + 6))
        or abs(across.sum() - 15) <= 1
    )
    assert np.flatnonzero(layers["road_edge"][30]).tolist() == pytest.approx([23, 37], abs=1)
    assert layers["lane_line"][30].sum() == 5
    both = layers["vehicle"] | layers["person"]
    assert np.array_equal(layers["occupancy"], both)  # nothing else stands here


@pytest.mark.parametrize("category", list(ObjectCategory))
def test_who_is_a_vehicle_and_who_a_person(bare: StaticWorld, category: ObjectCategory) -> None:
    state = SceneState(10.0, -1.7, 0.0, actors=stack_actors([actor(category, 20, 3, 0.5)]))
    layers = layout(bare, state)
    assert bool(layers["vehicle"].any()) == (category is not ObjectCategory.PEDESTRIAN)
    assert bool(layers["person"].any()) == (category in PEOPLE)
    assert layers["occupancy"].any()


@pytest.mark.parametrize("yaw", [0.0, 0.7, 2.5])
def test_layers_agree_with_the_3d_boxes(yaw: float) -> None:
    world = furnish(crossing(Profile(1, 1), seed=2)).finish()
    crowd = [
        Actor(k + 1, list(ObjectCategory)[k % 6], -40 + 5 * k, 6 * (-1) ** k, 0.4 * k, 3, 1, 1.7)
        for k in range(16)
    ]
    state = SceneState(-30, -1.7, yaw, actors=stack_actors(crowd))
    found = label_clip(Renderer(world, rig_cameras(80, 48), 1), world, [(0, state)])
    seen = [r for r in found.sparse.to_pylist() if r["task"] == "objects"]
    assert {r["category"] for r in seen} & {c.value for c in PEOPLE}
    occupied = found.bev["occupancy"][0]
    for row in seen:
        cell = int(np.floor(48 - row["x_m"])), int(np.floor(32 - row["y_m"]))
        if not (0 <= cell[0] < 64 and 0 <= cell[1] < 64):
            continue
        assert found.bev["person"][0][cell] or row["category"] not in {c.value for c in PEOPLE}
        assert found.bev["vehicle"][0][cell] or row["category"] == "pedestrian"
        assert occupied[cell]
    for name in ("vehicle", "person"):
        assert (occupied >= found.bev[name][0]).all()
    assert occupied.sum() > (found.bev["vehicle"] | found.bev["person"]).sum()


@pytest.mark.parametrize(
    ("name", "what", "cells"),
    [
        ("buildings", blocks([(20.5, 5.5, 0, 4, 2, 8, GREY)]), (25, 29, 25, 27)),
        ("buildings", blocks([(20.5, 5.5, 0, 4, 2, KERB_M, GREY)]), None),  # to be driven over
        ("poles", poles([(20.5, 5.5, 6, 0, 4, True)]), (27, 27, 26, 26)),  # but not its arm
        ("trees", planted([(20.5, 5.5, 2.5, 4, 2, GREY)]), (27, 27, 26, 26)),  # its trunk
        ("trees", planted([(20.5, 5.5, 0, 1.2, 1.2, GREY)]), (26, 28, 25, 27)),  # a bush
        ("trees", planted([(20.5, 5.5, 1.0, 8, 3, GREY)]), (25, 29, 24, 28)),  # its crown at 2 m
    ],
)
def test_what_occupies(name: str, what: object, cells: tuple[int, ...] | None) -> None:
    world = replace(straight_road(600).finish(), **{name: what})
    occupied = layout(world, SceneState(0, 0, 0))["occupancy"]
    assert (span(occupied) if occupied.any() else None) == cells


def test_a_crown_counts_as_wide_as_it_is_at_the_clearance() -> None:
    tree = planted([(0, 0, 1.0, 4, 2, GREY)])  # its middle is at 3 m: half way down at 2 m
    world = replace(straight_road(600).finish(), trees=tree)
    expected = 2 * np.sqrt(1 - ((CLEARANCE_M - 3) / 2) ** 2)
    assert standing(world).radius_m.max() == pytest.approx(expected)


def test_nothing_stands_nowhere() -> None:
    empty = np.zeros((0, 2))
    far = np.array([[500.0, -900.0]])
    for touched in (
        touched_by_blocks(empty, empty, np.zeros(0)),
        touched_by_discs(empty, np.zeros(0)),
        touched_by_blocks(far, far / far, np.zeros(1)),
    ):
        assert [len(column) for column in touched] == [0, 0, 0]


@given(st.lists(st.tuples(st.floats(-20, 50), st.floats(-35, 35), st.floats(0.05, 9)), min_size=1))
def test_discs_touch_the_cells_that_they_reach(discs: list[tuple[float, float, float]]) -> None:
    x, y, radius = np.array(discs).T
    found = grid(touched_by_discs(np.stack([x, y], axis=1), radius))
    ahead, left = 48.0 - np.arange(64), 32.0 - np.arange(64)  # the far and the left side of cells
    dx = x[:, None] - np.clip(x[:, None], ahead - 1, ahead)
    dy = y[:, None] - np.clip(y[:, None], left - 1, left)
    off = np.hypot(dx[:, :, None], dy[:, None, :])
    assert found[(off < radius[:, None, None] - 1e-9).any(axis=0)].all()
    assert not found[(off > radius[:, None, None] + 1e-9).all(axis=0)].any()


@given(
    st.floats(-20, 50),
    st.floats(-35, 35),
    st.floats(0.05, 6),
    st.floats(0.05, 3),
    st.floats(-4, 4),
)
def test_rectangles_touch_the_cells_of_their_points(
    x: float, y: float, along: float, across: float, yaw: float
) -> None:
    """Every point of it lies in a touched cell; every touched cell is within its reach."""
    half = np.array([[along, across]])
    one = grid(touched_by_blocks(np.array([[x, y]]), half, np.array([yaw])))
    a, b = np.meshgrid(np.linspace(-along, along, 41), np.linspace(-across, across, 41))
    inner = 1 - 1e-9
    px = x + inner * (np.cos(yaw) * a - np.sin(yaw) * b)
    py = y + inner * (np.sin(yaw) * a + np.cos(yaw) * b)
    row, column = np.floor(48 - px).astype(int), np.floor(32 - py).astype(int)
    inside = (row >= 0) & (row < 64) & (column >= 0) & (column < 64)
    assert one[row[inside], column[inside]].all()
    rows, columns = np.nonzero(one)
    dx, dy = 47.5 - rows - x, 31.5 - columns - y
    forward, left = np.cos(yaw) * dx + np.sin(yaw) * dy, np.cos(yaw) * dy - np.sin(yaw) * dx
    assert (np.abs(forward) <= along + np.sqrt(0.5)).all()
    assert (np.abs(left) <= across + np.sqrt(0.5)).all()
