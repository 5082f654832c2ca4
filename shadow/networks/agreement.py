"""How far two outputs of a network agree, where kernels may round differently.

Rounding moves a score by little, but a score beside a threshold then adds or drops a row. So what
counts is the share of rows and cells without a counterpart.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from ridealong.arrays import Bools, Floats
from ridealong.perception.annotations import Perception

GROUP = ("timestamp_ns", "camera", "task", "category")
BOX = ("x1", "y1", "x2", "y2")
SCORE = 0.01
PIXELS = 1.0
METRES = 0.01  # relative


def same_bytes(one: Perception, other: Perception) -> bool:
    """Whether two outputs on the same frames are equal in every bit."""
    if not one.sparse.combine_chunks().equals(other.sparse.combine_chunks()):
        return False
    return all(
        first.keys() == second.keys()
        and all(
            np.array_equal(first[n], second[n], equal_nan=first[n].dtype.kind == "f") for n in first
        )
        for first, second in _dense(one, other)
    )


def disagreement(one: Perception, other: Perception) -> float:
    """The share of rows, or of the cells of a dense output, without a counterpart; the largest.

    Rows correspond if they are of one image and category, and scores differ by at most `SCORE`,
    corners and the ends of lines by at most `PIXELS`. Depth may differ by 1%.
    """
    shares = [_rows(one.sparse, other.sparse), _rows(other.sparse, one.sparse)]
    for first, second in _dense(one, other):
        if first.keys() != second.keys():
            return 1.0
        shares += [_cells(first[name], second[name]) for name in first]
    return max(shares)


def _dense(one: Perception, other: Perception) -> Iterator[tuple[dict[str, Floats], ...]]:
    for kind in ("depth", "segmentation", "bev"):
        yield getattr(one, kind), getattr(other, kind)


def _cells(one: Floats, other: Floats) -> float:
    if one.shape != other.shape:
        return 1.0
    if one.dtype.kind != "f":
        return float(np.count_nonzero(one != other)) / max(one.size, 1)
    alike: Bools = np.isclose(one, other, rtol=METRES, atol=0, equal_nan=True)
    return 1 - float(alike.sum()) / max(alike.size, 1)


def _rows(one: pa.Table, other: pa.Table) -> float:
    """The share of the first's rows that the other lacks."""
    if not one.num_rows:
        return 0.0
    there = _grouped(other)
    none = np.zeros((0, 9))
    alone = 0
    for key, rows in _grouped(one).items():
        apart = np.abs(rows[:, None] - there.get(key, none)[None]).max(axis=-1, initial=0)
        alone += int((apart.min(axis=1, initial=np.inf) > PIXELS).sum())
    return alone / int(one.num_rows)


def _grouped(sparse: pa.Table) -> dict[tuple[object, ...], Floats]:
    """Rows as points: score, corners, ends of lines; a distance of `PIXELS` is `SCORE`, too."""
    found: dict[tuple[object, ...], list[list[float]]] = {}
    for row in sparse.select([*GROUP, "score", *BOX, "points"]).to_pylist():
        line = row["points"] or [0.0] * 4
        point = [
            row["score"] / SCORE * PIXELS,
            *(row[n] or 0.0 for n in BOX),
            *line[:2],
            *line[-2:],
        ]
        found.setdefault(tuple(row[name] for name in GROUP), []).append(point)
    return {key: np.array(rows, np.float64) for key, rows in found.items()}
