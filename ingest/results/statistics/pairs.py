"""The rows of two statistics files, paired, and what only one of the files has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ingest.results.statistics.files import KEY, StatisticsFile
from ridealong.errors import RidealongError
from ridealong.perception.result_files import SIDES, Role

DEFAULT_MARGIN = 0.03  # of a metric whose file gives none
NAMED = 3  # items named in a message
ROUNDING = 1e-9  # a share may exceed 1 by the rounding of its sums
_LOOSER = {"better": "= 'lower'", "margin": f"> {DEFAULT_MARGIN}"}  # than the defaults


@dataclass(frozen=True)
class OwnMetric:
    """A metric of a statistics file.

    Attributes:
        name: Its name.
        higher_is_better: Its direction.
        share: Whether all its values are from 0 to 1.
    """

    name: str
    higher_is_better: bool
    share: bool


@dataclass(frozen=True)
class OneSided:
    """What only one file has.

    A prediction that one file lacks altogether is not counted here, but named in ``predictions``.

    Attributes:
        items: Items of both files together.
        of: How many of them have a row without a partner, by the file that has the row.
        examples: Some of them, as ``drive/item``.
        share: The largest share of rows or items without a partner: over all items, or over the
            rows of one prediction and metric.
        predictions: ``prediction metric`` that only this file has.
    """

    items: int
    of: Mapping[Role, int]
    examples: Mapping[Role, tuple[str, ...]]
    share: float
    predictions: Mapping[Role, tuple[str, ...]]


def pair_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Join the tables ``deployed`` and ``candidate`` as ``joined``, and its pairs as ``pairs``.

    Frames are numbered by drive and then by row, both in the order in which the first file has
    them.
    """
    key = ", ".join(KEY)
    connection.execute(
        f"""create table joined as
        select {key}, d.row as d_row, c.row as c_row, d.numerator as d_numerator,
            d.denominator as d_denominator, c.numerator as c_numerator,
            c.denominator as c_denominator
        from deployed d full join candidate c using ({key})"""
    )
    connection.execute(
        """create table items as
        with found as (
            select drive, item, min(d_row) as first from joined
            where d_row is not null and c_row is not null group by drive, item
        ), drives as (select drive, min(first) as drive_first from found group by drive)
        select (row_number() over (order by drive_first, first) - 1)::integer as frame, drive, item
        from found join drives using (drive)"""
    )


def metrics_of(
    connection: duckdb.DuckDBPyConnection, files: Mapping[Role, StatisticsFile]
) -> tuple[OwnMetric, ...]:
    """The metrics of both files, by name.

    Raises:
        RidealongError: Rows contradict each other about which direction is better.
    """
    _check_agree(connection, files, ("metric",), "better")
    better = dict(
        connection.execute(
            f"select metric, max(better) from ({_union('metric, better')}) group by metric"
        ).fetchall()
    )
    most = f"1 + {ROUNDING}"
    shares = dict(
        connection.execute(
            f"""select metric, coalesce(bool_and(d_numerator <= d_denominator * ({most})), true)
            and coalesce(bool_and(c_numerator <= c_denominator * ({most})), true)
            from joined group by metric"""
        ).fetchall()
    )
    return tuple(OwnMetric(name, better[name] != "lower", shares[name]) for name in sorted(better))


def margins_of(
    connection: duckdb.DuckDBPyConnection, files: Mapping[Role, StatisticsFile]
) -> dict[tuple[str, str], float]:
    """The margins that the files give, by prediction and metric.

    Raises:
        RidealongError: Rows contradict each other.
    """
    _check_agree(connection, files, ("prediction", "metric"), "margin")
    found = connection.execute(
        f"""select prediction, metric, max(margin) from ({_union("prediction, metric, margin")})
        where margin is not null group by prediction, metric order by 1, 2"""
    ).fetchall()
    return {(prediction, metric): margin for prediction, metric, margin in found}


def _union(columns: str) -> str:
    return f"select {columns} from deployed union all select {columns} from candidate"


def _check_agree(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[Role, StatisticsFile],
    names: Sequence[str],
    column: str,
) -> None:
    """Refuse two values of a column for the same names, and one that only the candidate gives.

    Otherwise a candidate could choose what it is judged by.
    """
    _check_not_alone(connection, files, names, column)
    own = ", ".join(names)
    odd = connection.execute(
        f"select {own}, min({column}), max({column}) from ({_union(f'{own}, {column}')}) "
        f"group by {own} having min({column}) <> max({column}) order by all limit 1"
    ).fetchall()
    if not odd:
        return
    *values, low, high = odd[0]
    where = " and ".join(f"{name} = ?" for name in names)
    places = []
    for value in (low, high):
        for role in SIDES:
            at = connection.execute(
                f"select min(row) from {role} where {where} and {column} = ?", [*values, value]
            ).fetchall()[0][0]
            if at is not None:
                places.append((files[role].row(at), value))
                break
    (first, one), (second, other) = places
    what = " ".join(reversed([str(value) for value in values]))
    raise RidealongError(
        f"{column} of {what} is {_plain(other)}, and {_plain(one)} in {first}", where=second,
        expected="the same value in all rows",
    )  # fmt: skip


def _check_not_alone(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[Role, StatisticsFile],
    names: Sequence[str],
    column: str,
) -> None:
    """Refuse a value of the candidate's that is no default, where the deployed file gives none."""
    own = ", ".join(names)
    odd = connection.execute(
        f"""select {own}, value, row from (
            select {own}, max({column}) as value, arg_max(row, {column}) as row from candidate
            where {column} {_LOOSER[column]} group by {own}
        ) join (select {own} from deployed group by {own} having count({column}) = 0)
        using ({own}) order by all limit 1"""
    ).fetchall()
    if odd:
        *values, value, row = odd[0]
        raise RidealongError(
            f"{column} of {' '.join(reversed(values))} is {_plain(value)}, "
            f"and {files['deployed'].path} gives none",
            where=files["candidate"].row(row),
            expected="the same in both files, or only in the deployed file",
        )


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def one_sided(connection: duckdb.DuckDBPyConnection) -> OneSided:
    """Count what only one file has."""
    connection.execute(_ALONE)
    total, either = connection.execute(
        """select (select count(*) from (select distinct drive, item from joined)),
            (select count(*) from alone)"""
    ).fetchall()[0]
    rows = connection.execute(
        "select coalesce(max((n - paired) / n), 0) from groups where c > 0 and d > 0"
    ).fetchall()[0][0]
    return OneSided(
        items=total,
        of={role: _count(connection, role) for role in SIDES},
        examples={role: _examples(connection, role) for role in SIDES},
        share=max(either / total, rows),
        predictions={role: _predictions(connection, role) for role in SIDES},
    )


# Items with a row that lacks its partner, though the other file has such rows, or not the item.
_ALONE = """
create table groups as
select prediction, metric, count(*) as n, count(d_row) as d, count(c_row) as c,
    count(case when d_row is not null and c_row is not null then 1 end) as paired
from joined group by prediction, metric;
create table alone as
select drive, item, min(coalesce(d_row, c_row)) as first,
    bool_or(c_row is null) as deployed, bool_or(d_row is null) as candidate
from joined join groups using (prediction, metric) join (
    select drive, item, count(d_row) as d_rows, count(c_row) as c_rows from joined
    group by drive, item
) using (drive, item)
where (c_row is null and (c > 0 or c_rows = 0)) or (d_row is null and (d > 0 or d_rows = 0))
group by drive, item;
"""


def _count(connection: duckdb.DuckDBPyConnection, role: Role) -> int:
    found = connection.execute(f"select count(*) from alone where {role}")
    return int(found.fetchall()[0][0])


def _examples(connection: duckdb.DuckDBPyConnection, role: Role) -> tuple[str, ...]:
    named = connection.execute(
        f"select drive, item from alone where {role} order by first, drive, item limit {NAMED}"
    )
    return tuple(f"{drive}/{item}" for drive, item in named.fetchall())


def _predictions(connection: duckdb.DuckDBPyConnection, role: Role) -> tuple[str, ...]:
    other = {"deployed": "c", "candidate": "d"}[role]
    found = connection.execute(
        f"select prediction, metric from groups where {other} = 0 order by 1, 2"
    )
    return tuple(f"{prediction} {metric}" for prediction, metric in found.fetchall())
