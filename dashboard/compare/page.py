"""The page Compare: a run's checks, one of them with what is behind it, and another run beside it.

Everything that is shown is in the address. Links change it, and so do the widgets, in their
callbacks; so a run of this script only reads it.
"""

from collections.abc import Sequence

import streamlit as st

from dashboard import session
from dashboard.compare import cached, components, markup
from dashboard.compare.asked import asked_key, asked_values
from dashboard.compare.cell_queries import KEY, Looked, key_of, metric_of
from dashboard.compare.check_markup import check, facts
from dashboard.compare.choosing import choose_runs, say_lost_runs
from dashboard.compare.filter_widgets import filter_widgets, view_widget
from dashboard.compare.filters import Filters, read_filters
from dashboard.compare.interval_markup import intervals
from dashboard.compare.overview import overview
from dashboard.compare.queries import Change, Row
from dashboard.compare.state import State, view_in, wrong_in
from dashboard.copying import copy_link
from dashboard.elements import button
from dashboard.exporting import Subject, send_button
from dashboard.page_numbers import page_in
from dashboard.routes.behind import behind_link
from dashboard.routes.pairs import PairKey
from dashboard.text import plain
from metrics.gate.cells import Cell
from ridealong.lake import Snapshot
from shadow.judged import of_items


def page() -> None:
    """Lay out the page: the verdict, the checks beside the chosen one, and its clips."""
    top = st.container(horizontal=True, vertical_alignment="center")
    top.title("Compare", anchor=False, width="content")
    snapshot = session.snapshot(session.home())
    runs = cached.runs(snapshot)
    if not runs:
        _no_run()
        return
    with top:
        run, other = choose_runs(runs)
    say_lost_runs(runs)
    st.html(markup.style())
    if run is None:
        st.info("These runs compare a network with itself. Choose one above to see it.")
        return
    _show(snapshot, run, other)


def _no_run() -> None:
    st.info(
        "There is no run to look at yet. A run replays the same clips through two networks and "
        "judges every prediction. Start one on the page Runs and networks, or with "
        "`ridealong shadow run --deployed A --candidate B`."
    )
    st.html(button("Start a run", "/runs?view=start", "Opens the page Runs and networks."))


def _show(snapshot: Snapshot, run: Row, other: Row | None) -> None:
    checks = cached.checks(snapshot, run["run_id"], other["run_id"] if other else None)
    tally = cached.tally(checks)
    st.html(markup.verdicts(run, cached.cause(checks), other))
    if not tally.total:
        st.info("This run has no checks: nothing that both networks predict was judged.")
        return
    known, asked = cached.known(checks), asked_values()
    filters, lost = read_filters(asked, known, list(Change) if other else ())
    look = cached.look(checks, asked_key(), filters)
    assert look is not None
    state = State(
        run_id=run["run_id"],
        other_id=other["run_id"] if other else None,
        key=key_of(look.cell),
        filters=filters,
        view=view_in(asked["view"]),
        page=page_in(asked["page"]),
    )
    words, buttons = st.columns([3, 2], vertical_alignment="center")
    filters_place = st.container()
    left, right = st.columns([3, 2], gap="medium")
    with right:  # first, because it is what a click on another check is for
        _check(snapshot, state, run, other, look)
    with words, st.container(gap="xxsmall"):
        st.html(markup.counts(tally, state.link))
        if other is not None:
            st.html(markup.changes(cached.changes(checks), filters.changed, state.link))
    with buttons:
        _buttons(state, run)
    with filters_place:
        _say_lost(look.missing, lost, wrong_in(asked))
        filter_widgets(known, filters, other is not None)
    with left:
        overview(checks, state, run)
    _behind(run, look.cell)
    components.show_chosen(state.key)


def _buttons(state: State, run: Row) -> None:
    subject = Subject(
        run_id=run["run_id"],
        title=f"{run['candidate']} against {run['deployed']}",
        of_items=of_items(run),
        cell=(state.key["prediction"], state.key["metric"], state.key["slice"]),
    )
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        view_widget(state.view)
        send_button(subject)
        copy_link(state.link())


def _say_lost(missing: str | None, lost: Sequence[str], wrong: Sequence[str]) -> None:
    """What the address names and the run or this page does not have."""
    if missing:
        asked = asked_key()
        known = [asked[name] for name in KEY[: KEY.index(missing)] if name in asked]
        of = f" for {plain(' '.join(known))}" if known else ""
        st.warning(
            f"This run has no {missing} {plain(asked[missing])}{of}. "
            "Instead, the worst check that matches the rest is shown."
        )
    if lost:
        st.warning(f"This run has {plain(', '.join(lost))}. These filters are left out.")
    for sentence in wrong:
        st.warning(plain(sentence))


def _check(snapshot: Snapshot, state: State, run: Row, other: Row | None, look: Looked) -> None:
    """The chosen check: its verdict, values, intervals and facts."""
    cell = look.cell
    beside = _same_check(snapshot, state, other) if other else None
    st.html(
        check(cell, metric_of(run, cell), run, beside)
        + intervals(look.siblings, cell, state.link)
        + facts(cell, run)
    )
    if other and beside is None:
        st.html(markup.note("The other run does not have this check."))


def _same_check(snapshot: Snapshot, state: State, other: Row) -> Cell | None:
    """The chosen check in the other run."""
    checks = cached.checks(snapshot, other["run_id"], None)
    found = cached.look(checks, dict(state.key), Filters())
    return found.cell if found and found.missing is None else None


def _behind(run: Row, cell: Cell) -> None:
    """The clips behind the chosen check: the costliest as pictures, all of them as a table."""
    items = of_items(run)
    st.subheader("The frames behind it" if items else "The clips behind it", anchor=False)
    link = behind_link(session.links(), PairKey(run["run_id"], **key_of(cell)))
    components.show_behind(link, "frame" if items else "clip")


page()
