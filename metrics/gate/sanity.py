"""Tables that cannot be: refused before they are judged, each in one line.

A verdict on such tables would look like any other. What is checked is what no network can have
done: a sum below zero, a share over 1, more labels found than there were, the same rows twice.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.errors import RidealongError
from metrics.inference.influence import Bools, Floats, Ints

# A share may exceed 1 by the rounding of its sums.
SHARE_ROUNDING = 1e-9

# So many distinct rows of a prediction do not all occur a multiple of times by chance.
FEWEST_DISTINCT = 8


def check_sums(scores: pa.Table) -> None:
    """Refuse sums that are negative or not finite.

    Raises:
        RidealongError: There is one; the message names it.
    """
    value = scores["value"]
    odd = scores.filter(pc.or_(pc.invert(pc.is_finite(value)), pc.less(value, 0)))
    if odd.num_rows:
        row = odd.slice(0, 1).to_pylist()[0]
        what = f"{row['statistic']} of {row['prediction']} {row['metric']} on clip {row['clip_id']}"
        raise RidealongError(
            f"{what} is {row['value']:g}", where="scores", expected="a sum of zero or more"
        )


def check_share(metric: str, num: Floats, den: Floats, clips: pa.Table, names: list[str]) -> None:
    """Refuse a share that is not within 0 and 1.

    Args:
        metric: Its name.
        num: ``(clips, predictions)`` above the line.
        den: ``(clips, predictions)`` below it.
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
        raise RidealongError(what, where="matches", expected=expected, mend=_TWICE)


def check_repeats(prediction: Ints, same: Bools, names: list[str]) -> None:
    """Refuse rows that are given several times over.

    Two equal rows prove nothing (two boxes of one score in a frame); all rows of a prediction
    occurring twice, or three times, do.

    Args:
        prediction: ``(n,)`` each row's prediction, ascending.
        same: ``(n,)`` whether the row equals the one before it; equal rows stand together.
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
        raise RidealongError(what, where="matches", expected="each detection once", mend=_TWICE)


_TWICE = "were the same rows given twice?"
