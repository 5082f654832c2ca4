"""The clips that fit a filter, in its order; and how many fit each value of a facet. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dashboard.filtering.address import FACETS, Filter, Order

LOST, KEPT, NOT_JUDGED = "loss", "no loss", "not in this run"

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """What a filter finds.

    Attributes:
        rows: Places of the clips in the table, in order, ``(N,)``.
        counts: By facet, each value with how many clips would fit if only it were chosen there.
    """

    rows: NDArray[np.int64]
    counts: dict[str, list[tuple[str, int]]]


def with_losses(clips: pa.Table, shares: Mapping[str, float] | None) -> pa.Table:
    """The clips with a share of a run's loss (null: not judged), and the facet ``loss``.

    Args:
        clips: As `dashboard.filtering.clips.clips` gives them.
        shares: By clip id; None if no run is looked at.
    """
    known = shares or {}
    found = [known.get(clip_id) for clip_id in clips["clip_id"].to_pylist()]
    words = [NOT_JUDGED if one is None else LOST if one > 0 else KEPT for one in found]
    return clips.append_column("share", pa.array(found, pa.float64())).append_column(
        "loss", pa.array(words, pa.string())
    )


def find(clips: pa.Table, asked: Filter) -> Found:
    """What a filter finds in the clips, as `with_losses` gives them."""
    fits = {facet: _fits(clips, facet, asked.values(facet)) for facet in FACETS}
    said = _says(clips, asked)
    every = _all(said, *fits.values())
    counts = {
        facet: _counts(
            clips[facet].filter(
                pa.array(_all(said, *(fits[one] for one in FACETS if one != facet)))
            ),
            asked.values(facet),
        )
        for facet in FACETS
    }
    return Found(_in_order(clips, np.flatnonzero(every), asked.order), counts)


def _all(*masks: Mask) -> Mask:
    return np.asarray(np.logical_and.reduce(masks), np.bool_)


def _fits(clips: pa.Table, facet: str, values: Sequence[str]) -> Mask:
    """Whether each clip has one of the values of a facet, ``(N,)``; without values, each does."""
    if not values:
        return np.ones(len(clips), np.bool_)
    column = clips[facet].combine_chunks()
    wanted = pa.array(values, pa.string())
    if not pa.types.is_list(column.type):
        return np.asarray(pc.is_in(column, wanted).to_numpy(zero_copy_only=False), np.bool_)
    hits = pc.is_in(pc.list_flatten(column), wanted).to_numpy(zero_copy_only=False)
    mask = np.zeros(len(clips), np.bool_)
    mask[pc.list_parent_indices(column).to_numpy(zero_copy_only=False)[hits]] = True
    return mask


def _says(clips: pa.Table, asked: Filter) -> Mask:
    """Whether each clip has all of the words, and is one of those that are named."""
    masks = [np.ones(len(clips), np.bool_)]
    for word in asked.words.lower().split():
        masks.append(pc.match_substring(clips["words"], word).to_numpy().astype(np.bool_))
    if asked.named:
        named = pa.array(asked.named, pa.string())
        masks.append(pc.is_in(clips["clip_id"], named).to_numpy().astype(np.bool_))
    return _all(*masks)


def _counts(column: pa.ChunkedArray, chosen: Sequence[str]) -> list[tuple[str, int]]:
    values = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    found = Counter({value: 0 for value in chosen})
    found.update({row["values"]: row["counts"] for row in pc.value_counts(values).to_pylist()})
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def _in_order(clips: pa.Table, rows: NDArray[np.int64], order: Order) -> NDArray[np.int64]:
    """Rows in an order, the newest first where it leaves a choice."""
    newest = -clips["start_ns"].to_numpy()[rows]
    if order == Order.NEWEST:
        return rows[np.lexsort([rows, newest])]
    if order == Order.LONGEST:
        return rows[np.lexsort([rows, newest, -clips["seconds"].to_numpy()[rows]])]
    share = np.nan_to_num(clips["share"].to_numpy()[rows], nan=-np.inf)
    return rows[np.lexsort([rows, newest, -share])]
