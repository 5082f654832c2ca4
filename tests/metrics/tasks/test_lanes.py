import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.optimize import linear_sum_assignment

from metrics.tasks import strokes
from metrics.tasks.clip_view import ClipView
from metrics.tasks.lanes import against_labels, overlaps, same_lines
from metrics.tasks.registry import parse_prediction

NAME = "lanes/lane_line@main"
LINES = (parse_prediction(NAME),)
SIZE = {"main": (1640, 590)}
CULANE = (1640, 590)
SEEDS = [0, *range(2, 10)]  # 1 has a pair at IoU 0.49998, too close to call when smaller


def scored(make, found, wanted, frames=1, sizes=SIZE):
    sides = [ClipView(make.perception(frames, rows), image_sizes=sizes) for rows in (found, wanted)]
    return against_labels(*sides, LINES)


def upright(x):
    """A line down the whole picture: 30 pixels wide, its IoU with one d pixels off is known."""
    return [x, -100.0, x, 700.0]


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ([100], [100], (1, 0, 0)),
        ([105], [100], (1, 0, 0)),  # 25 of 35 pixels
        ([110], [100], (0, 1, 1)),  # 20 of 40: a half is not more than a half
        ([], [100, 200], (0, 0, 2)),
        ([100], [], (0, 1, 0)),
        ([], [], (0, 0, 0)),
        ([100, 100], [100], (1, 1, 0)),
        ([100, 105], [105, 110], (1, 1, 1)),  # 1 + 20/40 is more than 25/35 twice
        ([-100], [100], (0, 0, 1)),
    ],
    ids=[
        "same", "near", "exactly a half", "nothing found", "nothing there", "empty",
        "twice the same", "largest sum before most hits", "outside the picture",
    ],
)  # fmt: skip
def test_counts_by_hand(make, sums_of, found, wanted, expected):
    result = scored(
        make,
        [make.line(0, upright(x)) for x in found],
        [make.line(0, upright(x)) for x in wanted],
    )
    assert tuple(sums_of(result, NAME, "f1").values()) == expected


def test_pixels_of_all_lines_together(make, sums_of):
    found = [make.line(0, upright(x)) for x in (100, 300)]
    wanted = [make.line(0, upright(x)) for x in (105, 300, 305)]
    sums = sums_of(scored(make, found, wanted), NAME, "iou")
    # In fifths: columns 17-22 and 57-62 against 18-23, 57-62 and 58-63; 118 rows.
    assert sums == {"intersection": (5 + 6) * 118, "union": (7 + 7) * 118}


def test_the_picture_is_stretched_to_culanes(make, sums_of):
    small = {"main": (164, 118)}
    found = [make.line(0, [10.5, 0.0, 10.5, 118.0])]
    wanted = [make.line(0, [10.0, 0.0, 10.0, 118.0])]
    result = scored(make, found, wanted, sizes=small)
    assert sums_of(result, NAME, "f1") == {"tp": 1, "fp": 0, "fn": 0}


def test_frames_and_thresholds_are_apart(make, sums_of):
    found = [make.line(1, upright(100)), make.line(0, upright(300), score=0.4)]
    wanted = [make.line(0, upright(100)), make.line(0, upright(300))]
    result = scored(make, found, wanted, frames=2)
    assert sums_of(result, NAME, "f1") == {"tp": 0, "fp": 1, "fn": 2}


@pytest.mark.parametrize(
    "points", [[1.0, 2.0, 3.0], [1.0, float("nan")], None], ids=["odd", "nan", "null"]
)
def test_broken_points_surface(make, points):
    with pytest.raises(ValueError, match="points are missing"):
        scored(make, [make.line(0, points)], [])


@pytest.mark.parametrize("points", [[], [5.0, 5.0]], ids=["no point", "one point"])
def test_what_is_no_line_does_not_count(make, sums_of, points):
    result = scored(make, [make.line(0, points)], [make.line(0, points)])
    assert sums_of(result, NAME, "f1") == {"tp": 0, "fp": 0, "fn": 0}
    assert sums_of(result, NAME, "iou") == {"intersection": 0, "union": 0}


def random_lines(seed, count):
    """Curves from the lower edge up, with their points in CULane's pixels."""
    rng = np.random.default_rng(seed)
    part = np.linspace(0, 1, 9)
    lines = []
    for _ in range(count):
        foot, top = rng.uniform(-100, 1740), rng.uniform(200, 300)
        x = foot + (820 - foot) * part + rng.normal(0, 80) * part**2
        lines.append(np.stack([x, 590 + (top - 590) * part], axis=1))
    return lines


def unpacked(lines):
    """``(L, HEIGHT, WIDTH)``: the pixels of each line."""
    words = np.zeros((len(lines.group), strokes.PLACES), np.uint64)
    words[lines.line, lines.place] = lines.bits
    octets = words.reshape(-1, strokes.HEIGHT, strokes.ROW_WORDS).view(np.uint8)
    return np.unpackbits(octets, axis=-1, bitorder="little")[..., : strokes.WIDTH].astype(bool)


def drawn(lines, group=None):
    points = np.array([len(line) for line in lines])
    group = np.zeros(len(lines), np.int64) if group is None else group
    return strokes.draw(np.concatenate(lines), points, group)


def distance_to(line, x, y):
    """From each pixel centre to the nearest point of the polyline."""
    nearest = np.full(x.shape, np.inf)
    for a, b in itertools.pairwise(line):
        along = b - a
        length = max(float(along @ along), 1e-12)
        part = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length, 0, 1)
        away = np.hypot(x - a[0] - part * along[0], y - a[1] - part * along[1])
        nearest = np.minimum(nearest, away)
    return nearest


def shapes():
    rng = np.random.default_rng(3)
    yield from (line / 5 for line in random_lines(1, 12))
    yield from (rng.uniform(-40, 380, (k, 2)) for k in (2, 3, 5, 9))
    yield np.array([[20.0, 40.0], [300.0, 40.0]])  # level
    yield np.array([[50.5, 60.5], [50.5, 60.5]])  # no length: a disc
    yield np.array([[10.0, 10.0], [10.3, 10.2], [10.1, 10.4]])  # shorter than it is wide
    yield np.array([[-1e4, 5.0], [1e4, 100.0]])  # far beyond the picture


@pytest.mark.parametrize("line", list(shapes()))
def test_a_pixel_is_drawn_where_its_centre_is_near_the_line(line):
    lines = drawn([line])
    pixels = unpacked(lines)[0]
    y, x = np.mgrid[: strokes.HEIGHT, : strokes.WIDTH] + 0.5
    away = distance_to(line, x, y)
    sure = np.abs(away - strokes.STROKE / 2) > 1e-6
    assert np.array_equal(pixels[sure], away[sure] <= strokes.STROKE / 2)
    assert lines.pixels.tolist() == [pixels.sum()]


def test_many_lines_are_drawn_as_each_alone():
    lines = [line / 5 for line in random_lines(2, 7)] + [np.zeros((1, 2)), np.zeros((0, 2))]
    together = drawn(lines)
    assert all(np.diff(together.line * strokes.PLACES + together.place) > 0)
    for line, pixels in zip(lines, unpacked(together), strict=True):
        assert np.array_equal(unpacked(drawn([line]))[0], pixels)


def test_merged_lines_cover_the_pixels_of_all():
    lines = drawn([line / 5 for line in random_lines(2, 7)], np.array([0, 0, 0, 2, 5, 5, 6]))
    pixels = unpacked(lines)
    whole = lines.merged
    assert whole.group.tolist() == [0, 2, 5, 6]
    for group, merged in zip(whole.group, unpacked(whole), strict=True):
        assert np.array_equal(merged, pixels[lines.group == group].any(axis=0))
    assert whole.merged is whole


def test_some_lines_are_taken_with_their_pixels():
    lines = drawn([line / 5 for line in random_lines(3, 5)], np.array([0, 0, 1, 3, 3]))
    which = np.array([False, True, True, False, True])
    taken = lines.take(which)
    assert taken.group.tolist() == [0, 1, 3]
    assert np.array_equal(unpacked(taken), unpacked(lines)[which])


def test_overlaps_are_those_of_the_pixels():
    rng = np.random.default_rng(4)
    sides = []
    for seed in (1, 2):
        # Each line once as it is and once beside itself: many near pairs, and many hopeless ones.
        lines = [line / 5 for line in random_lines(7, 30)]
        lines = [line + np.array([rng.uniform(-6, 6) * (seed - 1), 0]) for line in lines]
        sides.append(drawn(lines, np.repeat(np.arange(6), 5)))
    left, right = sides
    ours, theirs = unpacked(left), unpacked(right)
    iou = {
        (a, b): (ours[a] & theirs[b]).sum() / (ours[a] | theirs[b]).sum()
        for a, b in itertools.product(range(30), repeat=2)
        if left.group[a] == right.group[b]
    }
    near = {pair for pair, value in iou.items() if value > 0.5}
    found = same_lines(left, right)
    assert set(zip(found.left.tolist(), found.right.tolist(), strict=True)) == near
    assert 10 < len(near) < len(iou)
    pairs = overlaps(left, right)
    known = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    measured = dict(zip(known, pairs.iou.tolist(), strict=True))
    assert measured == {pair: pytest.approx(value) for pair, value in iou.items() if value > 0}


def by_pillow(line):
    """CULane's drawing at full size, round at the joints, by another library."""
    image = Image.new("1", CULANE)
    pen = ImageDraw.Draw(image)
    points = [tuple(point) for point in line]
    pen.line(points, fill=1, width=30)
    for x, y in points:
        pen.ellipse((x - 15, y - 15, x + 15, y + 15), fill=1)
    return np.asarray(image)


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_equal_culanes_recipe_at_full_size(make, sums_of, seed):
    rng = np.random.default_rng(seed)
    wanted = random_lines(seed, 4)
    found = [line + np.array([rng.choice([2, 6, 25, 60]), 0]) for line in wanted[:3]]
    found.append(random_lines(seed + 100, 1)[0])
    masks = [[by_pillow(line) for line in lines] for lines in (found, wanted)]
    iou = np.array([[(a & b).sum() / max((a | b).sum(), 1) for b in masks[1]] for a in masks[0]])
    assert (np.abs(iou - 0.5) > 0.03).all(), "a pair too close to call at a fifth of the size"
    hits = int((iou[linear_sum_assignment(iou, maximize=True)] > 0.5).sum())
    result = scored(
        make,
        [make.line(0, line.ravel().tolist()) for line in found],
        [make.line(0, line.ravel().tolist()) for line in wanted],
    )
    assert sums_of(result, NAME, "f1") == {"tp": hits, "fp": 4 - hits, "fn": 4 - hits}
