"""The scores of two networks as matrices: units of summation by predictions.

Every figure of every slice is a sum over rows of these matrices. Units are in the order of their
clusters. So sums over clusters are sums over consecutive rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from metrics.gate.evidence.catalog import Figure, Pair, figures_of, row_keys
from metrics.gate.evidence.clips import JudgedClips
from metrics.gate.evidence.figures import Detections, bits
from metrics.gate.evidence.sanity import (
    check_catalog,
    check_matches,
    check_repeats,
    check_rows,
    check_shares,
    check_twice,
)
from metrics.gate.evidence.summing import (
    Ranked,
    code_detections,
    code_scores,
    pair_clips,
    read_catalog,
    read_counts,
    read_detections,
    read_sums,
    register_clips,
    unpaired_rows,
)
from metrics.tasks.metric import Metric, MetricLookup
from ridealong.arrays import Bools, Floats, Ints
from ridealong.sql import Rows, create_view, sql_errors, workspace


@dataclass(frozen=True)
class Side:
    """The sums of one network over the clips that both networks have scores on.

    Attributes:
        sums: ``(units, predictions)`` by statistic.
        detections: The rows of a figure of rows; None for others.
    """

    sums: Mapping[str, Floats]
    detections: Detections | None

    def of(self, predictions: Ints) -> "Side":
        """Some predictions alone, given by ascending code."""
        return Side(
            {name: own[:, predictions] for name, own in self.sums.items()},
            self.detections.of(predictions) if self.detections else None,
        )


@dataclass(frozen=True)
class Evidence:
    """The scores of both networks by one metric against one reference, paired.

    Attributes:
        metric: The metric.
        reference: What the networks were compared with.
        predictions: The names of P predictions.
        deployed: None if the reference is the other network: there is one figure for both.
        candidate: The candidate's.
        informative: ``(units, P)`` clips on which either network has something to count.
        unpaired: ``(units, P)`` clips that only one network has a score on.
        dropped: ``(units, P)`` clips among them that only the deployed network has a score on.
    """

    metric: Metric
    reference: str
    predictions: tuple[str, ...]
    deployed: Side | None
    candidate: Side
    informative: Ints
    unpaired: Ints
    dropped: Ints

    @property
    def sides(self) -> list[Side]:
        """One side, or both."""
        return [side for side in (self.deployed, self.candidate) if side is not None]

    @property
    def to_find(self) -> Bools:
        """Where there was something to find, ``(units, P)``."""
        there = [self.metric.to_find_in(side.sums) > 0 for side in self.sides]
        return np.asarray(np.any(there, axis=0), np.bool_)

    def of(self, predictions: Ints) -> "Evidence":
        """Some predictions alone, given by ascending code."""
        return Evidence(
            self.metric,
            self.reference,
            tuple(self.predictions[code] for code in predictions),
            self.deployed.of(predictions) if self.deployed else None,
            self.candidate.of(predictions),
            self.informative[:, predictions],
            self.unpaired[:, predictions],
            self.dropped[:, predictions],
        )


def gather(
    scores: Rows,
    matches: Rows,
    judged: JudgedClips,
    networks: tuple[str, str],
    metrics: MetricLookup,
    complete: bool = False,
) -> list[Evidence]:
    """All scores of the two networks (deployed, candidate) on these clips, by task and metric.

    Rows of other networks, other clips and unknown metrics are left out. In a complete run both
    networks were scored on all clips, and a missing row is a sum of zero.

    Raises:
        RidealongError: The tables are impossible: scores of several definitions, the same score
            twice, or what `metrics.gate.evidence.sanity` refuses.
    """
    pair = Pair(*networks)
    with sql_errors("scores"), workspace(scores, matches) as connection:
        create_view(connection, "scores", scores)
        create_view(connection, "matches", matches)
        register_clips(connection, judged)
        catalog = read_catalog(connection, pair)
        check_catalog(connection, catalog)
        figures = figures_of(catalog, metrics)
        return _evidence(connection, figures, judged, pair, complete) if figures else []


def _evidence(
    connection: duckdb.DuckDBPyConnection,
    figures: Sequence[Figure],
    judged: JudgedClips,
    pair: Pair,
    complete: bool,
) -> list[Evidence]:
    code_scores(connection, figures, pair)
    ranked = _ranked(connection, figures, pair, complete)
    pair_clips(connection, figures, pair, complete)
    check_twice(connection, figures)
    check_shares(connection, figures, complete)
    counts, sums = read_counts(connection, complete), read_sums(connection, figures)
    places = {key: place for place, key in enumerate(row_keys(figures))}
    units = len(judged.cluster)
    found = []
    for figure in figures:
        sides = []
        for network in pair.names:
            code = pair.code(network)
            rows = _rows(connection, figure, ranked[code], places) if figure.levels else None
            sides.append(Side(sums.of(figure, code, units), rows))
        deployed = sides[0] if figure.comparable else None
        several = counts.of(figure, units)
        names = figure.metric, figure.reference, figure.predictions
        found.append(Evidence(*names, deployed, sides[1], *several))
    return found


def _ranked(
    connection: duckdb.DuckDBPyConnection, figures: Sequence[Figure], pair: Pair, complete: bool
) -> dict[int, Ranked]:
    """The detections of each network by its code; none if no figure needs rows."""
    if not any(figure.levels for figure in figures):
        return {}
    check_rows(connection, figures, pair)
    code_detections(connection, figures, pair)
    check_matches(connection, figures, complete)
    if "matched" in connection.table("matches").columns:
        # Without times and overlaps, equal rows may be any two detections of a frame.
        check_repeats(connection, figures)
    return {code: read_detections(connection, code) for code in set(map(pair.code, pair.names))}


def _rows(
    connection: duckdb.DuckDBPyConnection,
    figure: Figure,
    ranked: Ranked,
    places: Mapping[tuple[str, str], int],
) -> Detections:
    """The rows that exist at any level of a figure, on paired clips."""
    predictions = len(figure.predictions)
    code = np.full(len(places), -1, np.int32)
    code[[places[figure.reference, name] for name in figure.predictions]] = np.arange(predictions)
    own = code[ranked.place]
    keep = (own >= 0) & ~bits(ranked.rows.ignored, figure.levels).all(axis=0)
    clip, prediction = unpaired_rows(connection, figure)
    if len(clip):
        unpaired = np.unique(clip * predictions + prediction)
        keep &= ~np.isin(ranked.clip * np.int64(predictions) + own, unpaired)
    every = Detections(predictions, own, ranked.unit, ranked.rows)
    return every if keep.all() else every.take(keep)
