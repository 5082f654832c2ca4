"""The layers of the player: annotations of a window of time, in columns."""

from typing import Any

import numpy as np
import pyarrow as pa

from dashboard.player.differences import Judged
from metrics.tasks.registry import families
from ridealong.arrays import Bools, Ints
from ridealong.perception.annotations import Perception
from ridealong.perception.forms import form_of
from ridealong.units import NS_PER_S

LONGEST_STEP_S = 0.2
NAMES = ("camera", "form", "task", "category")  # columns of numbers that stand for names
PIXEL_DIGITS, SCORE_DIGITS = 1, 3


def step_s(times_ns: Ints) -> float:
    """How long a mark is shown: one step, with a maximum because the scene moves."""
    steps = np.diff(times_ns)
    return min(float(np.median(steps)) / NS_PER_S, LONGEST_STEP_S) if len(steps) else LONGEST_STEP_S


def layer_marks(
    seen: Perception,
    first_ns: int,
    judged: Judged | None = None,
    lost: Bools | None = None,
    deeper: float = 0.0,
) -> dict[str, Any]:
    """The marks of one layer, for the browser.

    Args:
        seen: Its frames and their annotations, paths as polylines in images.
        first_ns: The instant from which the player counts.
        judged: For a network, which rows count and which only it has; all labels count.
        lost: Which rows the candidate lost; none by default.
        deeper: Rows that do not count are included if their score is at most this far below the
            threshold.

    Returns:
        ``times`` of the frames in seconds; ``names``, the names that the numbers in the columns
        `NAMES` stand for; and ``marks``, columns of equal length. ``frame`` is an index into
        ``times``; ``box`` and ``points`` are in pixels, null where a mark has none; ``below`` is
        null where a mark counts; ``alone`` and ``lost`` are 0 or 1.
    """
    size = seen.sparse.num_rows
    everything = Judged(np.ones(size, np.bool_), np.zeros(size), np.zeros(size, np.bool_))
    own = judged or everything
    shown = own.counts | (own.below <= deeper if deeper > 0 else False)
    rows = seen.sparse.filter(pa.array(shown))
    coded = {name: _coded(_column(rows, name)) for name in NAMES}
    flags = {"alone": own.alone, "lost": np.zeros(size, np.bool_) if lost is None else lost}
    return {
        "times": ((seen.timestamps_ns - first_ns) / NS_PER_S).round(4).tolist(),
        "names": {name: known for name, (known, _) in coded.items()},
        "marks": {
            "frame": np.searchsorted(seen.timestamps_ns, rows["timestamp_ns"].to_numpy()).tolist(),
            **{name: numbers for name, (_, numbers) in coded.items()},
            "score": _rounded(rows["score"].to_numpy(), SCORE_DIGITS),
            "box": _boxes(rows),
            "points": _points(rows["points"]),
            "below": [
                None if counts else below
                for counts, below in zip(
                    own.counts[shown], _rounded(own.below[shown], SCORE_DIGITS), strict=True
                )
            ],
            **{name: flag[shown].astype(int).tolist() for name, flag in flags.items()},
        },
    }


def _column(rows: pa.Table, name: str) -> list[str | None]:
    if name != "form":
        found: list[str | None] = rows[name].to_pylist()
        return found
    known = families()
    return [
        known[task].form if task in known else form_of(row)
        for task, row in zip(rows["task"].to_pylist(), _unknown(rows, known), strict=True)
    ]


def _unknown(rows: pa.Table, known: Any) -> list[dict[str, Any]]:
    """The rows as dictionaries; empty ones where the family says the form."""
    if set(rows["task"].unique().to_pylist()) <= set(known):
        return [{}] * rows.num_rows
    found: list[dict[str, Any]] = rows.to_pylist()
    return found


def _coded(values: list[str | None]) -> tuple[list[str | None], list[int]]:
    """The different values, and the index of each value among them."""
    known = {value: at for at, value in enumerate(dict.fromkeys(values))}
    return [*known], [known[value] for value in values]


def _rounded(values: Any, digits: int) -> list[float]:
    found: list[float] = np.asarray(values, np.float64).round(digits).tolist()
    return found


def _boxes(rows: pa.Table) -> list[list[float] | None]:
    corners = [rows[name].to_numpy().astype(np.float64) for name in ("x1", "y1", "x2", "y2")]
    boxes = np.stack(corners, axis=1).round(PIXEL_DIGITS)
    known = np.isfinite(boxes).all(axis=1)
    return [box if there else None for box, there in zip(boxes.tolist(), known, strict=True)]


def _points(column: pa.ChunkedArray) -> list[list[float] | None]:
    lists = column.combine_chunks()
    values = np.asarray(lists.flatten(), np.float64).round(PIXEL_DIGITS).tolist()
    sizes = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(sizes)
    return [values[end - size : end] or None for end, size in zip(ends, sizes, strict=True)]
