"""Cells before they are judged: both values, and delta with its uncertainty."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from metrics.gate.evidence.catalog import COMPARABLE
from metrics.gate.evidence.clips import JudgedClips
from metrics.gate.evidence.evidence import Evidence, Side
from metrics.gate.evidence.figures import figure_of
from metrics.inference.figure import Figure, difference
from metrics.inference.influence import Inference
from metrics.slices import in_slice, parse_slice
from metrics.tasks.metric import Better, Metric
from ridealong.arrays import Bools, Floats, Ints


@dataclass(frozen=True)
class Estimates:
    """C cells, column by column; NaN where a value is undefined.

    Attributes:
        names: Prediction, metric, slice and reference of each cell.
        deployed, candidate: ``(C,)`` values.
        delta: The improvement and its uncertainty. Its clusters are those that count: with
            something to find, and at most as many as the value of either network rests on.
        clips: ``(C,)`` clips with something to count.
        unpaired: ``(C,)`` clips that only one network has a score on.
        dropped: ``(C,)`` clips among them that only the deployed network has a score on.
    """

    names: list[tuple[str, str, str, str]]
    deployed: Floats
    candidate: Floats
    delta: Inference
    clips: Ints
    unpaired: Ints
    dropped: Ints

    @property
    def compared(self) -> Bools:
        """Where the reference shows which network is better, ``(C,)``."""
        return np.array([name[3] in COMPARABLE for name in self.names], np.bool_)

    def take(self, keep: Bools) -> "Estimates":
        """The cells under the mask."""
        return Estimates(
            [name for name, kept in zip(self.names, keep, strict=True) if kept],
            self.deployed[keep],
            self.candidate[keep],
            self.delta.take(keep),
            self.clips[keep],
            self.unpaired[keep],
            self.dropped[keep],
        )


def estimate(evidence: Iterable[Evidence], judged: JudgedClips, slices: Sequence[str]) -> Estimates:
    """Every prediction and metric on every slice."""
    inside = {text: in_slice(judged.units, parse_slice(text)) for text in slices}
    return estimate_inside(evidence, judged, inside)


def estimate_inside(
    evidence: Iterable[Evidence], judged: JudgedClips, inside: Mapping[str, Bools]
) -> Estimates:
    """Every prediction and metric on named sets of units, each a mask ``(units,)``.

    Cells are in the order of evidence, set and prediction.
    """
    spots = {text: _spot(keep, judged) for text, keep in inside.items()}
    blocks: list[Estimates] = []
    for one in evidence:
        blocks.extend(_block(one, text, spot) for text, spot in spots.items())
    return _joined(blocks)


@dataclass(frozen=True)
class _Spot:
    """A slice's units: their rows, and where each of its G clusters begins among them.

    ``local`` is each unit's cluster within the slice, 0 to G - 1; -1 outside.
    """

    rows: Ints
    starts: Ints
    local: Ints

    def sums(self, matrix: Floats | Bools) -> Floats:
        """Sums per cluster, ``(G, predictions)``."""
        if not len(self.rows):
            return np.zeros((0, matrix.shape[1]))
        return np.add.reduceat(matrix[self.rows], self.starts, axis=0, dtype=np.float64)

    def count(self, clips: Ints) -> Ints:
        """The sum over the slice, ``(predictions,)``."""
        return np.asarray(clips[self.rows].sum(axis=0), np.int64)


def _spot(keep: Bools, judged: JudgedClips) -> _Spot:
    rows = np.flatnonzero(keep)
    cluster = judged.cluster[rows]
    first = np.append(True, cluster[1:] != cluster[:-1])[: len(rows)]
    local = np.full(len(keep), -1)
    local[rows] = np.cumsum(first) - 1
    return _Spot(rows, np.flatnonzero(first), local)


def _block(one: Evidence, text: str, spot: _Spot) -> Estimates:
    figures = [_figure(one.metric, side, spot) for side in one.sides]
    candidate = figures[-1]
    if one.deployed is None:
        deployed_value = np.full(len(one.predictions), np.nan)
        delta = _no_difference(candidate)
    else:
        deployed = figures[0]
        higher = one.metric.better == Better.HIGHER
        delta = difference(candidate, deployed) if higher else difference(deployed, candidate)
        delta = replace(delta, clusters=np.minimum(delta.clusters, _with_something(one, spot)))
        deployed_value = deployed.value
    return Estimates(
        [(name, one.metric.name, text, one.reference) for name in one.predictions],
        deployed_value,
        candidate.value,
        delta,
        spot.count(one.informative),
        spot.count(one.unpaired),
        spot.count(one.dropped),
    )


def _no_difference(figure: Figure) -> Inference:
    """Of one network alone: there is no difference, but the number of clusters is known."""
    unknown = np.full(figure.value.shape, np.nan)
    return Inference(unknown, unknown, figure.clusters, figure.effective)


def _with_something(one: Evidence, spot: _Spot) -> Ints:
    """Clusters with something to find, ``(predictions,)``."""
    return np.asarray((spot.sums(one.to_find) > 0).sum(axis=0), np.int64)


def _figure(metric: Metric, side: Side, spot: _Spot) -> Figure:
    sums = {name: spot.sums(own) for name, own in side.sums.items()}
    return figure_of(metric, sums, side.detections, spot.local)


def _joined(blocks: Sequence[Estimates]) -> Estimates:
    def floats(columns: Iterable[Floats]) -> Floats:
        return np.concatenate([np.zeros(0), *columns])

    def ints(columns: Iterable[Ints]) -> Ints:
        return np.concatenate([np.zeros(0, np.int64), *columns])

    delta = Inference(
        floats(block.delta.estimate for block in blocks),
        floats(block.delta.se for block in blocks),
        ints(block.delta.clusters for block in blocks),
        floats(block.delta.effective for block in blocks),
    )
    return Estimates(
        [name for block in blocks for name in block.names],
        floats(block.deployed for block in blocks),
        floats(block.candidate for block in blocks),
        delta,
        ints(block.clips for block in blocks),
        ints(block.unpaired for block in blocks),
        ints(block.dropped for block in blocks),
    )
