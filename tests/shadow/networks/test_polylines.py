import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow.networks.polylines import (
    TOLERANCE,
    Polylines,
    find_ridges,
    joined_ridges,
    simplify,
    trace,
)

FORK = """
#...#
#...#
.#.#.
..#..
..#..
..#..
"""


def stack(*pictures, value=1.0):
    maps = [[[value * (c == "#") for c in line] for line in p.split()] for p in pictures]
    return ridges_of(np.array(maps, float))


def ridges_of(probability, above=0.0):
    mask = probability > above
    return find_ridges(mask, probability[mask])


def polylines(lines: Polylines):
    spans = zip(lines.offsets[:-1], lines.offsets[1:], strict=True)
    return [lines.points[a:b].tolist() for a, b in spans]


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        pytest.param(".#.\n.#.\n.#.\n.#.", [[1.5, 0.5], [1.5, 3.5]], id="upright"),
        pytest.param("....\n####\n....", [[0.5, 1.5], [3.5, 1.5]], id="level"),
        pytest.param("#...\n.#..\n..#.\n...#", [[0.5, 0.5], [3.5, 3.5]], id="diagonal"),
        pytest.param("##..\n##..\n##..", [[1.0, 0.5], [1.0, 2.5]], id="two cells wide"),
        pytest.param(
            "#...\n#...\n#...\n.#..\n..#.\n...#",
            [[0.5, 0.5], [0.5, 2.5], [3.5, 5.5]],
            id="bend",
        ),
    ],
)
def test_one_line(picture, expected):
    assert polylines(trace(stack(picture))) == [expected]


def test_a_fork_is_three_lines():
    found = polylines(trace(stack(FORK)))
    assert sorted(line[0] for line in found) == [[0.5, 0.5], [2.5, 3.5], [4.5, 0.5]]


def test_specks_are_no_lines():
    assert polylines(trace(stack("#..#\n#...\n....\n"))) == []


def test_nothing_and_no_images():
    assert polylines(trace(stack("....\n...."))) == []
    nothing = trace(ridges_of(np.zeros((0, 3, 4))))
    assert nothing.image.size == 0 and nothing.offsets.tolist() == [0]


def test_images_do_not_run_into_each_other():
    lines = trace(stack("....\n....\n.#..", "####\n....\n....", ".#..\n.#..\n.#.."))
    assert lines.image.tolist() == [1, 2]


def test_joined_stacks_give_the_lines_of_the_whole():
    whole = np.random.default_rng(0).uniform(size=(9, 12, 15)) ** 2
    parts = joined_ridges([ridges_of(whole[at : at + 4], above=0.3) for at in range(0, 9, 4)])
    one, other = trace(parts), trace(ridges_of(whole, above=0.3))
    assert len(one.image) > 9 and one.image.tolist() == other.image.tolist()
    assert one.score.tolist() == other.score.tolist()
    assert polylines(one) == polylines(other)


def test_the_score_is_the_mean_probability_of_the_cells():
    ridges = ridges_of(np.array([[[0.6], [0.8], [0.8], [1.0]]]))
    assert trace(ridges).score.tolist() == pytest.approx([0.8])


def test_the_point_is_where_the_probability_is():
    ridges = ridges_of(np.array([[[0.9, 0.6]] * 3]))
    x = (0.9 * 0.5 + 0.6 * 1.5) / 1.5
    assert polylines(trace(ridges)) == [[[pytest.approx(x), 0.5], [pytest.approx(x), 2.5]]]


@given(x0=st.floats(2, 30), x1=st.floats(2, 30), rows=st.integers(8, 24))
def test_a_straight_line_is_found_again(x0, x1, rows):
    height, width = rows, 33
    y = np.arange(height) + 0.5
    x = np.interp(y, [0, height], [x0, x1])
    across = np.arange(width) + 0.5
    steepness = max(1.0, abs(x1 - x0) / height)
    probability = np.exp(-(((across[None] - x[:, None]) / steepness) ** 2))[None]
    lines = trace(ridges_of(probability, above=0.3))
    assert len(lines.image) == 1
    px, py = lines.points.T
    inside = (py > 1.5) & (py < height - 1.5)  # ends are cut by the image's border
    assert np.abs(np.interp(py, y, x) - px)[inside].max(initial=0) < 0.5 * steepness + TOLERANCE


coordinates = st.tuples(st.integers(0, 20), st.integers(0, 20))


@given(st.lists(st.lists(coordinates, min_size=2, max_size=15), min_size=1, max_size=4))
def test_simplified_lines_keep_their_ends_and_stay_near(drawn):
    lengths = [len(line) for line in drawn]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    points = np.array([point for line in drawn for point in line], float)
    before = Polylines(np.arange(len(drawn)), np.ones(len(drawn)), offsets, points)
    after = simplify(before, 1.0)
    for whole, short in zip(polylines(before), polylines(after), strict=True):
        assert short[0] == whole[0] and short[-1] == whole[-1]
        assert douglas_peucker(np.array(whole), 1.0).tolist() == short


def douglas_peucker(points, tolerance):
    """The textbook's recursion, the oracle of the flat version."""
    start, chord = points[0], points[-1] - points[0]
    away = points[1:-1] - start
    length = max(np.hypot(*chord), 1e-12)
    distance = np.abs(chord[0] * away[:, 1] - chord[1] * away[:, 0]) / length
    if not len(distance) or distance.max() <= tolerance:
        return points[[0, -1]]
    at = int(distance.argmax()) + 1
    left, right = (douglas_peucker(p, tolerance) for p in (points[: at + 1], points[at:]))
    return np.concatenate([left[:-1], right])
