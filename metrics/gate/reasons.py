"""Verdicts in words: one sentence per cell and one per run."""

import math
from collections.abc import Sequence

from metrics.gate.cells import Cell, JudgedCell, Verdict
from metrics.gate.evidence.catalog import COMPARABLE
from metrics.gate.spec import GateSpec, RequiredCell
from ridealong.terminal.readable import counted, listed

NAMED = 3  # cells that a run's sentence names


def cell_reason(cell: JudgedCell, gate: GateSpec) -> str:
    """Why a cell got its verdict."""
    obstacle = _obstacle(cell, gate)
    if cell["verdict"] == Verdict.PASS:
        return _passed(cell, gate)
    if cell["verdict"] == Verdict.REGRESSED:
        return _regressed(cell)
    return obstacle or _undecided(cell)


def missing_reason(cell: RequiredCell) -> str:
    """Why a required cell without any score does not pass."""
    where = "" if cell.slice == "all" else f" at {cell.slice}"
    return f"missing: no {cell.metric} of {cell.prediction}{where} on any clip that counts"


def _obstacle(cell: JudgedCell, gate: GateSpec) -> str | None:
    """What prevents any verdict."""
    if cell["reference"] not in COMPARABLE:
        return "shows that they differ, not which is better"
    if cell["clips_unpaired"]:
        return _unpaired(cell)
    for network, value in (("deployed", cell["deployed"]), ("candidate", cell["candidate"])):
        if value is None:
            return f"unknown: the {network} network's value has no data"
    clusters = cell["clusters"]
    if clusters < gate.min_clusters:
        more = f": {cell['drives_needed']} more" if cell["drives_needed"] else ""
        drives = counted(clusters, "independent drive")
        return f"{drives} with something to judge, at least {gate.min_clusters} needed{more}"
    if cell["low"] is None:
        return "unknown: one drive outweighs all others, so that no spread can be measured"
    return None


def _unpaired(cell: JudgedCell) -> str:
    unpaired, dropped = cell["clips_unpaired"], cell["clips_dropped"]
    if dropped and not cell["clips"]:
        return f"missing: the candidate lacks {cell['prediction']}, which the deployed network has"
    whose = f"; the candidate's is missing on {dropped}" if dropped else ""
    have = "has" if unpaired == 1 else "have"
    return f"missing: {counted(unpaired, 'clip')} {have} a score of one network alone{whose}"


def _passed(cell: JudgedCell, gate: GateSpec) -> str:
    if cell["delta"] == 0 and cell["low"] == 0 and cell["high"] == 0:
        return "no difference"
    bound, margin = _float(cell["bound"]), _float(cell["margin"])
    sentence = f"lower bound {bound:+.4f} ({1 - gate.alpha:.0%}, one-sided) is above {-margin:+.4f}"
    worse = f"; significantly worse within the margin ({_p(cell)})"
    return sentence + worse if cell["worse_within_margin"] else sentence


def _regressed(cell: JudgedCell) -> str:
    over = "required" if cell["required"] else "watched"
    sentence = f"worse by {-_float(cell['delta']):.4f}: {_p(cell)} corrected over the {over} checks"
    cause = cell["because_of"]
    if cause in (None, cell["slice"]):
        return sentence
    return f"{sentence}; only because of {cause}: there is no loss outside it"


def _undecided(cell: JudgedCell) -> str:
    outlook = _outlook(cell)
    if cell["margin"] is None:
        return f"no margin is set, and no loss is shown ({_p(cell)}); {outlook}"
    bound, margin = _float(cell["bound"]), _float(cell["margin"])
    short = f"lower bound {bound:+.4f} is not above {-margin:+.4f}"
    return f"{short}, and no loss is shown ({_p(cell)}); {outlook}"


def _outlook(cell: JudgedCell) -> str:
    """How many more drives decide it: for half of such cells, and for most of them."""
    needed, at_most = cell["drives_needed"], cell["drives_needed_at_most"]
    if needed is None:
        return "more drives like these would not decide it"
    most = f", at most {at_most} in most cases" if at_most else ""
    return f"about {needed} more drives would decide it{most}"


def _p(cell: Cell) -> str:
    return f"p = {_float(cell['p_adjusted']):.2g}"


def _float(value: float | None) -> float:
    return math.nan if value is None else value


def dropped_predictions(cells: Sequence[JudgedCell]) -> list[str]:
    """Predictions that the deployed network has somewhere and the candidate lacks there; sorted."""
    return sorted({cell["prediction"] for cell in cells if cell["clips_dropped"]})


def run_reason(verdict: Verdict, required: Sequence[Cell], dropped: Sequence[str]) -> str:
    """A run's verdict in one sentence: over its required cells, and what the candidate lacks."""
    return _over_required(verdict, required) + _lacking(dropped)


def _lacking(dropped: Sequence[str]) -> str:
    if not dropped:
        return ""
    return f"; the candidate lacks {listed(dropped, NAMED)}"


def _over_required(verdict: Verdict, required: Sequence[Cell]) -> str:
    only = len(required) == 1
    if verdict == Verdict.PASS:
        return "the required check passes" if only else f"all {len(required)} required checks pass"
    guilty = sorted((cell for cell in required if cell["verdict"] == verdict), key=_in_margins)
    named = listed([_named(cell) for cell in guilty], NAMED)
    if only:
        state = "regressed" if verdict == Verdict.REGRESSED else "is undecided"
        return f"the required check {state}: {named}"
    state = "regressed" if verdict == Verdict.REGRESSED else "undecided"
    return f"{len(guilty)} of {len(required)} required checks {state}: {named}"


def _in_margins(cell: Cell) -> float:
    """Delta in units of the margin: sorts the worst first and the unknown last."""
    return math.inf if cell["delta"] is None else _float(cell["delta"]) / _float(cell["margin"])


def _named(cell: Cell) -> str:
    where = "" if cell["slice"] == "all" else f" at {cell['slice']}"
    delta = "" if cell["delta"] is None else f" ({_float(cell['delta']):+.3f})"
    return f"{cell['prediction']} {cell['metric']}{where}{delta}"
