"""Marks that would hide each other are moved apart."""

import math

from dashboard.fleet.spreading import spread


def test_what_is_far_apart_stays() -> None:
    places = [(0.0, 0.0), (30.0, 0.0), (0.0, 10.0)]
    assert spread(places, 10) == places
    assert spread([], 10) == []


def test_what_would_be_hidden_moves_a_little_and_the_first_stays() -> None:
    placed = spread([(0.0, 0.0), (0.0, 0.0), (1.0, 0.0), (50.0, 0.0)], 10)
    assert placed[0] == (0, 0) and placed[3] == (50, 0)
    assert min(math.dist(p, q) for at, p in enumerate(placed) for q in placed[:at]) > 9.5
    assert all(math.dist(place, (0, 0)) < 12 for place in placed[:3])


def test_sixty_marks_at_one_place_are_a_round_heap() -> None:
    placed = spread([(0.0, 0.0)] * 60, 10)
    assert len(set(placed)) == 60
    assert max(math.dist(place, (0, 0)) for place in placed) <= 40 + 1e-6


def test_where_there_is_no_room_marks_stay() -> None:
    placed = spread([(float(place % 7), 0.0) for place in range(1_500)], 10)
    assert len(placed) == 1_500
    assert set(placed[200:]) == {(float(place), 0.0) for place in range(7)}
