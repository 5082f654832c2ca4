"""How much a box differs from the label that it found."""

import numpy as np

from ridealong.arrays import Floats

TURN = 2 * np.pi


def scale_errors(one_m: Floats, other_m: Floats) -> Floats:
    """``1 - IoU`` of boxes with the same centre and heading, ``(N,)``, as nuScenes computes it.

    Args:
        one_m: ``(N, 3)`` sizes in metres, all above 0.
        other_m: The same.
    """
    shared = np.minimum(one_m, other_m).prod(axis=1)
    union = one_m.prod(axis=1) + other_m.prod(axis=1) - shared
    return np.asarray(1 - shared / union)


def enclosed_scale_errors(one_m: Floats, other_m: Floats) -> Floats:
    """Like `scale_errors`, but over the box around both instead of their union (Argoverse 2)."""
    shared = np.minimum(one_m, other_m).prod(axis=1)
    return np.asarray(1 - shared / np.maximum(one_m, other_m).prod(axis=1))


def heading_errors(one_rad: Floats, other_rad: Floats, period: float = TURN) -> Floats:
    """The smallest angle between two headings, ``(N,)``, in radians.

    Args:
        one_rad: ``(N,)`` headings in radians.
        other_rad: The same.
        period: Headings that differ by it are the same: pi if front and back look alike.
    """
    return np.asarray(np.abs((one_rad - other_rad + period / 2) % period - period / 2))
