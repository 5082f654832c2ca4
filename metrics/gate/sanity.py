"""Refuses impossible tables before they are judged, with a message of one line.

A verdict on such tables would look like any other. The checks are for results that no network can
have: a sum below zero, a share above 1, more labels found than there were, the same rows twice, a
detection without a score.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError

# A share may exceed 1 by the rounding of its sums.
SHARE_ROUNDING = 1e-9

# Whole numbers are exact in a float64 up to here; counts of pixels end far below it.
LARGEST_SUM = 1e15

# With so many distinct rows, it is not chance if all of them occur several times.
FEWEST_DISTINCT = 8


def check_sums(scores: pa.Table) -> None:
    """Refuse rows without a name, and sums that are negative or too large to be one.

    Raises:
        RidealongError: There is one; the message names it.
    """
    _check_nulls(scores, ("prediction", "metric", "statistic", "definition"), "scores")
    value = scores["value"]
    is_sum = pc.and_(pc.greater_equal(value, 0), pc.less_equal(value, LARGEST_SUM))
    odd = scores.filter(pc.invert(is_sum))
    if odd.num_rows:
        row = odd.slice(0, 1).to_pylist()[0]
        what = f"{row['statistic']} of {row['prediction']} {row['metric']} on clip {row['clip_id']}"
        raise RidealongError(
            f"{what} is {row['value']:g}",
            where="scores",
            expected=f"a sum of zero or more, at most {LARGEST_SUM:g}",
        )


def check_detections(matches: pa.Table) -> None:
    """Refuse detections without a finite score, or without a value for what they matched.

    Raises:
        RidealongError: There is one; the message names it.
    """
    matched = [name for name in ("matched", "hits", "ignored") if name in matches.column_names]
    _check_nulls(matches, ["prediction", "score", *matched], "matches")
    odd = matches.filter(pc.invert(pc.is_finite(matches["score"])))
    if odd.num_rows:
        row = odd.slice(0, 1).to_pylist()[0]
        what = f"a score of {row['prediction']} on clip {row['clip_id']} is {row['score']:g}"
        raise RidealongError(what, where="matches", expected="a number")


def check_once(ids: pa.ChunkedArray, what: str) -> None:
    """Refuse a table of clips or drives that names one of them twice.

    Raises:
        RidealongError: There is one; the message names it.
    """
    counts = pc.value_counts(ids)
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        name = twice[0]["values"].as_py()
        raise RidealongError(
            f"{what} {name!r} is listed {twice[0]['counts']} times",
            where=f"{what}s",
            expected="each once",
        )


def _check_nulls(table: pa.Table, columns: Sequence[str], where: str) -> None:
    for name in columns:
        if missing := table[name].null_count:
            raise RidealongError(
                f"{missing} rows have no {name}", where=where, expected="a value in every row"
            )


def check_share(metric: str, num: Floats, den: Floats, clips: pa.Table, names: list[str]) -> None:
    """Refuse a share that is not within 0 and 1.

    Args:
        metric: Its name.
        num: ``(clips, predictions)`` numerators.
        den: ``(clips, predictions)`` denominators.
        clips: The clips, with ``clip_id``.
        names: The predictions.

    Raises:
        RidealongError: There is one; the message names it.
    """
    odd = np.argwhere((num > den * (1 + SHARE_ROUNDING)) | (num < -SHARE_ROUNDING * den))
    if len(odd):
        clip, prediction = odd[0]
        what = f"{metric} of {names[prediction]} on clip {clips['clip_id'][clip].as_py()}"
        ratio = f"{num[clip, prediction]:g} / {den[clip, prediction]:g}"
        raise RidealongError(f"{what} is {ratio}", where="scores", expected="a share, from 0 to 1")


def check_matches(found: Ints, labels: Floats, clips: pa.Table, names: list[str]) -> None:
    """Refuse more matched rows than labels: no label is found twice.

    Args:
        found: ``(clips, predictions)`` matched rows.
        labels: ``(clips, predictions)`` labels; no check where the score is not known.
        clips: The clips, with ``clip_id``.
        names: The predictions.

    Raises:
        RidealongError: There is such a clip; the message names it.
    """
    odd = np.argwhere(found > labels)
    if len(odd):
        clip, prediction = odd[0]
        where = f"{names[prediction]} on clip {clips['clip_id'][clip].as_py()}"
        what = f"{where} has {found[clip, prediction]} matched rows"
        expected = f"at most one per label, of which there are {labels[clip, prediction]:g}"
        raise RidealongError(what, where="matches", expected=expected, hint=_TWICE)


def check_repeats(prediction: Ints, same: Bools, names: list[str]) -> None:
    """Refuse rows that are given several times.

    Two equal rows prove nothing: a frame may have two boxes of one score. It is an error if all
    rows of a prediction occur twice, or three times.

    Args:
        prediction: ``(n,)`` each row's prediction, ascending.
        same: ``(n,)`` whether the row equals the one before it; equal rows are adjacent.
        names: The predictions.

    Raises:
        RidealongError: There is such a prediction; the message names it.
    """
    starts = np.flatnonzero(~same)
    times = np.diff(np.append(starts, len(same)))
    codes, first = np.unique(prediction[starts], return_index=True)
    if not len(codes):
        return
    distinct = np.diff(np.append(first, len(starts)))
    common = np.gcd.reduceat(times, first)
    for place in np.flatnonzero((common > 1) & (distinct >= FEWEST_DISTINCT)):
        what = f"every row of {names[codes[place]]} is given {common[place]} times"
        raise RidealongError(what, where="matches", expected="each detection once", hint=_TWICE)


_TWICE = "were the same rows given twice?"
