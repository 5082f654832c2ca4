import numpy as np
import pytest

from ingest.simulation.scene import (
    COUNTRIES,
    Actor,
    Conditions,
    SceneState,
    blocks,
    poles,
    seed_of,
    stack_actors,
    to_ego,
    trees,
)
from ridealong.perception.annotations import ObjectCategory


def car(track_id: int) -> Actor:
    return Actor(track_id, ObjectCategory.CAR, 1, 2, 0, 4.5, 1.8, 1.5)


@pytest.mark.parametrize("ids", [(1, 1), (0, 2), (-3, 2)], ids=["twice", "zero", "negative"])
def test_track_ids_must_be_unique_from_one(ids: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="track ids"):
        stack_actors([car(i) for i in ids])


def test_no_actors_are_columns_too() -> None:
    actors = stack_actors([])
    assert len(actors) == 0
    assert actors.rgb.shape == (0, 3)


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_strength_is_a_fraction(strength: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Conditions(strength=strength)


def test_ego_frame_is_ahead_and_left() -> None:
    state = SceneState(10.0, 5.0, np.pi / 2)  # facing north
    ahead_left = to_ego(state, np.array([[10.0, 8.0], [6.0, 5.0]]))
    np.testing.assert_allclose(ahead_left, [[3, 0], [0, 4]], atol=1e-12)


def test_seeds_depend_on_every_part_and_on_their_borders() -> None:
    assert len({seed_of("a", 1), seed_of("a", 2), seed_of("b", 1), seed_of("a1"), seed_of(1)}) == 5
    assert 0 <= seed_of() < 2**63


def test_countries_can_be_told_apart_in_a_picture() -> None:
    looks = {
        (s.left_hand_traffic, s.centre_paint, s.double_centre, s.far_signals, s.horizontal_signals)
        for s in COUNTRIES.values()
    }
    assert len(looks) == len(COUNTRIES) == 4


def test_rows_become_columns() -> None:
    assert blocks([(1, 2, 0, 10, 8, 6, (1, 2, 3))]).height_m.tolist() == [6]
    assert trees([(1, 2, 3, 4, 5, (1, 2, 3))]).radius_m.tolist() == [5]
    assert poles([(1, 2, 8, 0, 1.5, True)]).lamp.tolist() == [True]
    assert len(blocks([])) == len(trees([])) == len(poles([])) == 0
