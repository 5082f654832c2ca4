"""Lane lines and road edges: those near the ego, and their labels in the images.

A line is labelled as a whole, dashes and gaps alike, where nothing is in front of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.simulation.cameras.boxes import LabelRow
from ingest.simulation.cameras.pinholes import Pinholes, project_ground
from ingest.simulation.maps.world import resample
from ingest.simulation.scene import SceneState, StaticWorld, to_ego
from ridealong.arrays import Floats, Ints
from ridealong.perception.annotations import LaneCategory, Task

LINE_RANGE_M = 60.0  # beyond the corners of the top-down grid, too
LINE_STEP_M = 0.5
CATEGORIES = (LaneCategory.LANE_LINE, LaneCategory.ROAD_EDGE)
_LEAST_LINE_PX = 4.0
_GAP = 6  # hidden points of a line that do not break it: what a pole hides
_CHUNK = 64  # points that are tested together: a map has some hundred thousand


@dataclass(frozen=True, eq=False)
class LinePoints:
    """Lines as closely spaced points, one line after the other.

    Attributes:
        points_m: ``(N, 2)``.
        line: ``(N,)`` which line each belongs to, as the world numbers them: markings, then edges.
        part: ``(N,)`` which unbroken stretch each belongs to; ascending.
        category: ``(N,)`` index into `CATEGORIES`.
    """

    points_m: Floats
    line: Ints
    part: Ints
    category: Ints


@dataclass(frozen=True, eq=False)
class _Chunks:
    """All lines of a world, and circles around each `_CHUNK` of their points."""

    lines: LinePoints
    middle_m: Floats
    radius_m: Floats


@lru_cache(maxsize=8)
def _chunks(world: StaticWorld) -> _Chunks:
    """Evenly spaced points along all lane lines and road edges, in the world frame."""
    several = [(0, m.points_m) for m in world.markings] + [(1, e.points_m) for e in world.edges]
    spaced = [resample(points, LINE_STEP_M)[0] for _, points in several]
    line = np.repeat(np.arange(len(several)), [len(points) for points in spaced])
    points = np.concatenate([*spaced, np.zeros((0, 2))])
    category = np.array([kind for kind, _ in several], np.int64)[line]
    starts = np.arange(0, len(points), _CHUNK)
    pieces = [points[start : start + _CHUNK] for start in starts]
    middle = np.array([(p.min(axis=0) + p.max(axis=0)) / 2 for p in pieces]).reshape(-1, 2)
    reach = [np.hypot(*(p - m).T).max() for p, m in zip(pieces, middle, strict=True)]
    return _Chunks(LinePoints(points, line, line, category), middle, np.array(reach))


def lines_near(world: StaticWorld, state: SceneState, range_m: float = LINE_RANGE_M) -> LinePoints:
    """Return the parts of lines near the ego, in its frame."""
    chunks = _chunks(world)
    place, points = np.array([state.x_m, state.y_m]), chunks.lines.points_m
    dx, dy = (chunks.middle_m - place).T
    close = dx * dx + dy * dy <= (range_m + chunks.radius_m + 1e-6) ** 2
    index = (_CHUNK * np.flatnonzero(close)[:, None] + np.arange(_CHUNK)).ravel()
    index = index[index < len(points)]
    dx, dy = (points[index] - place).T
    near = index[dx * dx + dy * dy <= range_m * range_m]
    line = chunks.lines.line[near]
    breaks = (np.diff(near, prepend=-1) > 1) | (np.diff(line, prepend=0) > 0)
    xy = to_ego(state, points[near])
    return LinePoints(xy, line, np.cumsum(breaks), chunks.lines.category[near])


def line_rows(
    lines: LinePoints, rig: Pinholes, depth_m: Mapping[str, NDArray[np.float32]]
) -> dict[str, list[LabelRow]]:
    """Label the lines in all images, by camera: a row for each unhidden stretch."""
    rows: dict[str, list[LabelRow]] = {name: [] for name in rig.names}
    camera, at, xyd = project_ground(rig, lines.points_m)
    seen = _unhidden(rig, camera, xyd, depth_m)
    if not seen.any():
        return rows
    camera, at, xy = camera[seen], at[seen], xyd[seen, :2]
    new = _runs(camera, at, lines.part[at])
    along = _along(camera, at, xy, new, (len(rig.names), len(lines.points_m)))
    # Keep one of several points less than a pixel apart, and both ends.
    keep = new | np.roll(new, -1) | (np.diff(np.floor(along), prepend=-1) > 0)
    starts = np.flatnonzero(new[keep])
    ends = np.append(starts[1:], keep.sum())
    camera, at, along = camera[keep], at[keep], along[keep]
    long = along[ends - 1] - along[starts] >= _LEAST_LINE_PX
    flat = xy[keep].ravel().tolist()
    line, category = lines.line[at].tolist(), lines.category[at].tolist()
    for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True):
        rows[rig.names[camera[start]]].append(
            {
                "task": Task.LANES.value,
                "category": CATEGORIES[category[start]].value,
                "points": flat[2 * start : 2 * end],
                "track_id": line[start],
            }
        )
    return rows


def _runs(camera: Ints, at: Ints, part: Ints) -> NDArray[np.bool_]:
    """Where a run begins: with a camera or a part, or after more than `_GAP` hidden points."""
    new = np.diff(at, prepend=-_GAP - 9) > _GAP
    new |= np.diff(part, prepend=-1) != 0
    return np.asarray(new | (np.diff(camera, prepend=-1) != 0))


def _along(
    camera: Ints, at: Ints, xy: Floats, new: NDArray[np.bool_], shape: tuple[int, int]
) -> Floats:
    """Length in pixels up to each point, over all runs of its camera."""
    steps = np.zeros(shape)
    steps[camera, at] = np.where(new, 0.0, np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T))
    return np.asarray(np.cumsum(steps, axis=1)[camera, at])


def _unhidden(
    rig: Pinholes, camera: Ints, xyd: Floats, depth_m: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.bool_]:
    """Which points have nothing in front of them."""
    before = np.empty(len(camera))
    column, row = xyd[:, :2].astype(np.int64).T
    bounds = np.searchsorted(camera, np.arange(len(rig.names) + 1)).tolist()
    for name, first, end in zip(rig.names, bounds[:-1], bounds[1:], strict=True):
        before[first:end] = depth_m[name][row[first:end], column[first:end]]
    # The pixel's own ground lies up to half a row further or nearer than the point. The sky, whose
    # depth is NaN, hides nothing.
    return np.asarray(~(before <= 0.85 * xyd[:, 2] - 0.3))
