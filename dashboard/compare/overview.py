"""The checks that fit the filters, as a grid or as a list."""

import streamlit as st

from dashboard.compare import cached, components, markup
from dashboard.compare.filters import NAMES
from dashboard.compare.legend import legend
from dashboard.compare.list_markup import listed
from dashboard.compare.queries import LISTED, Checks, Grid, Row
from dashboard.compare.state import VIEWS, State
from dashboard.elements import button


def overview(checks: Checks, state: State, run: Row) -> None:
    """Lay out the legend, and one page of the grid or of the list."""
    st.html(legend(state.other_id is not None))
    grid = cached.grid(checks, state.filters, state.page if state.view == VIEWS[0] else 1)
    if not grid.count_checks.fit:
        st.info("No check fits these filters.")
        every = state.link(**dict.fromkeys(NAMES))
        st.html(button("Show all checks", every, "Clears all filters."))
    elif state.view == VIEWS[1]:
        _list(checks, state, grid)
    else:
        _heatmap(checks, state, run, grid)


def _heatmap(checks: Checks, state: State, run: Row, grid: Grid) -> None:
    link = state.without_check()
    components.show_grid(cached.grid_data(checks, state.filters, state.page, link, run))
    last = grid.first + len(grid.rows)
    slices = grid.count_slices
    more = ""
    if slices.shown < slices.fit:
        more = f" · {slices.shown} of {slices.fit} slices: choose “Slices by” for the others"
    shown = f"Rows {grid.first + 1:,} to {last:,}" if grid.rows else "No rows"
    turns = _turns(state, last < grid.count_rows.fit)
    st.html(markup.pages("row", shown, grid.count_rows, turns, more))


def _list(checks: Checks, state: State, grid: Grid) -> None:
    rows = cached.listed(checks, state.filters, state.page)
    st.html(listed(rows, state.key, state.other_id is not None, state.link))
    first = (state.page - 1) * LISTED
    last = first + len(rows)
    shown = f"Checks {first + 1:,} to {last:,}" if rows else "No checks"
    turns = _turns(state, last < grid.count_checks.fit)
    st.html(markup.pages("check", shown, grid.count_checks, turns, ""))


def _turns(state: State, more: bool) -> list[tuple[str, str]]:
    """Links to the previous and the next page, where there are any."""
    turns = []
    if state.page > 1:
        turns.append(("← previous", state.link(page=state.page - 1)))
    if more:
        turns.append(("next →", state.link(page=state.page + 1)))
    return turns
