"""Which runs the page Compare shows: the one in the address, and another one beside it."""

import streamlit as st

from dashboard.compare.asked import change
from dashboard.compare.queries import Row
from dashboard.run_choice import run_title, say_gone, select_run
from shadow.judged import of_items
from shadow.runs import default_run


def choose_runs(runs: list[Row]) -> tuple[Row | None, Row | None]:
    """The run in the address, else the default, and the other run if the address names one.

    Archived runs are offered only if the address names them.
    """
    asked = {name: st.query_params.get(name) for name in ("run", "other")}
    by_id = {
        run["run_id"]: run for run in runs if not run["archived"] or run["run_id"] in asked.values()
    }
    titles = {run_id: _title(run) for run_id, run in by_id.items()}
    default = default_run(runs)
    shown = asked["run"]
    if shown not in by_id:
        shown = default["run_id"] if default else None
    chosen = select_run("Run", titles, shown, _run_changed)
    others = {run_id: title for run_id, title in titles.items() if run_id != chosen}
    beside = select_run(
        "Compared with",
        others,
        asked["other"] if asked["other"] in others else None,
        _other_changed,
        key="other",
        placeholder="Compare with another run" if others else "There is no other run",
    )
    return by_id[chosen] if chosen else None, by_id[beside] if beside else None


def say_lost_runs(runs: list[Row]) -> None:
    """Say which runs of the address are not there."""
    known = {run["run_id"] for run in runs}
    for name in (st.query_params.get("run"), st.query_params.get("other")):
        if name is not None and name not in known:
            say_gone(name)


def _title(run: Row) -> str:
    return run_title(run, len(run["clip_ids"]), "item" if of_items(run) else "clip")


def _run_changed() -> None:
    """Another run: its worst check, and none of the filters, which may not fit it."""
    other = st.query_params.get("other")
    chosen = st.session_state["run"]
    asked = {"run": chosen, "other": other if other != chosen else None}
    st.query_params.from_dict({name: value for name, value in asked.items() if value})


def _other_changed() -> None:
    change("other", st.session_state["other"])
    change("changed", None)
