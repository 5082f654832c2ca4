"""Overlaps of pairs of boxes: in the image, seen from above, and in space.

Seen from above a box is a rectangle of any heading. The area that two rectangles share is exact:
one is clipped by the four sides of the other (Sutherland and Hodgman 1974), for all pairs at once.

Boxes in space are ``(P, 7)``: centre x, y, z, then length, width, height, and yaw, as in `Boxes3D`.
One without length, width or height shares nothing with any other.
"""

import numpy as np

from ridealong.arrays import Bools, Floats
from ridealong.perception.result_files import Boxes3D

SIZE, YAW = slice(3, 6), 6


def upright(boxes: Boxes3D) -> Floats:
    """Boxes in space as rows of 7 numbers."""
    return np.column_stack([boxes.center_m, boxes.size_lwh_m, boxes.yaw_rad])


def image_iou(left: Floats, right: Floats) -> Floats:
    """IoU ``(P,)`` of boxes in an image, both ``(P, 4)`` as left, top, width, height."""
    shared = _shared_in_image(left, right)
    return _share(shared, left[:, 2] * left[:, 3] + right[:, 2] * right[:, 3] - shared)


def covered(boxes: Floats, regions: Floats) -> Floats:
    """The share ``(P,)`` of each box that lies in its region; both ``(P, 4)`` as above."""
    return _share(_shared_in_image(boxes, regions), boxes[:, 2] * boxes[:, 3])


def near(left: Floats, right: Floats) -> Bools:
    """``(P,)`` whether two boxes can meet, judged by the circles around them seen from above."""
    apart = np.hypot(*(left - right)[:, :2].T)
    reach = np.hypot(*left[:, 3:5].T) / 2 + np.hypot(*right[:, 3:5].T) / 2
    real = (left[:, 3:5] > 0).all(axis=1) & (right[:, 3:5] > 0).all(axis=1)
    return np.asarray(real & (apart < reach), np.bool_)


def top_down_iou(left: Floats, right: Floats) -> Floats:
    """IoU ``(P,)`` of boxes seen from above."""
    shared = shared_area(left, right)
    return _share(shared, left[:, 3] * left[:, 4] + right[:, 3] * right[:, 4] - shared)


def iou_in_space(left: Floats, right: Floats) -> Floats:
    """IoU ``(P,)`` of boxes in space that stand upright."""
    (low, high), (other_low, other_high) = (_bottom_and_top(boxes) for boxes in (left, right))
    height = np.clip(np.minimum(high, other_high) - np.maximum(low, other_low), 0, None)
    shared = shared_area(left, right) * height
    volumes = left[:, SIZE].prod(axis=1) + right[:, SIZE].prod(axis=1)
    return _share(shared, volumes - shared)


def shared_area(left: Floats, right: Floats) -> Floats:
    """The area ``(P,)`` that boxes share seen from above, in square metres."""
    polygon = _corners_seen_from(right, left)
    for axis in (0, 1):
        half = right[:, 3 + axis] / 2
        for side in (1.0, -1.0):
            polygon = _clip(polygon, half[:, None] - side * polygon[:, :, axis])
    x, y = polygon[:, :, 0], polygon[:, :, 1]
    twice = x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y
    return np.asarray(np.abs(twice.sum(axis=1)) / 2)


def _corners_seen_from(origin: Floats, boxes: Floats) -> Floats:
    """The corners ``(P, 4, 2)`` of boxes in the reference frames of others."""
    signs = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) / 2
    corners = signs * boxes[:, None, 3:5]
    offset = (boxes - origin)[:, None, :2]
    turned = _turn(corners, boxes[:, YAW] - origin[:, YAW])
    return turned + _turn(offset, -origin[:, YAW])


def _turn(points: Floats, angle: Floats) -> Floats:
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[:, :, 0], points[:, :, 1]
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=2)


def _clip(polygon: Floats, inside: Floats) -> Floats:
    """The part of each convex polygon on one side of a line.

    Polygons of fewer corners repeat their first one, which changes no area.

    Args:
        polygon: ``(P, M, 2)`` corners in turn.
        inside: ``(P, M)`` how far each lies on the side that stays; negative beyond the line.
    """
    after, inside_after = np.roll(polygon, -1, axis=1), np.roll(inside, -1, axis=1)
    stays = inside >= 0
    crosses = stays != (inside_after >= 0)
    part = np.divide(inside, inside - inside_after, out=np.zeros_like(inside), where=crosses)
    cut = polygon + part[:, :, None] * (after - polygon)
    pairs, corners = inside.shape
    points = np.stack([polygon, cut], axis=2).reshape(pairs, 2 * corners, 2)
    kept = np.stack([stays, crosses], axis=2).reshape(pairs, 2 * corners)
    most = max(int(kept.sum(axis=1).max(initial=0)), 1)
    first = np.argsort(~kept, axis=1, kind="stable")[:, :most]
    points = np.take_along_axis(points, first[:, :, None], axis=1)
    filled = np.take_along_axis(kept, first, axis=1)[:, :, None]
    return np.where(filled, points, points[:, :1])


def _bottom_and_top(boxes: Floats) -> tuple[Floats, Floats]:
    middle, half = boxes[:, 2], boxes[:, 5] / 2
    return middle - half, middle + half


def _shared_in_image(left: Floats, right: Floats) -> Floats:
    start = np.maximum(left[:, :2], right[:, :2])
    end = np.minimum(left[:, :2] + left[:, 2:], right[:, :2] + right[:, 2:])
    return np.asarray(np.clip(end - start, 0, None).prod(axis=1))


def _share(part: Floats, whole: Floats) -> Floats:
    """``part / whole``; 0 where nothing is shared."""
    ratio: Floats = np.divide(part, whole, out=np.zeros_like(part), where=(part > 0) & (whole > 0))
    return ratio
