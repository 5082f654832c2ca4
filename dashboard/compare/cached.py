"""The queries of the page Compare, with their answers kept; see `dashboard.keeping`."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from dashboard.compare import cell_queries, charts, queries
from dashboard.compare.check_markup import unit_of
from dashboard.compare.filters import Filters
from dashboard.compare.queries import Checks, Row
from dashboard.keeping import by_tables
from metrics.gate.schemas import VERDICTS
from metrics.tasks.prediction import task_of
from shadow.judged import metrics_of
from shadow.schemas import RUN_NAMES, RUNS

ANSWERS = 64  # of each query
OPEN = 8  # runs whose checks are in memory


P = ParamSpec("P")
T = TypeVar("T")


def _by_checks(query: Callable[P, T]) -> Callable[P, T]:
    names: dict[Any, Any] = {Checks: lambda checks: checks.name}
    return st.cache_resource(hash_funcs=names, max_entries=ANSWERS, show_spinner=False)(query)


runs = by_tables(queries.runs, 4, RUNS, RUN_NAMES)
checks = by_tables(queries.read_checks, OPEN, VERDICTS)
known = _by_checks(queries.known)
tally = _by_checks(queries.tally)
cause = _by_checks(queries.cause)
changes = _by_checks(queries.changes)
grid = _by_checks(queries.grid)
listed = _by_checks(queries.listed)
look = _by_checks(cell_queries.look)


@_by_checks
def grid_data(checks: Checks, filters: Filters, page: int, link: str, _run: Row) -> dict[str, Any]:
    """What the grid's component draws of one page; ``link`` is as for `charts.grid_data`."""
    shown, find = grid(checks, filters, page), metrics_of(_run)
    units = [unit_of(find(task_of(row.prediction), row.metric)) for row in shown.rows]
    return charts.grid_data(shown, link, units)
