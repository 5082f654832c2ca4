"""Refuses impossible tables before they are judged, with a message of one line.

A verdict on such tables would look like any other. The checks are for results that no network can
have: a sum below zero, a share above 1, more labels found than there were, the same rows twice, a
detection without a score.

The tables that are looked at are those of `metrics.gate.evidence.summing`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from metrics.gate.evidence.catalog import Figure, Pair, row_keys
from metrics.tasks.prediction import task_of
from ridealong.errors import RidealongError
from ridealong.sql import literal

# A share may exceed 1 by the rounding of its sums.
SHARE_ROUNDING = 1e-9

# Whole numbers are exact in a float64 up to here; counts of pixels end far below it.
LARGEST_SUM = 1e15

# With so many distinct rows, it is not chance if all of them occur several times.
FEWEST_DISTINCT = 8


def check_catalog(connection: duckdb.DuckDBPyConnection, catalog: pa.Table) -> None:
    """Refuse rows without a name, impossible sums, and one metric by several definitions.

    Sums of several definitions do not add up.

    Raises:
        RidealongError: There is one; the message names it.
    """
    for name in ("prediction", "metric", "statistic", "definition"):
        missing = pc.sum(catalog.filter(pc.is_null(catalog[name]))["rows"]).as_py()
        _refuse_nulls(name, missing, "scores")
    whole = pc.and_(
        pc.greater_equal(catalog["lowest"], 0), pc.less_equal(catalog["highest"], LARGEST_SUM)
    )
    if not pc.all(whole, min_count=0).as_py():
        raise _odd_sum(connection)
    _check_definitions(catalog)


def _odd_sum(connection: duckdb.DuckDBPyConnection) -> RidealongError:
    row = _first(
        connection,
        f"""SELECT statistic, prediction, metric, clip_id, value FROM relevant
        WHERE NOT (value >= 0 AND value <= {LARGEST_SUM}) ORDER BY ALL""",
    )
    what = f"{row['statistic']} of {row['prediction']} {row['metric']} on clip {row['clip_id']}"
    expected = f"a sum of zero or more, at most {LARGEST_SUM:g}"
    return RidealongError(f"{what} is {row['value']:g}", where="scores", expected=expected)


def _check_definitions(catalog: pa.Table) -> None:
    keys = ["prediction", "metric", "definition"]
    rows = catalog.select(keys).group_by(keys).aggregate([]).to_pylist()
    named = {(task_of(row["prediction"]), row["metric"], row["definition"]) for row in rows}
    metrics = sorted((task, metric) for task, metric, _ in named)
    for first, second in itertools.pairwise(metrics):
        if first == second:
            what = f"scores of {first[0]} {first[1]} come from several definitions"
            raise RidealongError(what, where="scores", hint="score both networks again")


def check_twice(connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure]) -> None:
    """Refuse several values of one statistic on one clip.

    Raises:
        RidealongError: There are; the message names the metric.
    """
    row = _first(connection, "SELECT cell FROM pairs WHERE twice ORDER BY ALL")
    if row:
        metric = _figure_of(row["cell"], figures).metric
        raise RidealongError(f"{metric.name} is scored twice on one clip", where="scores")


def check_shares(
    connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure], complete: bool
) -> None:
    """Refuse a share that is not within 0 and 1; it is not checked where a statistic is missing.

    Raises:
        RidealongError: There is one; the message names it.
    """
    rows = [row for figure in figures for row in _share_terms(figure)]
    if not rows:
        return
    names = ("kind", "num", "den", "scale", "size")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    connection.register("shares", pa.table({name: list(own) for name, own in columns.items()}))
    row = _first(
        connection,
        f"""SELECT cell, n, clip, clip_id, sum(value * num / scale) AS over,
            sum(value * den / scale) AS under
        FROM coded JOIN shares USING (kind) JOIN judged USING (clip) GROUP BY cell, n, clip, clip_id
        HAVING (over > under * (1 + {SHARE_ROUNDING}) OR over < -{SHARE_ROUNDING} * under)
            AND ({complete} OR count(*) = max(size))
        ORDER BY cell, n, clip""",
    )
    if row:
        figure = _figure_of(row["cell"], figures)
        name = figure.predictions[row["cell"] - figure.cell]
        what = f"{figure.metric.name} of {name} on clip {row['clip_id']}"
        ratio = f"{row['over']:g} / {row['under']:g}"
        raise RidealongError(f"{what} is {ratio}", where="scores", expected="a share, from 0 to 1")


def _share_terms(figure: Figure) -> list[tuple[int, float, float, float, int]]:
    """What each kind adds to numerator and denominator, where a share can be impossible.

    With a recall it cannot: every true positive is in its denominator too.
    """
    if not (figure.metric.share and figure.terms and figure.comparable):
        return []
    num, den = figure.terms
    if ((num >= 0) & (den >= num)).all():
        return []
    kinds = range(figure.kind, figure.kind + len(num))
    sizes = [len(num)] * len(num)
    return list(zip(kinds, num.tolist(), den.tolist(), figure.scale, sizes, strict=True))


def check_rows(
    connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure], pair: Pair
) -> None:
    """Refuse detections without a finite score, or without a value for what they matched.

    Raises:
        RidealongError: There is one; the message names it.
    """
    named = connection.table("matches").columns
    columns = [c for c in ("prediction", "score", "matched", "hits", "ignored") if c in named]
    references = sorted({reference for reference, _ in row_keys(figures)})
    mine = f"""FROM matches WHERE network_sha256 IN ({", ".join(map(literal, pair.names))})
        AND reference IN ({", ".join(map(literal, references))})"""
    counts = ", ".join(f"count(*) - count({column}) AS {column}" for column in columns)
    for column, missing in _first(connection, f"SELECT {counts} {mine}").items():
        _refuse_nulls(column, missing, "matches")
    row = _first(
        connection,
        f"SELECT prediction, clip_id, score {mine} AND NOT isfinite(score) ORDER BY ALL",
    )
    if row:
        what = f"a score of {row['prediction']} on clip {row['clip_id']} is {row['score']:g}"
        raise RidealongError(what, where="matches", expected="a number")


def check_matches(
    connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure], complete: bool
) -> None:
    """Refuse more matched rows than labels: no label is found twice.

    It is not checked where the labels are not known.

    Raises:
        RidealongError: There is such a clip; the message names it.
    """
    scale = [one.scale[one.labels - one.kind] for one in figures if one.levels]
    kinds = [one.labels for one in figures if one.levels]
    connection.register("labels", pa.table({"kind": pa.array(kinds, pa.int32()), "scale": scale}))
    join = "LEFT JOIN" if complete else "JOIN"
    row = _first(
        connection,
        f"""SELECT f.cell, f.n, f.clip, f.bit, f.found, coalesce(l.labels, 0) AS labels, clip_id
        FROM (SELECT n, clip, cell, bit, kind, count(*) AS found FROM detected
                JOIN levels USING (place) WHERE hits & bit <> 0 AND ignored & bit = 0
                GROUP BY ALL) f
            {join} (SELECT n, clip, cell, kind, value / scale AS labels FROM coded
                JOIN labels USING (kind)) l USING (n, clip, cell, kind)
            JOIN judged USING (clip)
        WHERE f.found > coalesce(l.labels, 0) ORDER BY ALL""",
    )
    if row:
        figure = _figure_of(row["cell"], figures)
        where = f"{figure.predictions[row['cell'] - figure.cell]} on clip {row['clip_id']}"
        what = f"{where} has {row['found']} matched rows"
        expected = f"at most one per label, of which there are {row['labels']:g}"
        raise RidealongError(what, where="matches", expected=expected, hint=_TWICE)


def check_repeats(connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure]) -> None:
    """Refuse rows that are given several times.

    Two equal rows prove nothing: a frame may have two boxes of one score. It is an error if all
    rows of a prediction occur twice, or three times.

    Raises:
        RidealongError: There is such a prediction; the message names it.
    """
    rows = connection.sql(
        """SELECT place, n, list(times) AS times, sum(count) AS rows FROM (
            SELECT place, n, times, count(*) AS count FROM (
                SELECT place, n, count(*) AS times FROM detected
                GROUP BY place, n, clip, score, hits, ignored, first, second, errors)
            GROUP BY ALL)
        GROUP BY ALL HAVING min(times) > 1 ORDER BY place, n"""
    ).fetchall()
    for place, _, times, distinct in rows:
        common = math.gcd(*times)
        if common > 1 and distinct >= FEWEST_DISTINCT:
            what = f"every row of {row_keys(figures)[place][1]} is given {common} times"
            raise RidealongError(what, where="matches", expected="each detection once", hint=_TWICE)


def check_once(ids: pa.ChunkedArray, what: str) -> None:
    """Refuse a table of clips or drives that names one of them twice.

    Raises:
        RidealongError: There is one; the message names it.
    """
    counts = pc.value_counts(ids)
    twice = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(twice):
        name = twice[0]["values"].as_py()
        raise RidealongError(
            f"{what} {name!r} is listed {twice[0]['counts']} times",
            where=f"{what}s",
            expected="each once",
        )


def _refuse_nulls(name: str, missing: int | None, where: str) -> None:
    if missing:
        expected = "a value in every row"
        raise RidealongError(f"{missing} rows have no {name}", where=where, expected=expected)


def _figure_of(cell: int, figures: Sequence[Figure]) -> Figure:
    return next(one for one in figures if cell < one.cell + len(one.predictions))


def _first(connection: duckdb.DuckDBPyConnection, sql: str) -> Mapping[str, Any]:
    """The first row by name; nothing if there is none."""
    rows = connection.sql(f"{sql} LIMIT 1")
    found = rows.fetchall()
    return dict(zip(rows.columns, found[0], strict=True)) if found else {}


_TWICE = "were the same rows given twice?"
