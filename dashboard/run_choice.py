"""The select of a run, as the pages Release and Compare have it."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard.text import plain, when
from dashboard.widgets import set_widget
from ridealong.terminal.readable import counted


def select_run(
    label: str,
    titles: Mapping[str, str],
    shown: str | None,
    changed: Callable[[], None],
    *,
    key: str = "run",
    placeholder: str = "Choose a run",
) -> str | None:
    """Lay out the select, and return the id of the run that it shows.

    Args:
        label: What screen readers call it.
        titles: The titles of the runs by their ids.
        shown: The run in the address, which decides: links change it, and so does ``changed``.
        changed: Called when somebody chooses another run, before the script runs.
        key: Where the choice is in the session's state.
        placeholder: What it says while none is chosen.
    """
    set_widget(key, shown)
    chosen: str | None = st.selectbox(
        label,
        list(titles),
        format_func=titles.__getitem__,
        placeholder=placeholder,
        label_visibility="collapsed",
        key=key,
        disabled=not titles,
        on_change=changed,
    )
    return chosen


def run_title(run: Mapping[str, Any], judged: int, noun: str) -> str:
    """A run in one line.

    Args:
        run: Has the columns of `shadow.runs.list_runs` that are named here.
        judged: How many clips or items it judged.
        noun: What one of them is called.
    """
    name = f"{run['name']} · " if run["name"] else ""
    same = " · the same network twice" if run["against_itself"] else ""
    archived = " · archived" if run["archived"] else ""
    pair = f"{run['candidate']} against {run['deployed']}{same}"
    made = f"{when(run['created_ns'])} UTC"
    facts = f"{run['verdict']} · {counted(judged, noun)} · {made} · {run['run_id'][:8]}"
    return f"{name}{pair} · {facts}{archived}"


def say_gone(run_id: str, instead: str = "") -> None:
    """Say that the address names a run that is not there, and what is shown instead."""
    gone = f"There is no run {plain(run_id)}: it was deleted, or it was never in this home."
    st.warning(f"{gone} {instead}".strip())
