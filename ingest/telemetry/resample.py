"""Streams of different rates on one grid: interpolation, means, differences, distance.

Streams are ``time_s`` ``(N,)`` ascending seconds and ``values`` ``(N,)``. NaN is unknown. Values
outside a stream's time range, or in a gap, are unknown too.
"""

import numpy as np

from ridealong.arrays import Floats, Ints
from ridealong.units import NS_PER_S


def grid_ns(length_ns: int, step_ns: int) -> Ints:
    """Offsets 0, step, 2 step, … up to and including ``length_ns``."""
    return np.arange(0, length_ns + 1, step_ns, dtype=np.int64)


def interpolate(at_s: Floats, time_s: Floats, values: Floats, max_gap_s: float) -> Floats:
    """Linear interpolation at ``at_s``; NaN outside the stream and in gaps over ``max_gap_s``.

    Samples that are NaN count as missing.
    """
    known = np.isfinite(values)
    time_s, values = time_s[known], values[known]
    if not len(time_s):
        return np.full(len(at_s), np.nan)
    right = np.clip(np.searchsorted(time_s, at_s, side="left"), 0, len(time_s) - 1)
    left = np.where(time_s[right] > at_s, np.maximum(right - 1, 0), right)
    outside = (at_s < time_s[0]) | (at_s > time_s[-1])
    in_gap = time_s[right] - time_s[left] > max_gap_s
    return np.where(outside | in_gap, np.nan, np.interp(at_s, time_s, values))


def window_mean(at_s: Floats, time_s: Floats, values: Floats, width_s: float) -> Floats:
    """Mean of the samples in ``[at - width/2, at + width/2)``; NaN if there is none, or outside.

    A fast stream is averaged rather than sampled, so that vibration does not alias.
    """
    known = np.isfinite(values)
    time_s, values = time_s[known], values[known]
    if not len(time_s):
        return np.full(len(at_s), np.nan)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first = np.searchsorted(time_s, at_s - width_s / 2, side="left")
    last = np.searchsorted(time_s, at_s + width_s / 2, side="left")
    inside = (last > first) & (at_s >= time_s[0]) & (at_s <= time_s[-1])
    return np.where(inside, (sums[last] - sums[first]) / np.maximum(last - first, 1), np.nan)


def latest(at_s: Floats, time_s: Floats, max_age_s: float) -> Ints:
    """Index of the last sample at or before each instant, -1 if it is older than ``max_age_s``."""
    index = np.searchsorted(time_s, at_s, side="right") - 1
    if not len(time_s):
        return index.astype(np.int64)
    age_s = at_s - time_s[np.maximum(index, 0)]
    return np.where((index >= 0) & (age_s <= max_age_s), index, -1).astype(np.int64)


def centred_difference(values: Floats, step_s: float, span_s: float) -> Floats:
    """Rate of change of gridded ``values``: ``(v(t + span/2) - v(t - span/2)) / span``.

    Between grid points, values are interpolated linearly; NaN if either side is unknown.
    """
    half = span_s / 2 / step_s
    return (_shifted(values, half) - _shifted(values, -half)) / span_s


def distance_m(timestamps_ns: Ints, speed_kmh: Floats, max_gap_s: float = 5.0) -> float:
    """Distance driven: the trapezoid integral of the speed, without gaps over ``max_gap_s``.

    Rows with unknown speed are left out first.
    """
    known = np.isfinite(speed_kmh)
    seconds = np.diff(timestamps_ns[known]) / NS_PER_S
    speed_mps = speed_kmh[known] / 3.6
    means = (speed_mps[1:] + speed_mps[:-1]) / 2
    return float(np.sum(np.where(seconds <= max_gap_s, seconds * means, 0.0)))


def _shifted(values: Floats, offset: float) -> Floats:
    """``values`` at index ``k + offset``, linear between neighbours, NaN beyond the ends."""
    whole = int(np.floor(offset + 1e-9))
    weight = offset - whole
    lower = _moved(values, whole)
    # Exactly at a grid point, the neighbour need not be known.
    if abs(weight) < 1e-9:
        return lower
    return lower * (1 - weight) + _moved(values, whole + 1) * weight


def _moved(values: Floats, by: int) -> Floats:
    index = np.arange(len(values)) + by
    inside = (index >= 0) & (index < len(values))
    out = np.full(len(values), np.nan)
    out[inside] = values[index[inside]]
    return out
