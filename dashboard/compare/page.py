"""The page Compare: a run's checks, one of them with what is behind it, and another run beside it.

Everything that is shown is in the address. Links change it, and so do the widgets, in their
callbacks; so a run of this script only reads it.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.compare import cell_queries, charts, components, markup, queries
from dashboard.compare.cell_queries import KEY, key_of
from dashboard.compare.filters import KINDS, NAMES, Filters, Known, read_filters
from dashboard.compare.queries import Change, Checks, Row
from dashboard.compare.state import VIEWS, State, page_in
from dashboard.copying import copy_link
from dashboard.exporting import Subject, send_button
from dashboard.routes.behind import CheckKey, behind_link
from dashboard.text import plain, when
from dashboard.theme import MARKS, Palette, palette
from dashboard.words import help_of
from metrics.gate.cells import Cell, Verdict
from metrics.tasks.prediction import task_of
from ridealong.lake import Snapshot
from ridealong.terminal.readable import counted
from shadow.judged import metrics_of, of_items
from shadow.runs import default_run

CACHED = 64  # answers of each query that are kept
OPEN = 8  # runs whose checks are kept in memory
BY_SNAPSHOT: dict[Any, Any] = {Snapshot: queries.version_of}
BY_CHECKS: dict[Any, Any] = {Checks: lambda c: (c.version, c.run_id, c.other_id)}

_by_snapshot = st.cache_data(hash_funcs=BY_SNAPSHOT, max_entries=CACHED, show_spinner=False)
_by_checks = st.cache_data(hash_funcs=BY_CHECKS, max_entries=CACHED, show_spinner=False)
_kept = st.cache_resource(hash_funcs=BY_SNAPSHOT, max_entries=OPEN, show_spinner=False)

_runs = _by_snapshot(queries.runs)
_checks = _kept(queries.read_checks)
_known = _by_checks(queries.known)
_tally = _by_checks(queries.tally)
_cause = _by_checks(queries.cause)
_changes = _by_checks(queries.changes)
_grid = _by_checks(queries.grid)
_listed = _by_checks(queries.listed)
_look = _by_checks(cell_queries.look)


@_by_checks
def _grid_data(
    checks: Checks, filters: Filters, page: int, link: str, palette: Palette, _run: Row
) -> dict[str, Any]:
    grid, find = _grid(checks, filters, page), metrics_of(_run)
    units = [markup.unit_of(find(task_of(row.prediction), row.metric)) for row in grid.rows]
    return charts.grid_data(grid, link, units, palette)


def page() -> None:
    """Lay out the page: the verdict, the checks beside the chosen one, and its clips."""
    title, choices = st.columns([1, 7], vertical_alignment="center")
    title.title("Compare", anchor=False)
    snapshot = session.snapshot(session.home())
    runs = _runs(snapshot)
    if not runs:
        _no_run()
        return
    with choices:
        run, other = _choose_runs(runs)
    st.html(markup.style(palette()))
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
    st.html(
        markup.style(palette())
        + markup.button("Start a run", "/runs?view=start", "Opens the page Runs and networks.")
    )


def _choose_runs(runs: list[Row]) -> tuple[Row | None, Row | None]:
    """The run in the address, else the default, and the other run if the address names one."""
    by_id: dict[str, Row] = {run["run_id"]: run for run in runs}
    asked = {name: st.query_params.get(name) for name in ("run", "other")}
    lost = [name for name in asked.values() if name is not None and name not in by_id]
    default = default_run(runs)
    shown = asked["run"] if asked["run"] in by_id else default and default["run_id"]
    first, second = st.columns([5, 4])
    st.session_state["run"] = shown
    chosen: str | None = first.selectbox(
        "Run",
        list(by_id),
        format_func=lambda run_id: _run_name(by_id[run_id]),
        placeholder="Choose a run",
        label_visibility="collapsed",
        key="run",
        on_change=_run_changed,
    )
    others = [run_id for run_id in by_id if run_id != chosen]
    st.session_state["other"] = asked["other"] if asked["other"] in others else None
    beside: str | None = second.selectbox(
        "Compared with",
        others,
        format_func=lambda run_id: _run_name(by_id[run_id]),
        placeholder="Compare with another run" if others else "There is no other run",
        label_visibility="collapsed",
        key="other",
        disabled=not others,
        on_change=_other_changed,
    )
    for name in lost:
        st.warning(f"There is no run {plain(name)}: it was deleted, or it was never in this home.")
    return by_id[chosen] if chosen else None, by_id[beside] if beside else None


def _run_name(run: Row) -> str:
    name = f"{run['name']} · " if run["name"] else ""
    same = " · the same network twice" if run["against_itself"] else ""
    judged = counted(len(run["clip_ids"]), "item" if of_items(run) else "clip")
    pair = f"{run['candidate']} against {run['deployed']}{same}"
    made = f"{when(run['created_ns'])} UTC"
    return f"{name}{pair} · {run['verdict']} · {judged} · {made} · {run['run_id'][:8]}"


def _run_changed() -> None:
    """Another run: its worst check, and none of the filters, which may not fit it."""
    other = st.query_params.get("other")
    chosen = st.session_state["run"]
    asked = {"run": chosen, "other": other if other != chosen else None}
    st.query_params.from_dict({name: value for name, value in asked.items() if value})


def _other_changed() -> None:
    _set("other", st.session_state["other"])
    _set("changed", None)


def _set(name: str, value: str | Sequence[str] | None) -> None:
    """Change one parameter of the address; the pages of the grid start again."""
    for gone in (name, "page"):
        st.query_params.pop(gone, None)
    if value:
        st.query_params[name] = value


def _show(snapshot: Snapshot, run: Row, other: Row | None) -> None:
    checks = _checks(snapshot, run["run_id"], other["run_id"] if other else None)
    tally = _tally(checks)
    st.html(markup.verdicts(run, _cause(checks), other))
    if not tally.total:
        st.info("This run has no checks: nothing that both networks predict was judged.")
        return
    known = _known(checks)
    asked = {name: st.query_params.get_all(name) for name in (*NAMES, "page", "view")}
    filters, lost = read_filters(asked, known, list(Change) if other else ())
    look = _look(checks, _asked_key(), filters)
    assert look is not None
    state = State(
        run_id=run["run_id"],
        other_id=other["run_id"] if other else None,
        key=key_of(look.cell),
        filters=filters,
        view=VIEWS[1] if asked["view"] == [VIEWS[1]] else VIEWS[0],
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
            st.html(markup.changes(_changes(checks), filters.changed, state.link))
    with buttons, st.container(horizontal=True, horizontal_alignment="right"):
        _buttons(state, run)
    with filters_place:
        _say_lost(look.missing, lost)
        _filters(known, filters, other is not None)
    with left:
        _overview(checks, state, run)
    _behind(run, look.cell)
    components.show_chosen(state.key)


def _buttons(state: State, run: Row) -> None:
    _views(state)
    subject = Subject(
        run_id=run["run_id"],
        title=f"{run['candidate']} against {run['deployed']}",
        of_items=of_items(run),
        cell=(state.key["prediction"], state.key["metric"], state.key["slice"]),
    )
    send_button(subject)
    copy_link(state.link())


def _asked_key() -> dict[str, str]:
    return {name: str(st.query_params[name]) for name in KEY if name in st.query_params}


def _say_lost(missing: str | None, lost: Sequence[str]) -> None:
    """What the address names and the run does not have."""
    if missing:
        asked = _asked_key()
        known = [asked[name] for name in KEY[: KEY.index(missing)] if name in asked]
        of = f" for {plain(' '.join(known))}" if known else ""
        st.warning(
            f"This run has no {missing} {plain(asked[missing])}{of}. "
            "Instead, the worst check that matches the rest is shown."
        )
    if lost:
        st.warning(f"This run has {plain(', '.join(lost))}. These filters are left out.")


def _filters(known: Known, filters: Filters, compared: bool) -> None:
    """The widgets of the filters, in one row."""
    places = st.columns(8 if compared else 7)
    st.session_state["show"] = filters.show or None
    places[0].selectbox(
        "Checks",
        KINDS,
        key="show",
        placeholder="All",
        help=f"Required: {help_of('required')} Watched: {help_of('watched')}",
        on_change=_filtered,
        args=("show",),
    )
    choices: list[tuple[str, str, str, Sequence[str]]] = [
        ("Verdict", "verdicts", "verdict", list(Verdict)),
        ("Task", "tasks", "task", known.tasks),
        ("Camera", "cameras", "camera", known.cameras),
        ("Metric", "metrics", "metric", known.metrics),
        ("Slices by", "fields", "attribute", known.fields),
    ]
    if compared:
        choices.append(("Changed", "changed", "verdict", list(Change)))
    for place, (label, name, about, options) in zip(places[1:], choices, strict=False):
        st.session_state[name] = list(getattr(filters, name))
        place.multiselect(
            label,
            options,
            format_func=_option,
            key=name,
            placeholder="All",
            help=help_of(about),
            on_change=_filtered,
            args=(name,),
            wrap=False,
            disabled=not options,
        )
    st.session_state["text"] = filters.text
    places[-1].text_input(
        "Text",
        key="text",
        placeholder="car night",
        help="Words of the prediction, metric or slice; a check must have all of them.",
        on_change=_filtered,
        args=("text",),
    )


def _option(value: str) -> str:
    return f"{MARKS[Verdict(value)]} {value}" if value in set(Verdict) else value


def _filtered(name: str) -> None:
    _set(name, st.session_state[name])


def _views(state: State) -> None:
    st.session_state["view"] = state.view
    st.segmented_control(
        "View",
        VIEWS,
        key="view",
        label_visibility="collapsed",
        required=True,
        on_change=_filtered,
        args=("view",),
    )


def _overview(checks: Checks, state: State, run: Row) -> None:
    """The checks that fit the filters, as a grid or as a list."""
    st.html(markup.legend(state.other_id is not None))
    grid = _grid(checks, state.filters, state.page if state.view == VIEWS[0] else 1)
    if not grid.count_checks.fit:
        st.info("No check fits these filters.")
        st.html(
            markup.button(
                "Show all checks", state.link(**dict.fromkeys(NAMES)), "Clears all filters."
            )
        )
    elif state.view == VIEWS[1]:
        _list(checks, state, grid)
    else:
        _heatmap(checks, state, run, grid)


def _heatmap(checks: Checks, state: State, run: Row, grid: queries.Grid) -> None:
    link = state.without_check()
    data = _grid_data(checks, state.filters, state.page, link, palette(), run)
    components.show_grid(data)
    last = grid.first + len(grid.rows)
    slices = grid.count_slices
    more = ""
    if slices.shown < slices.fit:
        more = f" · {slices.shown} of {slices.fit} slices: choose “Slices by” for the others"
    st.html(
        markup.pages(
            "row",
            f"Rows {grid.first + 1:,} to {last:,}" if grid.rows else "No rows",
            grid.count_rows,
            _turns(state, last < grid.count_rows.fit),
            more,
        )
    )


def _list(checks: Checks, state: State, grid: queries.Grid) -> None:
    rows = _listed(checks, state.filters, state.page)
    st.html(markup.listed(rows, state.key, state.other_id is not None, state.link))
    first = (state.page - 1) * queries.LISTED
    st.html(
        markup.pages(
            "check",
            f"Checks {first + 1:,} to {first + len(rows):,}" if rows else "No checks",
            grid.count_checks,
            _turns(state, first + len(rows) < grid.count_checks.fit),
            "",
        )
    )


def _turns(state: State, more: bool) -> list[tuple[str, str]]:
    """Links to the previous and the next page, where there are any."""
    turns = []
    if state.page > 1:
        turns.append(("← previous", state.link(page=state.page - 1)))
    if more:
        turns.append(("next →", state.link(page=state.page + 1)))
    return turns


def _check(
    snapshot: Snapshot, state: State, run: Row, other: Row | None, look: cell_queries.Looked
) -> None:
    """The chosen check: its verdict, values, intervals and facts."""
    cell = look.cell
    beside = _same_check(snapshot, state, other) if other else None
    st.html(
        markup.check(cell, cell_queries.metric_of(run, cell), run, beside)
        + markup.intervals(look.siblings, cell, state.link)
        + markup.facts(cell, run)
    )
    if other and beside is None:
        st.html(markup.note("The other run does not have this check."))


def _same_check(snapshot: Snapshot, state: State, other: Row) -> Cell | None:
    """The chosen check in the other run."""
    found = _look(_checks(snapshot, other["run_id"], None), dict(state.key), Filters())
    return found.cell if found and found.missing is None else None


def _behind(run: Row, cell: Cell) -> None:
    """The clips behind the chosen check: the costliest as pictures, all of them as a table."""
    items = of_items(run)
    st.subheader("The frames behind it" if items else "The clips behind it", anchor=False)
    link = behind_link(session.links(), CheckKey(run["run_id"], **key_of(cell)))
    components.show_behind(link, "frame" if items else "clip")


page()
