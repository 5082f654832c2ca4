"""Verdicts: a candidate against the deployed network, per prediction, metric and slice.

Everything is computed from the tables of scores and matches; nothing is replayed. The rules are in
`metrics.gate.decisions`, the statistics in `metrics.inference`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa

from metrics.gate.cells import Cell, JudgedCell, Verdict
from metrics.gate.decisions import Decisions, decide
from metrics.gate.estimates import Estimates, estimate
from metrics.gate.evidence.clips import JudgedClips, judged_clips
from metrics.gate.evidence.evidence import Evidence, gather
from metrics.gate.explanations import explain
from metrics.gate.reasons import cell_reason, dropped_predictions, missing_reason, run_reason
from metrics.gate.schemas import CELLS
from metrics.gate.spec import GateSpec, RequiredCell
from metrics.inference.planning import MOST
from metrics.slices import slices_by
from metrics.tasks.metric import MetricLookup
from metrics.tasks.registry import known_metric
from ridealong.arrays import Ints
from ridealong.sql import Rows


@dataclass(frozen=True)
class RunVerdict:
    """A run's verdict: in one word, in one sentence, and by cell (rows of `CELLS`).

    ``dropped`` names the predictions that the deployed network has and the candidate lacks.
    """

    verdict: Verdict
    reason: str
    cells: pa.Table
    dropped: tuple[str, ...] = ()


def judge(
    scores: Rows,
    matches: Rows,
    clips: pa.Table,
    drives: pa.Table,
    deployed_sha256: str,
    candidate_sha256: str,
    gate: GateSpec,
    baseline_sha256: str | None = None,
    *,
    metrics: MetricLookup = known_metric,
    complete: bool = False,
) -> RunVerdict:
    """Judge a candidate against the deployed network.

    Args:
        scores: Rows of `metrics.schemas.SCORES`, one definition per metric; those of other
            networks and other clips do not count. A table is scanned without a copy, and a query
            is read where it is summed.
        matches: Rows of `metrics.schemas.MATCHES` or `metrics.schemas.DETECTIONS`.
        clips: The run's clips, or the frames of a data set: ``clip_id``, ``drive_id``,
            ``by_disagreement``, and any attributes as text.
        drives: Their drives: ``drive_id``, ``cluster_id``, and any attributes as text.
        deployed_sha256: The network that the fleet runs.
        candidate_sha256: The candidate.
        gate: Which cells are required, and which are watched.
        baseline_sha256: A frozen release. Where its scores are known, cells in which the candidate
            regressed against it are flagged. The flag changes no verdict.
        metrics: The metric of a task and a name, or None; by default those of the families.
        complete: All networks were scored on all clips, and sums of zero have no row.

    Raises:
        RidealongError: The scores contradict themselves, a clip's drive is unknown, or the gate
            names an attribute that neither clips nor drives have.
    """
    judged = judged_clips(clips, drives, gate.attributes)

    def cells_against(reference_sha256: str) -> list[JudgedCell]:
        pair = (reference_sha256, candidate_sha256)
        evidence = gather(scores, matches, judged, pair, metrics, complete)
        return _cells(evidence, judged, gate)

    cells = cells_against(deployed_sha256)
    if baseline_sha256 is not None:
        _flag_against_baseline(cells, cells_against(baseline_sha256))
    return run_verdict(cells, dropped_predictions(cells))


def run_verdict(cells: Sequence[Cell], dropped: Sequence[str]) -> RunVerdict:
    """The verdict of a run that has these cells.

    Args:
        cells: The cells; keys that are not columns of `CELLS` are dropped.
        dropped: The predictions that the candidate lacks.
    """
    required = [cell for cell in cells if cell["required"]]
    states = {cell["verdict"] for cell in required}
    verdict = Verdict.INCONCLUSIVE
    if Verdict.REGRESSED in states:
        verdict = Verdict.REGRESSED
    elif states == {Verdict.PASS}:
        verdict = Verdict.PASS
    reason = run_reason(verdict, required, dropped)
    return RunVerdict(verdict, reason, pa.Table.from_pylist(cells, schema=CELLS), tuple(dropped))


def _cells(evidence: Sequence[Evidence], judged: JudgedClips, gate: GateSpec) -> list[JudgedCell]:
    """All cells for one pair of networks, in the order of their names."""
    watched = set(slices_by(judged.units, gate.watched.by))
    slices = sorted(watched | {cell.slice for cell in gate.required})
    estimates = _wanted(estimate(evidence, judged, slices), watched, gate)
    decided = decide(estimates, gate)
    causes = explain(evidence, judged, estimates, decided, gate)
    rows = _rows(estimates, decided, causes, gate)
    found = {(row["prediction"], row["metric"], row["slice"]) for row in rows if row["required"]}
    rows += [_missing(cell, gate) for cell in gate.required if cell.key not in found]
    return sorted(rows, key=_name)


def _wanted(estimates: Estimates, watched: set[str], gate: GateSpec) -> Estimates:
    """The cells that are required or watched, and not empty."""
    keys = {cell.key for cell in gate.required}
    metrics = gate.watched.metrics
    seen = (estimates.clips > 0) | (estimates.unpaired > 0)
    look = [
        name[:3] in keys or (name[2] in watched and (metrics is None or name[1] in metrics))
        for name in estimates.names
    ]
    return estimates.take(seen & np.array(look, np.bool_))


def _name(row: Cell) -> tuple[str, ...]:
    return row["prediction"], row["metric"], row["slice"], str(row["reference"])


def _rows(
    cells: Estimates, decided: Decisions, causes: Sequence[str | None], gate: GateSpec
) -> list[JudgedCell]:
    columns: dict[str, Sequence[object]] = {
        "deployed": cells.deployed.tolist(),
        "candidate": cells.candidate.tolist(),
        "delta": cells.delta.estimate.tolist(),
        "low": decided.low.tolist(),
        "high": decided.high.tolist(),
        "margin": decided.margin.tolist(),
        "clips": cells.clips.tolist(),
        "clusters": cells.delta.clusters.tolist(),
        "clusters_effective": cells.delta.effective.tolist(),
        "required": decided.required.tolist(),
        "bound": decided.bound.tolist(),
        "p_value": decided.p.tolist(),
        "p_adjusted": decided.adjusted.tolist(),
        "worse_within_margin": (decided.passed & decided.rejected).tolist(),
        "better": decided.better.tolist(),
        "alert": ((decided.rejected | (cells.dropped > 0)) & ~decided.required).tolist(),
        "drives_needed": _finite(decided.needed),
        "drives_needed_at_most": _finite(decided.needed_at_most),
        "clips_unpaired": cells.unpaired.tolist(),
        "clips_dropped": cells.dropped.tolist(),
        "because_of": causes,
    }
    states = zip(decided.passed.tolist(), decided.regressed.tolist(), strict=True)
    verdicts = [_state(*state) for state in states]
    rows = [
        dict(zip(columns, map(_known, values), strict=True))
        for values in zip(*columns.values(), strict=True)
    ]
    return [
        _row(name, verdict, row, gate)
        for name, verdict, row in zip(cells.names, verdicts, rows, strict=True)
    ]


def _finite(needed: Ints) -> list[int | None]:
    """Drives needed; None if the cell is decided or no number is enough."""
    return [count if 0 < count < MOST else None for count in needed.tolist()]


def _row(
    name: tuple[str, str, str, str], verdict: Verdict, row: dict[str, object], gate: GateSpec
) -> JudgedCell:
    parts = dict(zip(("prediction", "metric", "slice", "reference"), name, strict=True))
    more = {"level": gate.level, "verdict": verdict, "worse_than_baseline": None}
    cell = cast(JudgedCell, {**parts, **row, **more, "reason": ""})
    cell["reason"] = cell_reason(cell, gate)
    return cell


def _missing(cell: RequiredCell, gate: GateSpec) -> JudgedCell:
    """A required cell without any score: not a pass."""
    unknown = cast(JudgedCell, dict.fromkeys(JudgedCell.__annotations__))
    counts = dict.fromkeys(("clips", "clusters", "clips_unpaired", "clips_dropped"), 0)
    flags = dict.fromkeys(("worse_within_margin", "better", "alert"), False)
    known = {
        "prediction": cell.prediction,
        "metric": cell.metric,
        "slice": cell.slice,
        "required": True,
        "level": gate.level,
        "margin": gate.margin_of(cell.metric, cell),
        "verdict": Verdict.INCONCLUSIVE,
        "reason": missing_reason(cell),
    }
    return cast(JudgedCell, {**unknown, **counts, **flags, **known})


def _known(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _state(passed: bool, regressed: bool) -> Verdict:
    if passed:
        return Verdict.PASS
    return Verdict.REGRESSED if regressed else Verdict.INCONCLUSIVE


def _flag_against_baseline(cells: Sequence[JudgedCell], against: Sequence[JudgedCell]) -> None:
    verdicts = {_name(cell): cell["verdict"] for cell in against if cell["delta"] is not None}
    for cell in cells:
        verdict = verdicts.get(_name(cell))
        cell["worse_than_baseline"] = None if verdict is None else verdict == Verdict.REGRESSED
