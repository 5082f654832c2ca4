"""What the player draws: annotations as plain rows, in seconds of the videos."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from ingest.units import NS_PER_S

LONGEST_STEP_S = 0.2
COLOURS = {"deployed": "#38bdf8", "candidate": "#fb923c", "labels": "#a3e635"}


def layer(name: str, title: str, rows: pa.Table, first_ns: int) -> dict[str, object]:
    """One layer of the overlay, for the browser.

    Args:
        name: ``deployed``, ``candidate`` or ``labels``.
        title: What the legend calls it.
        rows: Rows of `ingest.annotations.ANNOTATIONS` (more columns are ignored).
        first_ns: Instant at which the videos start.
    """
    marks = [_mark(row, first_ns) for row in rows.to_pylist()]
    return {
        "name": name,
        "title": title,
        "colour": COLOURS[name],
        "step_s": _step_s(rows),
        "marks": marks,
    }


def _step_s(rows: pa.Table) -> float:
    """How long a mark stays in sight: a step, but not so long that the world has moved on."""
    times = np.unique(rows["timestamp_ns"].to_numpy())
    step = float(np.median(np.diff(times))) / NS_PER_S if len(times) > 1 else LONGEST_STEP_S
    return min(step, LONGEST_STEP_S)


def _mark(row: Mapping[str, object], first_ns: int) -> dict[str, object]:
    mark: dict[str, object] = {
        "camera": row["camera"],
        "t": (int(str(row["timestamp_ns"])) - first_ns) / NS_PER_S,
        "task": row["task"],
        "category": row["category"],
        "score": row["score"],
    }
    if row["x1"] is not None:
        mark["box"] = [row["x1"], row["y1"], row["x2"], row["y2"]]
    if row["points"]:
        mark["points"] = row["points"]
    return mark
