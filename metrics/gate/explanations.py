"""Why a cell regressed: the one slice outside which there is no loss.

A loss at night also shows in ``all``, in ``weather=rain`` and in ``country=DE``, because some of
their drives were at night. A prediction and metric *lost only in* a slice of one attribute if

- the loss there is beyond the margin (the cell there need not be REGRESSED: it may have too few
  drives for that), and
- no loss is left over all clips outside it: "delta is zero or more" is not rejected at ``alpha``,
  uncorrected, and the measured delta is not a loss beyond the margin (beyond zero if none is set).
  One of the two conditions alone is not enough: few drives reject nothing, and with many drives a
  small loss is certain. As for a PASS, these clips are of at least `GateSpec.min_clusters` drives,
  and both networks have scores on all of them.

A cell regressed *because of* such a slice if its own clips outside the slice do not contradict: the
test does not reject there either. (Their delta is not compared with the margin: they are often of
few drives.) The cell of the slice itself has itself as the cause.

Two slices may explain each other if the loss lies in what they share. Then the slice with the
larger loss is the cause. A slice that another slice explains is not a cause. Of several causes the
one with the largest loss is named. A prediction that lost in two slices for two reasons has none.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from metrics.gate.decisions import Decisions
from metrics.gate.estimates import Estimates, estimate_inside
from metrics.gate.evidence.clips import JudgedClips
from metrics.gate.evidence.evidence import Evidence
from metrics.gate.spec import GateSpec
from metrics.slices import in_slice, parse_slice
from ridealong.arrays import Bools, Floats, Ints

NONE = -1

# P predictions of one metric, K slices.


@dataclass(frozen=True)
class _Slices:
    """K slices: which have one condition, ``(K,)``, and which units are in them, ``(K, units)``."""

    names: list[str]
    single: Bools
    inside: Bools


def explain(
    evidence: Iterable[Evidence],
    judged: JudgedClips,
    cells: Estimates,
    decided: Decisions,
    gate: GateSpec,
) -> list[str | None]:
    """The cause of every regressed cell; None for other cells, and if there is no cause.

    Args:
        evidence: The evidence from which the cells were estimated.
        judged: Its clips.
        cells: The cells.
        decided: The decisions on them.
        gate: The gate.
    """
    causes: list[str | None] = [None] * len(cells.names)
    slices = _slices(judged, {name[2] for name in cells.names})
    places = {name: place for place, name in enumerate(cells.names)}
    for one in evidence:
        at = _places(one, slices.names, places)
        lost = np.append(decided.regressed, False)[at]  # NONE reads the appended one
        some = np.flatnonzero(lost.any(axis=1))
        if some.size:
            at, lost = at[some], lost[some]
            margin = np.nan_to_num(decided.margin[at])
            delta = np.where(at == NONE, np.nan, cells.delta.estimate[at])
            only = _lost_only_in(one.of(some), judged, slices, delta, margin, gate)
            cause = _causes(_gone(one.of(some), judged, slices, lost | only, only, gate), delta)
            for cell in map(tuple, np.argwhere(lost & (cause != NONE))):
                causes[at[cell]] = slices.names[cause[cell]]
    return causes


def _slices(judged: JudgedClips, names: set[str]) -> _Slices:
    ordered = sorted(names)
    conditions = [parse_slice(name) for name in ordered]
    single = np.array([len(each) == 1 for each in conditions], np.bool_)
    return _Slices(ordered, single, np.array([in_slice(judged.units, c) for c in conditions]))


def _places(one: Evidence, names: list[str], places: dict[tuple[str, str, str, str], int]) -> Ints:
    """The places of the cells of one metric, ``(P, K)``; `NONE` where there is no cell."""
    rows = [
        [places.get((prediction, one.metric.name, name, one.reference), NONE) for name in names]
        for prediction in one.predictions
    ]
    return np.array(rows, np.int64).reshape(len(one.predictions), len(names))


def _gone(
    one: Evidence, judged: JudgedClips, slices: _Slices, asked: Bools, only: Bools, gate: GateSpec
) -> Bools:
    """Where a cell (of those in ``asked``) has no loss without a slice (of those in ``only``).

    ``(P, K, K)``: the first slice is the cell's, the second is the one that is left out.
    """
    gone = asked[:, :, None] & only[:, None]
    for cause in np.flatnonzero(only.any(axis=0)):
        some = np.flatnonzero(only[:, cause])
        rests = {
            str(place): inside & ~slices.inside[cause] for place, inside in enumerate(slices.inside)
        }
        worse = _worse(estimate_inside([one.of(some)], judged, rests), gate)
        gone[some, :, cause] &= ~worse.reshape(len(rests), -1).T
    return gone


def _lost_only_in(
    one: Evidence,
    judged: JudgedClips,
    slices: _Slices,
    delta: Floats,
    margin: Floats,
    gate: GateSpec,
) -> Bools:
    """In which slice alone a prediction lost, ``(P, K)``; in several if they share the loss."""
    only = (delta < -margin) & slices.single
    for cause in np.flatnonzero(only.any(axis=0)):
        some = np.flatnonzero(only[:, cause])
        outside = estimate_inside([one.of(some)], judged, {"outside": ~slices.inside[cause]})
        only[some, cause] = _no_loss(outside, margin[some, cause], gate)
    return only


def _no_loss(rest: Estimates, margin: Floats, gate: GateSpec) -> Bools:
    """Enough is known, and it is neither significantly worse nor beyond the margin."""
    delta = rest.delta
    known = np.isfinite(delta.estimate) & np.isfinite(delta.se) & (rest.unpaired == 0)
    enough = known & (delta.clusters >= gate.min_clusters)
    return np.asarray(enough & (delta.estimate >= -margin) & ~_worse(rest, gate))


def _worse(rest: Estimates, gate: GateSpec) -> Bools:
    """Significantly worse, without correction; false if nothing is known."""
    return np.asarray(rest.delta.p_worse() <= gate.alpha)


def _causes(gone: Bools, delta: Floats) -> Ints:
    """Each cell's cause as the place of a slice, ``(P, K)``, or `NONE`.

    Args:
        gone: ``(P, K, K)``, as `_gone` gives it.
        delta: ``(P, K)``; the most negative is the largest loss, and the first among equals.
    """
    rank = np.argsort(np.argsort(delta, axis=1, kind="stable"), axis=1, kind="stable")
    larger = rank[:, :, None] < rank[:, None]
    own = gone.diagonal(axis1=1, axis2=2)
    others = gone & ~np.eye(gone.shape[1], dtype=np.bool_)
    mutual = others & others.transpose(0, 2, 1)
    root = own & ~(others & ~(mutual & larger)).any(axis=2)
    causes = gone & root[:, None]
    largest = np.where(causes, rank[:, None], rank.shape[1]).argmin(axis=2)
    return np.where(causes.any(axis=2), largest, NONE)
