"""What the address of the page finds in the lake."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import streamlit as st

from dashboard.filtering.address import Filter, parse_filter
from dashboard.filtering.clips import clips, shares
from dashboard.filtering.matching import Found, find, with_losses
from ridealong.lake import Snapshot
from shadow.runs import Run, default_run, list_runs


@dataclass(frozen=True)
class Search:
    """What a filter found.

    Attributes:
        clips: Every clip, as `dashboard.filtering.matching.with_losses` gives them.
        found: Which of them, and how many by facet.
        run: The run whose losses are known; None if none is looked at.
    """

    clips: pa.Table
    found: Found
    run: Run | None


def asked_now() -> Filter:
    """The filter in the address of the page that is shown."""
    names = st.query_params
    return parse_filter((name, value) for name in names for value in names.get_all(name))


def search(snapshot: Snapshot, asked: Filter) -> Search:
    """What a filter finds; losses only if the filter names a run or depends on them.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    run = _run(list_runs(snapshot), asked) if asked.by_loss or asked.run else None
    table = with_losses(clips(snapshot), shares(snapshot, run) if run else None)
    return Search(table, find(table, asked), run)


def clips_along(snapshot: Snapshot, asked: Filter) -> list[str]:
    """The ids of the clips that a filter finds, in its order: the way of J and L.

    Raises:
        RidealongError: The stored scores contradict themselves.
    """
    if asked.by_loss:
        result = search(snapshot, asked)
        table, found = result.clips, result.found
    else:  # the address of a clip names a run for other reasons
        table = with_losses(clips(snapshot), None)
        found = find(table, asked)
    return list(table["clip_id"].take(pa.array(found.rows)).to_pylist())


def _run(runs: Sequence[Run], asked: Filter) -> Run | None:
    """The run of the filter, by id or name; the newest if it names none."""
    if asked.run is None:
        return default_run(list(runs))
    return next((run for run in runs if asked.run in (run["run_id"], run["name"])), None)
