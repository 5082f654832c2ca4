"""Queries of the page Compare: what of a run's checks is shown, and how two runs differ.

A run may have 50,000 checks and more. They stay in DuckDB: a query returns the rows and columns of
one page of the grid, never all.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import uuid4

import duckdb

from dashboard.compare.filters import Filters, Known, field_names
from metrics.gate.cells import Verdict
from metrics.gate.schemas import VERDICTS
from metrics.slices import ALL, parse_slice
from ridealong.lake import Snapshot
from ridealong.sql import sql_errors
from shadow.report import cause_sentence
from shadow.runs import list_runs

ROWS, SLICES = 60, 30  # shown at a time
LISTED = 100  # checks in a page of the list

Row = dict[str, Any]


class Change(StrEnum):
    """How the verdict of a check differs between this run and the other one."""

    NEW = "newly regressed"
    STILL = "still regressed"
    FIXED = "fixed"
    OTHER = "changed"  # between PASS and INCONCLUSIVE


@dataclass(frozen=True)
class Check:
    """One check of the grid: one prediction, metric and slice.

    Attributes:
        row, column: Its place in the grid.
        verdict, required, delta, low, high, margin: As in `metrics.gate.schemas.CELLS`.
        margins: Delta in margins; None if either is unknown.
        change: How it differs from the other run; None if it does not.
        matches: Whether it fits the filters; others share a row and a column with some that fit.
    """

    row: int
    column: int
    verdict: str
    required: bool
    delta: float | None
    low: float | None
    high: float | None
    margin: float | None
    margins: float | None
    change: str | None
    matches: bool


@dataclass(frozen=True)
class GridRow:
    """A row of the grid."""

    prediction: str
    metric: str
    required: bool


@dataclass(frozen=True)
class Counts:
    """How much of something there is, how much fits the filters, and how much is shown."""

    of: int
    fit: int
    shown: int


@dataclass(frozen=True)
class Grid:
    """One page of the grid: predictions with their metrics by slices.

    Attributes:
        rows: The rows with a required check come first, in both groups the worst.
        slices: The columns, ``all`` first.
        checks: Those in these rows and columns.
        first: The number of the first row, from 0.
        count_rows, count_slices, count_checks: How many there are.
    """

    rows: tuple[GridRow, ...]
    slices: tuple[str, ...]
    checks: tuple[Check, ...]
    first: int
    count_rows: Counts
    count_slices: Counts
    count_checks: Counts


@dataclass(frozen=True)
class Tally:
    """Counts of a run's checks: required ones by verdict, and watched ones."""

    required: Mapping[str, int]
    alerts: int
    better: int
    total: int


def runs(snapshot: Snapshot) -> list[Row]:
    """All runs, the newest first."""
    return list_runs(snapshot)


# The checks of one run, and what they have in the other. Without another run, `other` is null.
CHECKS = """
create table checks as
with own as (
    select * exclude (run_id) replace (coalesce(scope, 'drives') as scope)
    from verdicts where run_id = $run
),
compared as (
    select prediction, metric, slice, verdict, delta from verdicts where run_id = $other
)
select own.*, own.delta / nullif(own.margin, 0) as margins,
    regexp_extract(own.prediction, '^[^/@]*') as task,
    regexp_extract(own.prediction, '@([^@]+)$', 1) as camera,
    [url_decode(split_part(part, '=', 1)) for part in string_split(own.slice, '&')] as fields,
    case own.verdict when 'REGRESSED' then 0 when 'INCONCLUSIVE' then 1 else 2 end as rank,
    compared.verdict as other_verdict, compared.delta as other_delta,
    case when compared.verdict is null then null
        when own.verdict = 'REGRESSED' and compared.verdict = 'REGRESSED' then 'still regressed'
        when own.verdict = 'REGRESSED' then 'newly regressed'
        when compared.verdict = 'REGRESSED' then 'fixed'
        when own.verdict <> compared.verdict then 'changed'
    end as change
from own left join compared using (prediction, metric, slice)
"""
WORST = "rank, margins nulls last, prediction, metric, slice"  # the order of checks


@dataclass(frozen=True)
class Checks:
    """The checks of one run in a database of their own, so that a query reads no file.

    Attributes:
        run_id, other_id: The run, and the one it is compared with.
        database: Has the table ``checks``; threads use `cursor`.
        name: Different for all that were ever read; for caches.
    """

    run_id: str
    other_id: str | None
    database: duckdb.DuckDBPyConnection
    name: str = field(default_factory=lambda: uuid4().hex)

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one query."""
        with self.database.cursor() as cursor, sql_errors("table verdicts"):
            yield cursor


def read_checks(snapshot: Snapshot, run_id: str, other_id: str | None) -> Checks:
    """The checks of a run, and their verdicts in another run if one is named."""
    database = snapshot.connect(VERDICTS)
    with sql_errors("table verdicts"):
        database.execute(CHECKS, {"run": run_id, "other": other_id})
    return Checks(run_id, other_id, database)


def known(checks: Checks) -> Known:
    """What the checks of a run have, for the choices of the filters."""
    with checks.cursor() as connection:
        (row,) = connection.execute(
            """select list_sort(list(distinct task)),
                list_sort(list(distinct camera) filter (camera <> '')),
                list_sort(list(distinct metric)),
                list_distinct(flatten(list(distinct fields)))
            from checks"""
        ).fetchall()
    tasks, cameras, metrics, fields = (tuple(values or ()) for values in row)
    return Known(tasks, cameras, metrics, tuple(field_names(fields)))


def tally(checks: Checks) -> Tally:
    """Count the required checks by verdict, alerts among watched ones, and improvements."""
    with checks.cursor() as connection:
        rows = connection.execute(
            """select verdict, count(*) filter (required), count(*) filter (alert),
                count(*) filter (better), count(*) from checks group by verdict"""
        ).fetchall()
    alerts, better, total = (sum(row[at] for row in rows) for at in (2, 3, 4))
    return Tally({row[0]: row[1] for row in rows}, alerts, better, total)


def cause(checks: Checks) -> str | None:
    """The slice that most of the loss comes from, in a sentence; None if no slice is a cause."""
    with checks.cursor() as connection:
        rows = connection.execute(
            """select slice, because_of, count(*) from checks where verdict = 'REGRESSED'
            group by slice, because_of"""
        ).fetchall()
    causes = {row[1] for row in rows if row[1] is not None}
    by_cause = {
        cause: sum(row[2] for row in rows if _explains(cause, *row[:2])) for cause in causes
    }
    return cause_sentence(
        {
            "by_cause": dict(sorted(by_cause.items(), key=lambda pair: (-pair[1], pair[0]))),
            "verdicts": {Verdict.REGRESSED: sum(row[2] for row in rows)},
        }
    )


def _explains(cause: str, slice_: str, because_of: str | None) -> bool:
    """Whether a loss at a slice is at the cause or only because of it."""
    return because_of == cause or set(parse_slice(cause)) <= set(parse_slice(slice_))


def changes(checks: Checks) -> dict[Change, int]:
    """How many checks differ between two runs, by the kind of change."""
    with checks.cursor() as connection:
        rows = connection.execute(
            "select change, count(*) from checks where change is not null group by change"
        ).fetchall()
    counts = dict(rows)
    return {change: counts.get(change, 0) for change in Change}


def grid(checks: Checks, filters: Filters, page: int = 1) -> Grid:
    """One page of the grid of the checks that fit.

    A row or a column is shown if one of its checks fits. The other checks of these rows and columns
    are there too, because a check is read beside its neighbours.
    """
    condition, given = filters.condition()
    with checks.cursor() as connection:
        connection.execute(
            f"create or replace temp table fitting as select * from checks where {condition}",
            given or None,
        )
        rows, fit_rows = _rows(connection, page)
        slices, fit_slices = _slices(connection)
        shown = _grid_checks(connection, rows, slices, condition, given)
        (totals,) = connection.execute(
            """select (select count(distinct (prediction, metric)) from checks),
                (select count(distinct slice) from checks),
                (select count(*) from checks), (select count(*) from fitting)"""
        ).fetchall()
    return Grid(
        rows=tuple(rows),
        slices=tuple(slices),
        checks=tuple(shown),
        first=(page - 1) * ROWS,
        count_rows=Counts(totals[0], fit_rows, len(rows)),
        count_slices=Counts(totals[1], fit_slices, len(slices)),
        count_checks=Counts(totals[2], totals[3], sum(check.matches for check in shown)),
    )


def _rows(connection: duckdb.DuckDBPyConnection, page: int) -> tuple[list[GridRow], int]:
    """The rows of one page, and the number of all that fit."""
    found = connection.execute(
        """select prediction, metric, pinned, count(*) over () as rows from (
            select prediction, metric, bool_or(required) as pinned,
                min(rank) filter (required) as required_rank, min(rank) as worst_rank,
                min(margins) as worst
            from fitting group by prediction, metric
        )
        order by pinned desc, required_rank, worst_rank, worst nulls last, prediction, metric
        limit $limit offset $offset""",
        {"limit": ROWS, "offset": (page - 1) * ROWS},
    ).fetchall()
    return [GridRow(*row[:3]) for row in found], found[0][3] if found else 0


def _slices(connection: duckdb.DuckDBPyConnection) -> tuple[list[str], int]:
    """The columns: those that matter most if there are many; and the number of all that fit."""
    found = connection.execute(
        """select slice, count(*) over () as slices from (
            select slice, bool_or(required) as pinned, min(rank) as worst_rank,
                min(margins) as worst
            from fitting group by slice
        )
        order by slice <> 'all', pinned desc, worst_rank, worst nulls last, slice limit $limit""",
        {"limit": SLICES},
    ).fetchall()
    names = sorted((row[0] for row in found), key=lambda name: (name != ALL, name))
    return names, found[0][1] if found else 0


def _grid_checks(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[GridRow],
    slices: Sequence[str],
    condition: str,
    given: Mapping[str, Any],
) -> list[Check]:
    row_of = {(row.prediction, row.metric): place for place, row in enumerate(rows)}
    column_of = {name: place for place, name in enumerate(slices)}
    found = connection.execute(
        f"""select prediction, metric, slice, verdict, required, delta, low, high, margin, margins,
            change, coalesce({condition}, false)
        from checks
        where list_contains($predictions, prediction) and list_contains($slices, slice)
        order by prediction, metric, slice""",
        {**given, "predictions": [row.prediction for row in rows], "slices": list(slices)},
    ).fetchall()
    return [
        Check(row_of[row[0], row[1]], column_of[row[2]], *row[3:])
        for row in found
        if (row[0], row[1]) in row_of
    ]


def listed(checks: Checks, filters: Filters, page: int = 1) -> list[Row]:
    """One page of the checks that fit: required ones first, in both groups the worst first."""
    condition, given = filters.condition()
    with checks.cursor() as connection:
        table = connection.sql(
            f"""select * exclude (fields, rank, task, camera) from checks where {condition}
            order by required desc, {WORST} limit $limit offset $offset""",
            params={**given, "limit": LISTED, "offset": (page - 1) * LISTED},
        ).to_arrow_table()
    found: list[Row] = table.to_pylist()
    return found
