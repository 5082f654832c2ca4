"""What each clip costs the candidate in a cell: its share of delta. The shares sum to delta.

A ratio moved from ``R_d = N_d / D_d`` to ``R_c = N_c / D_c``. With R and D the means of both
networks' values and denominators, the linearised difference is exact, not approximate::

    R_c - R_d = sum over clips of  ((num_c - num_d) - R * (den_c - den_d)) / D

Each clip's term is its *share*. A clip on which both networks are equal has the share 0, and the
shares of a slice sum to the cell's delta. The influence values, from which the standard error is
computed, are these terms compared with the average clip. They sum to zero: they show which clips
are unusual, not which clips cost something.

Average precision has the same shares. There ``num`` is the area that a clip's rows add, by their
matches and by their effect on the precision of all rows below them
(`metrics.inference.precision`), and ``den`` is its labels. They sum to the difference of the two
areas. AP50 samples these areas at 101 points.

A figure that is neither (`metrics.inference.jackknife`) has ``num = e * D + R * den``, with ``D``
the sum of the weights ``den``, and ``e`` the clip's influence: the change of the value without the
clip, times ``1 - den / D``. A ratio has the same ``num`` and ``e`` exactly. The values ``e`` of a
jackknife need not sum to zero, so ``den / D`` of their sum is subtracted from each. Then the shares
sum to delta here too.

Cells have different units. A clip's *part of the loss* is its share divided by the sum of the
shares. The parts of a cell sum to 1, a part below zero is a gain, and parts of different cells can
be compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.gate.evidence.catalog import COMPARABLE
from metrics.gate.evidence.clips import JudgedClips, judged_clips
from metrics.gate.evidence.evidence import Evidence, Side, gather
from metrics.gate.evidence.figures import alone, figure_of
from metrics.inference.figure import ROUNDING, Figure
from metrics.slices import attributes_in, in_slice, parse_slice
from metrics.tasks.metric import LABELS, Better, Metric, MetricLookup, Precision
from metrics.tasks.registry import known_metric
from ridealong.arrays import Bools, Floats, Ints
from ridealong.lake.tables import column

COSTS = pa.schema(
    [
        column("clip_id", pa.string(), "the clip"),
        column("drive_id", pa.string(), "its drive"),
        column("deployed", pa.float64(), "the deployed network's value on this clip alone"),
        column("candidate", pa.float64(), "the candidate's value on this clip alone"),
        column("share", pa.float64(), "its share of delta: negative where the candidate lost"),
    ]
)


Figured = tuple[str, str, str]


@dataclass(frozen=True)
class CellKey:
    """Which cell of a run: prediction, metric, slice, and what it is compared with."""

    prediction: str
    metric: str
    slice: str
    reference: str

    @property
    def figure(self) -> Figured:
        """Prediction, metric and reference: what is sliced."""
        return self.prediction, self.metric, self.reference


def clip_costs(
    scores: pa.Table,
    matches: pa.Table,
    clips: pa.Table,
    drives: pa.Table,
    networks: tuple[str, str],
    cell: CellKey,
    *,
    metrics: MetricLookup = known_metric,
    complete: bool = False,
) -> pa.Table:
    """The clips behind one cell, the costliest first: rows of `COSTS`.

    Args:
        scores: Rows of `metrics.schemas.SCORES`; only those of the cell count.
        matches: Rows of `metrics.schemas.MATCHES`, for average precision.
        clips: The run's clips, as `metrics.gate.verdicts.judge` takes them.
        drives: Their drives.
        networks: The deployed network's sha256, and the candidate's.
        cell: The cell. A comparison with the other network does not show which is better, so
            it has no rows.
        metrics: As for `metrics.gate.verdicts.judge`.
        complete: As for `metrics.gate.verdicts.judge`.

    Returns:
        Clips on which both networks have a score, in ascending order of their share. Shares are
        turned so that negative is worse for every metric.

    Raises:
        RidealongError: The slice cannot be read, or the scores contradict themselves.
    """
    if cell.reference not in COMPARABLE:
        return COSTS.empty_table()
    judged = judged_clips(clips, drives, attributes_in([cell.slice]), apart=True)
    scores = _of_cells(scores, [cell])
    found = _apart(gather(scores, matches, judged, networks, metrics, complete))
    if cell.figure not in found:
        return COSTS.empty_table()
    return _costs(found[cell.figure], judged, in_slice(judged.clips, parse_slice(cell.slice)))


@dataclass(frozen=True)
class LossParts:
    """Each clip's part of the loss of each cell.

    Attributes:
        clip_ids: The clips that may count, in a fixed order.
        parts: ``(clips, cells)``; 0 if a clip has nothing to count. A column sums to 1, and is 0 if
            the candidate did not lose.
    """

    clip_ids: list[str]
    parts: Floats


def loss_parts(
    scores: pa.Table,
    matches: pa.Table,
    clips: pa.Table,
    drives: pa.Table,
    networks: tuple[str, str],
    cells: Sequence[CellKey],
    *,
    metrics: MetricLookup = known_metric,
    complete: bool = False,
) -> LossParts:
    """Each clip's part of the loss of many cells, ``(clips, cells)``.

    The arguments are as for `clip_costs`; the tables are read once.

    Raises:
        RidealongError: A slice cannot be read, or the scores contradict themselves.
    """
    attributes = attributes_in(cell.slice for cell in cells)
    judged = judged_clips(clips, drives, attributes, apart=True)
    scores = _of_cells(scores, cells)
    found = _apart(gather(scores, matches, judged, networks, metrics, complete))
    slices = {text: in_slice(judged.clips, parse_slice(text)) for text in {c.slice for c in cells}}
    parts = np.zeros((judged.clips.num_rows, len(cells)))
    for at, cell in enumerate(cells):
        if cell.figure in found and cell.reference in COMPARABLE:
            keep, share = _turned_shares(found[cell.figure], slices[cell.slice])
            total = share.sum()
            if total < -ROUNDING * np.abs(share).sum():  # gains and losses that cancel are no loss
                parts[keep, at] = share / total
    return LossParts(judged.clips["clip_id"].to_pylist(), parts)


def shares(first: Figure, second: Figure) -> Floats:
    """Each row's share in ``first - second``, ``(G, C)``; a column sums to the difference."""
    first_den, second_den = (figure.weight.sum(axis=0) for figure in (first, second))
    first_num, second_num = (_numerators(figure) for figure in (first, second))
    mean = (first.value + second.value) / 2
    change = (first_num - second_num) - mean * (first.weight - second.weight)
    return np.asarray(2 * change / (first_den + second_den))


def _numerators(figure: Figure) -> Floats:
    """What each row adds to the numerator: its influence, and its share of the value."""
    total = figure.weight.sum(axis=0)
    return np.asarray(figure.influence * total + figure.value * figure.weight)


def _of_cells(scores: pa.Table, cells: Sequence[CellKey]) -> pa.Table:
    """The scores of the cells' predictions, metrics and references, in any combination."""
    for name in ("prediction", "metric", "reference"):
        wanted = pa.array({getattr(cell, name) for cell in cells}, pa.string())
        scores = scores.filter(pc.is_in(scores[name], value_set=wanted))
    return scores


def _apart(evidence: Iterable[Evidence]) -> dict[Figured, Evidence]:
    """The evidence of each prediction."""
    return {
        (prediction, one.metric.name, one.reference): one.of(np.array([place]))
        for one in evidence
        for place, prediction in enumerate(one.predictions)
    }


def _turned_shares(one: Evidence, inside: Bools) -> tuple[Ints, Floats]:
    """The clips that count, and their shares, turned so that negative is worse."""
    assert one.deployed is not None
    keep = np.flatnonzero(inside & (one.informative[:, 0] > 0))
    deployed, candidate = (
        _figure(one.metric, side, keep) for side in (one.deployed, one.candidate)
    )
    higher = one.metric.better is Better.HIGHER
    share = shares(candidate, deployed) if higher else shares(deployed, candidate)
    return keep, share[:, 0]


def _costs(one: Evidence, judged: JudgedClips, inside: Bools) -> pa.Table:
    assert one.deployed is not None
    keep, share = _turned_shares(one, inside)
    rows = judged.clips.take(pa.array(keep))
    found = pa.table(
        [
            rows["clip_id"],
            rows["drive_id"],
            pa.array(_alone(one.metric, one.deployed, keep), from_pandas=True),
            pa.array(_alone(one.metric, one.candidate, keep), from_pandas=True),
            pa.array(share, from_pandas=True),
        ],
        schema=COSTS,
    )
    return found.sort_by([("share", "ascending"), ("clip_id", "ascending")])


def _figure(metric: Metric, side: Side, keep: Ints) -> Figure:
    """One network's value over the clips ``keep``, with a row per clip."""
    sums = {name: own[keep] for name, own in side.sums.items()}
    found = figure_of(metric, sums, side.detections, _places(side, keep), sampled=False)
    if isinstance(metric.figure, Precision):
        return replace(found, weight=sums[LABELS])
    return found if metric.ratio is not None else _to_zero(found)


def _to_zero(figure: Figure) -> Figure:
    """The figure of a jackknife with influence values that sum to zero."""
    influence = np.nan_to_num(figure.influence)
    return replace(figure, influence=influence - figure.share * influence.sum(axis=0))


def _alone(metric: Metric, side: Side, keep: Ints) -> Floats:
    """One network's value on each single clip; NaN where it is undefined."""
    sums = {name: own[keep] for name, own in side.sums.items()}
    return alone(metric, sums, side.detections, _places(side, keep))


def _places(side: Side, keep: Ints) -> Ints:
    """The place of each clip among those that are kept; -1 for the others."""
    places = np.full(max(len(own) for own in side.sums.values()), -1)
    places[keep] = np.arange(len(keep))
    return places
