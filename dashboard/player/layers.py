"""The layers of the player: annotations as plain rows, by frame of the videos."""

from collections.abc import Mapping

import numpy as np

from dashboard.player.differences import Judged
from metrics.tasks.registry import families
from ridealong.perception.annotations import Perception
from ridealong.perception.forms import form_of
from ridealong.units import NS_PER_S

LONGEST_STEP_S = 0.2
COLOURS = {"deployed": "#38bdf8", "candidate": "#fb923c", "labels": "#a3e635"}

Mark = dict[str, object]


def layer(
    name: str, title: str, seen: Perception, first_ns: int, judged: Judged | None = None
) -> dict[str, object]:
    """One layer of the overlay, for the browser.

    Args:
        name: ``deployed``, ``candidate`` or ``labels``.
        title: Its name in the legend.
        seen: Its frames and their annotations.
        first_ns: Start of the videos.
        judged: For a network, which rows count and which only it has; all labels count.
    """
    times_ns = seen.timestamps_ns
    frames = np.searchsorted(times_ns, seen.sparse["timestamp_ns"].to_numpy()).tolist()
    marks = [_mark(row, at) for row, at in zip(seen.sparse.to_pylist(), frames, strict=True)]
    if judged is not None:
        _add_judgement(marks, judged)
    return {
        "name": name,
        "title": title,
        "colour": COLOURS[name],
        "times": ((times_ns - first_ns) / NS_PER_S).tolist(),
        "step_s": _step_s(seen),
        "marks": marks,
    }


def _step_s(seen: Perception) -> float:
    """How long a mark is shown: one step, with a maximum because the scene moves."""
    steps = np.diff(seen.timestamps_ns)
    return min(float(np.median(steps)) / NS_PER_S, LONGEST_STEP_S) if len(steps) else LONGEST_STEP_S


def _mark(row: Mapping[str, object], frame: int) -> Mark:
    mark: Mark = {
        "camera": row["camera"],
        "frame": frame,
        "form": _form(row),
        "category": row["category"],
        "score": row["score"],
    }
    if row["x1"] is not None:
        mark["box"] = [row["x1"], row["y1"], row["x2"], row["y2"]]
    if row["points"]:
        mark["points"] = row["points"]
    return mark


def _form(row: Mapping[str, object]) -> str | None:
    """The form of a row: its family's form, or that of its columns if the family is unknown."""
    family = families().get(str(row["task"]))
    return family.form if family else form_of(row)


def _add_judgement(marks: list[Mark], judged: Judged) -> None:
    """Add ``below`` only to rows that do not count, because most rows count."""
    columns = zip(marks, judged.counts, judged.below.round(4), judged.alone, strict=True)
    for mark, counts, below, alone in columns:
        if not counts:
            mark["below"] = float(below)
        if alone:
            mark["alone"] = True
