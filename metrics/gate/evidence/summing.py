"""Sums of scores by unit and prediction, by DuckDB: rows of scores never come into Python.

All names become codes once, in the table ``coded``. Its values are whole numbers
(`metrics.gate.evidence.catalog.WHOLE`): their sums are exact, so the order in which threads add
them does not matter.

The table ``pairs`` has a row for each clip and cell. A clip is paired if all that are compared have
all statistics of the metric; in a complete run every clip is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.gate.evidence.catalog import (
    NAMES,
    Figure,
    Pair,
    kinds_table,
    levels_table,
    names_table,
    predictions_table,
)
from metrics.gate.evidence.clips import JudgedClips
from metrics.tasks.boxes import spread
from metrics.tasks.metric import DetectionRows
from ridealong.arrays import Floats, Ints
from ridealong.sql import literal

WORD = 60  # statistics that one whole number has bits for


@dataclass(frozen=True)
class Sums:
    """Sums over the clips that count.

    Attributes:
        bounds: Where the rows of each kind and network begin, by ``2 * kind + network``.
        unit, cell, total: ``(n,)`` codes, and the sum of the scaled values.
    """

    bounds: Ints
    unit: Ints
    cell: Ints
    total: Floats

    def of(self, figure: Figure, network: int, units: int) -> dict[str, Floats]:
        """The figure's statistics of one network, ``(units, predictions)`` each."""
        found = {}
        for slot, name in enumerate(figure.metric.statistics):
            place = 2 * (figure.kind + slot) + network
            rows = slice(*self.bounds[place : place + 2])
            matrix = np.zeros((units, len(figure.predictions)))
            matrix[self.unit[rows], self.cell[rows] - figure.cell] = self.total[rows]
            found[name] = matrix / figure.scale[slot]
        return found


@dataclass(frozen=True)
class Counts:
    """Numbers of clips by unit and cell, ``(n,)`` each, as `Evidence` has them."""

    unit: Ints
    cell: Ints
    informative: Ints
    unpaired: Ints
    dropped: Ints

    def of(self, figure: Figure, units: int) -> tuple[Ints, Ints, Ints]:
        """Informative, unpaired and dropped clips, ``(units, predictions)`` each."""
        cell = self.cell - figure.cell
        mine = np.flatnonzero((cell >= 0) & (cell < len(figure.predictions)))
        at = self.unit[mine], cell[mine]
        matrices = np.zeros((3, units, len(figure.predictions)), np.int64)
        columns = (self.informative, self.unpaired, self.dropped)
        for matrix, column in zip(matrices, columns, strict=True):
            matrix[at] = column[mine]
        return matrices[0], matrices[1], matrices[2]


@dataclass(frozen=True)
class Ranked:
    """Detections of one network, by prediction and descending score.

    Attributes:
        place, unit, clip: ``(n,)`` codes: of the prediction
            (`metrics.gate.evidence.catalog.row_keys`), of the unit and of the clip.
        rows: The n rows.
    """

    place: Ints
    unit: Ints
    clip: Ints
    rows: DetectionRows


def register_clips(connection: duckdb.DuckDBPyConnection, judged: JudgedClips) -> None:
    """The table ``judged``: ``clip_id``, and the codes ``clip`` and ``unit``."""
    table = pa.table(
        {
            "clip_id": judged.clips["clip_id"],
            "clip": pa.array(np.arange(len(judged.unit)), pa.int32()),
            "unit": pa.array(judged.unit, pa.int32()),
        }
    )
    connection.register("judged", table)


def read_catalog(connection: duckdb.DuckDBPyConnection, pair: Pair) -> pa.Table:
    """What names and definitions there are, with the ``lowest`` and ``highest`` value of each.

    The view ``relevant`` has the rows of the two networks on the judged clips with a known value.
    Comparisons with the other network are kept for the candidate alone: the figure is the same for
    both networks.
    """
    deployed, candidate = map(literal, pair.names)
    connection.execute(
        f"""CREATE TEMP VIEW relevant AS
        SELECT s.*, j.clip, j.unit FROM scores s JOIN judged j USING (clip_id)
        WHERE s.value IS NOT NULL AND s.network_sha256 IN ({deployed}, {candidate})
            AND (s.reference IN ('labels', 'self')
                OR s.reference = {deployed} AND s.network_sha256 = {candidate})"""
    )
    return connection.sql(
        """SELECT prediction, metric, reference, statistic, definition, min(value) AS lowest,
            max(value) AS highest, count(*) AS rows
        FROM relevant GROUP BY ALL ORDER BY ALL"""
    ).to_arrow_table()


def code_scores(
    connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure], pair: Pair
) -> None:
    """The table ``coded``: the relevant rows of these figures, with codes for names."""
    connection.register("names", names_table(figures, pair))
    connection.register("kinds", kinds_table(figures))
    connection.execute(
        f"""CREATE TEMP TABLE coded AS
        SELECT n, cell, kind, clip, unit, CAST(value * scale AS BIGINT) AS value
        FROM relevant JOIN names USING ({", ".join(NAMES)})"""
    )


def code_detections(
    connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure], pair: Pair
) -> None:
    """The table ``detected``: rows of predictions that figures of rows need, and ``levels``.

    ``levels`` has a row for each of their cells and level of matching, and the kind of its labels.
    """
    connection.register("predictions", predictions_table(figures, pair))
    connection.register("levels", levels_table(figures))
    columns = connection.table("matches").columns
    if "matched" in columns:
        own = "CAST(matched AS UINTEGER) AS hits, 0::UINTEGER AS ignored, "
        own += "timestamp_ns AS first, coalesce(iou, 0) AS second, NULL::DOUBLE[] AS errors"
    else:
        own = "hits, ignored, 0 AS first, 0 AS second, errors"
    connection.execute(
        f"""CREATE TEMP TABLE detected AS
        SELECT n, place, clip, unit, CAST(score AS DOUBLE) AS score, {own}
        FROM matches JOIN predictions USING (network_sha256, reference, prediction)
            JOIN judged USING (clip_id)"""
    )


def pair_clips(
    connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure], pair: Pair, complete: bool
) -> None:
    """The table ``pairs``: which clips of a cell are paired, informative, and scored by whom.

    ``twice`` is where a statistic has several rows.
    """
    of_rows = any(one.levels for one in figures)
    rows = "SELECT clip, cell, n, kind, value <> 0 AS informative FROM coded"
    if of_rows:
        # A bit is 0 in the conjunction where it is 0 in some detection.
        rows += """ UNION ALL SELECT DISTINCT clip, cell, n, -1 AS kind, true AS informative
            FROM (SELECT clip, place, n, bit_and(ignored) AS ignored FROM detected GROUP BY ALL)
                JOIN levels USING (place) WHERE ignored & bit = 0"""
    own = "count(slot) FILTER (n = {n}) = max(size)"
    deployed, candidate = own.format(n=0), own.format(n=pair.code(pair.candidate))
    known = f"coalesce(CASE WHEN bool_or(alone) THEN {candidate} ELSE {deployed} END, false)"
    paired = "true" if complete else "known_deployed AND known_candidate"
    connection.execute(
        f"""CREATE TEMP TABLE pairs AS
        SELECT clip, cell, known_deployed, known_candidate, {paired} AS paired, informative, twice
        FROM (
            SELECT clip, cell, {known} AS known_deployed,
                coalesce({candidate}, false) AS known_candidate,
                bool_or(informative) AS informative, {_twice(figures)} AS twice
            FROM ({rows}) JOIN kinds USING (kind) GROUP BY clip, cell
        )"""
    )


def _twice(figures: Sequence[Figure]) -> str:
    """SQL for "a statistic has several rows": there are more rows than different statistics."""
    words = max(len(one.metric.statistics) for one in figures) // WORD + 1
    one = "bit_count(coalesce(bit_or(CASE WHEN slot // {w} = {word} THEN 1::BIGINT << (slot % {w}) "
    one += "END) FILTER (n = {n}), 0))"
    return " OR ".join(
        f"count(slot) FILTER (n = {n}) > "
        + " + ".join(one.format(w=WORD, word=word, n=n) for word in range(words))
        for n in (0, 1)
    )


def read_counts(connection: duckdb.DuckDBPyConnection, complete: bool) -> Counts:
    """How many clips count, and how many do not because only one network has a score."""
    unpaired = "NOT paired AND (known_deployed OR known_candidate)" if not complete else "false"
    found = connection.sql(
        f"""SELECT unit, cell, count(*) FILTER (paired AND informative) AS informative,
            count(*) FILTER ({unpaired}) AS unpaired,
            count(*) FILTER ({unpaired} AND NOT known_candidate) AS dropped
        FROM pairs JOIN judged USING (clip) GROUP BY unit, cell"""
    ).fetchnumpy()
    return Counts(*(np.asarray(column, np.int64) for column in found.values()))


def read_sums(connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure]) -> Sums:
    """The sums over paired clips."""
    found = connection.sql(
        """SELECT unit, cell, CAST(2 * kind + n AS INTEGER) AS place, CAST(sum(value) AS DOUBLE)
        FROM coded ANTI JOIN (SELECT clip, cell FROM pairs WHERE NOT paired) USING (clip, cell)
        GROUP BY unit, cell, kind, n"""
    ).fetchnumpy()
    unit, cell, place, total = (np.asarray(column) for column in found.values())
    order = np.argsort(place, kind="stable")
    last = figures[-1]
    kinds = last.kind + len(last.metric.statistics)
    bounds = np.searchsorted(place[order], np.arange(2 * kinds + 1))
    return Sums(bounds, unit[order], cell[order], total[order])


def read_detections(connection: duckdb.DuckDBPyConnection, network: int) -> Ranked:
    """One network's detections by prediction and descending score."""
    found = connection.sql(
        f"""SELECT place, unit, clip, score, hits, ignored, errors FROM detected WHERE n = {network}
        ORDER BY place, score DESC, clip, hits, ignored, first, second, errors"""
    ).to_arrow_table()
    # 32 bits each, as there may be many millions of rows.
    place, unit, clip, hits, ignored = (
        found[name].to_numpy() for name in ("place", "unit", "clip", "hits", "ignored")
    )
    score, errors = found["score"].to_numpy(), _errors(found["errors"].combine_chunks())
    return Ranked(place, unit, clip, DetectionRows(score, hits, ignored, errors))


def _errors(lists: pa.Array) -> Floats:
    """Lists of numbers as rows ``(n, longest)``, NaN where there is none."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    errors = np.full((len(lists), int(lengths.max(initial=0))), np.nan)
    row, place = spread(lengths.astype(np.int64))
    errors[row, place] = lists.flatten().to_numpy(zero_copy_only=False)
    return errors


def unpaired_rows(connection: duckdb.DuckDBPyConnection, figure: Figure) -> tuple[Ints, Ints]:
    """The clips and predictions of a figure that are not paired: ``(n,)`` codes of each."""
    found = connection.sql(
        f"""SELECT clip, cell FROM pairs WHERE NOT paired
            AND cell BETWEEN {figure.cell} AND {figure.cell + len(figure.predictions) - 1}"""
    ).fetchnumpy()
    clip, cell = (np.asarray(column, np.int64) for column in found.values())
    return clip, cell - figure.cell
