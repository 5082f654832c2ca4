"""From radar targets to the vehicle ahead.

- A radar reports a few targets per scan, each in a slot. A *track* is one target: it stays in its
  slot until the slot flags a new target or misses scans.
- The path is straight ahead and one lane wide. In a bend, the lead may be lost.
- The obstacle is the nearest target in our path.
- The lead is the vehicle in our path: the nearest target whose track has moved over ground at some
  time, which excludes bridges and signs.
- A lead stays the lead while it is in the path and no other is much nearer, because a radar often
  reports one vehicle twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.telemetry.resample import interpolate
from ridealong.arrays import Floats, Ints

PATH_HALF_WIDTH_M = 1.8
MOVING_MPS = 2.5
NEARER_BY_M = 3.0
# Targets of one scan arrive within a few milliseconds, scans every 50 ms.
SCAN_GAP_S = 0.02
LOST_AFTER_S = 0.3
DERIVATIVE_SPAN_S = 0.5


@dataclass(frozen=True)
class Targets:
    """Radar targets, ``(N,)`` each, by time.

    Attributes:
        time_s: When it was reported.
        distance_m: Ahead of the radar.
        left_m: To the left of our axis.
        speed_mps: Relative to ours; negative if it comes closer.
        slot: Where the radar reports it.
        is_new: The slot has a new target from here on.
    """

    time_s: Floats
    distance_m: Floats
    left_m: Floats
    speed_mps: Floats
    slot: Ints
    is_new: NDArray[np.bool_]


@dataclass(frozen=True)
class Ahead:
    """What is ahead in each scan, ``(S,)`` each; NaN if there is nothing.

    Lateral speed and acceleration are centred differences over 0.5 s of the lead's own track. The
    acceleration is that of its speed over ground.
    """

    time_s: Floats
    obstacle_distance_m: Floats
    track_id: Floats
    distance_m: Floats
    left_m: Floats
    left_mps: Floats
    speed_mps: Floats
    acceleration_mps2: Floats


def tracks(targets: Targets) -> Ints:
    """``(N,)`` the track of each target, numbered from 0 by first appearance."""
    starts = np.zeros(len(targets.slot), bool)
    for slot in np.unique(targets.slot):
        rows = np.flatnonzero(targets.slot == slot)
        gaps = np.diff(targets.time_s[rows], prepend=-np.inf)
        starts[rows] = targets.is_new[rows] | (gaps > LOST_AFTER_S)
    number = np.cumsum(starts) - 1
    out = np.zeros(len(targets.slot), np.int64)
    for slot in np.unique(targets.slot):
        rows = np.flatnonzero(targets.slot == slot)
        begun = np.maximum.accumulate(np.where(starts[rows], np.arange(len(rows)), 0))
        out[rows] = number[rows[begun]]
    return out


def look_ahead(targets: Targets, own_mps: Floats) -> Ahead:
    """The obstacle and the lead in each scan.

    Args:
        targets: By time.
        own_mps: ``(N,)`` our own speed at each target's time, NaN unknown.
    """
    track = tracks(targets)
    ground_mps = own_mps + targets.speed_mps
    in_path = np.abs(targets.left_m) <= PATH_HALF_WIDTH_M
    has_moved = _ever_before(track, np.abs(ground_mps) > MOVING_MPS)
    firsts, ends = _scans(targets.time_s)
    obstacle = np.full(len(firsts), -1)
    lead = np.full(len(firsts), -1)
    last_track = -1
    for scan, (first, end) in enumerate(zip(firsts.tolist(), ends.tolist(), strict=True)):
        rows = np.arange(first, end)[in_path[first:end]]
        obstacle[scan] = _nearest(rows, targets.distance_m)
        lead[scan] = _lead(rows[has_moved[rows]], targets.distance_m, track, last_track)
        last_track = track[lead[scan]] if lead[scan] >= 0 else -1
    left_mps = _track_rate(track, targets.time_s, targets.left_m)
    acceleration = _track_rate(track, targets.time_s, ground_mps)
    columns = (targets.distance_m, targets.left_m, left_mps, targets.speed_mps, acceleration)
    return Ahead(
        targets.time_s[ends - 1],
        _pick(targets.distance_m, obstacle),
        _pick(track.astype(np.float64), lead),
        *(_pick(column, lead) for column in columns),
    )


def _scans(time_s: Floats) -> tuple[Ints, Ints]:
    """First target of each scan, and one past its last."""
    if not len(time_s):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    breaks = np.flatnonzero(np.diff(time_s) > SCAN_GAP_S) + 1
    return np.concatenate([[0], breaks]), np.concatenate([breaks, [len(time_s)]])


def _nearest(rows: Ints, distance_m: Floats) -> int:
    return int(rows[np.argmin(distance_m[rows])]) if len(rows) else -1


def _lead(rows: Ints, distance_m: Floats, track: Ints, last_track: int) -> int:
    nearest = _nearest(rows, distance_m)
    same = rows[track[rows] == last_track]
    if len(same) and distance_m[same[0]] - distance_m[nearest] <= NEARER_BY_M:
        return int(same[0])
    return nearest


def _ever_before(track: Ints, condition: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the condition was true for the row's track, in this row or before it."""
    out = np.zeros(len(track), bool)
    for number in np.unique(track[condition]):
        rows = np.flatnonzero(track == number)
        out[rows] = np.logical_or.accumulate(condition[rows])
    return out


def _track_rate(track: Ints, time_s: Floats, values: Floats) -> Floats:
    """Centred difference over 0.5 s of ``values`` along each track, at each of its targets."""
    out = np.full(len(track), np.nan)
    half = DERIVATIVE_SPAN_S / 2
    for number in np.unique(track):
        rows = np.flatnonzero(track == number)
        time, along = time_s[rows], values[rows]
        after = interpolate(time + half, time, along, LOST_AFTER_S)
        before = interpolate(time - half, time, along, LOST_AFTER_S)
        out[rows] = (after - before) / DERIVATIVE_SPAN_S
    return out


def _pick(values: Floats, rows: Ints) -> Floats:
    if not len(values):
        return np.full(len(rows), np.nan)
    return np.where(rows >= 0, values[rows], np.nan)
