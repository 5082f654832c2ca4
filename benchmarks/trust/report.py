"""The study as Markdown tables.

Shares are shown with the upper end of their one-sided 99% Clopper-Pearson interval where a limit
applies to it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import numpy as np
from scipy import stats

from benchmarks.trust import planted, rivals
from benchmarks.trust.cells import MARGIN, Outcome
from benchmarks.trust.fleets import FLEETS
from benchmarks.trust.null_runs import Alarms
from benchmarks.trust.planted import Named
from benchmarks.trust.study import (
    DATA_SET_KINDS,
    DRIVES,
    POWER_DRIVES,
    REPLAYED_KINDS,
    Results,
    Subject,
)

BAND_RUNS = 0.065  # the upper bound of a share of null runs that is nominally 5%
BAND_ANY = 0.1  # share of null runs that name any loss
BAND_PASS = 0.07  # the upper bound of false passes
BAND_NAMED = 0.95  # share of planted losses that are named first
COVERAGE = (0.935, 0.97)  # the upper end from 12 effective drives on
RUNS_NAMED = 100  # fewer do not tell 95% from less
FEW = 500  # fewer runs or cells are not enough for a share of 5%
KINDS = (*REPLAYED_KINDS, *DATA_SET_KINDS)


def report(results: Results) -> str:
    """All tables that have results."""
    parts = (
        null_table, any_loss_table, rivals_table, planted_table, coverage_table, pass_table,
        power_table,
    )  # fmt: skip
    return "\n\n".join(text for part in parts if (text := part(results)))


def table(text: str, heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A sentence and a table; empty without lines."""
    rows = [f"| {' | '.join(map(str, line))} |" for line in lines]
    head = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([text, "", *head, *rows]) if rows else ""


def upper(hits: int, of: int) -> float:
    """The upper end of the one-sided 99% Clopper-Pearson interval of a share."""
    return 1.0 if hits >= of else float(stats.beta.ppf(0.99, hits + 1, of - hits))


def met(fits: bool, of: int = FEW) -> str:
    if of < FEW:
        return "too few"
    return "met" if fits else "MISSED"


# --- null runs


def null_runs(results: Results) -> Iterator[tuple[str, str, list[Alarms]]]:
    """The gate's networks or data set, the fleet, and what was called worse or better."""
    for subject, found in results.items():
        if subject.what == "replayed null":
            yield "shipped gate", subject.fleet, found
        if subject.what == "data set null":
            yield subject.of, subject.fleet, found


def null_table(results: Results) -> str:
    """Share of null runs with any loss or gain."""
    lines = []
    for gate, fleet, found in null_runs(results):
        for what in ("required", "watched", "better"):
            hits = sum(getattr(one, what) for one in found)
            bound = upper(hits, len(found))
            shares = (
                f"{hits / len(found):.1%}",
                f"{bound:.1%}",
                met(bound <= BAND_RUNS, len(found)),
            )
            named = what if what == "better" else f"{what} REGRESSED"
            lines.append((gate, fleet, len(found), named, *shares))
    text = f"Null runs: any cell is called worse or better. Limit of the bound: {BAND_RUNS:.1%}."
    return table(text, ("gate", "fleet", "runs", "any cell", "share", "99% bound", ""), lines)


def any_loss_table(results: Results) -> str:
    """Null runs that name any loss, required or watched."""
    lines = []
    for gate, fleet, found in null_runs(results):
        share = np.mean([one.required or one.watched for one in found])
        lines.append(
            (gate, fleet, len(found), f"{share:.1%}", met(bool(share <= BAND_ANY), len(found)))
        )
    text = f"Null runs that name any loss, required or watched. Limit: {BAND_ANY:.0%}."
    return table(text, ("gate", "fleet", "runs", "share", ""), lines)


def rivals_table(results: Results) -> str:
    """Our false alarms beside those of others."""
    lines = []
    for subject, found in results.items():
        if subject.what == "rivals":
            shares = [
                f"{np.mean([getattr(one, rule) for one in found]):.1%}"
                for rule in ("ours", "frames", "hotcoco")
            ]
            lines.append((subject.fleet, len(found), *shares))
    text = (
        "Two equal networks, AP of one class over COCO files: how often the candidate is called "
        f"worse at a level of {rivals.LEVEL:.0%}; {rivals.SAMPLES} samples of each bootstrap."
    )
    heads = ("fleet", "data sets", "ours", "i.i.d. frame bootstrap", "hotcoco's `compare`")
    return table(text, heads, lines)


def planted_table(results: Results) -> str:
    """How often a planted loss is named first."""
    lines = []
    for subject, found in results.items():
        if subject.what in ("planted", "planted as planned"):
            lines.append((subject.of, subject.fleet, *_named(subject, found)))
    text = (
        f"A loss of {planted.MARGINS:g} margins of {planted.CLASS} at {planted.SLICE}. Planned: "
        f"after {planted.PILOT} drives, as many more as `gate plan` asks for at its 90% end, "
        f"at most {planted.MOST}. "
        f"Limit there: {BAND_NAMED:.0%}."
    )
    heads = ("data set", "fleet", "drives", "runs", "named first", "no other class named", "")
    return table(text, heads, lines)


def _named(subject: Subject, found: list[Named]) -> tuple[object, ...]:
    first, alone = (np.mean([getattr(one, name) for one in found]) for name in ("first", "alone"))
    shares = (len(found), f"{first:.0%}", f"{alone:.0%}")
    if subject.what == "planted":
        return (subject.drives, *shares, "")
    drives = np.median([one.drives for one in found])
    return (
        f"planned: {drives:.0f} at the median",
        *shares,
        met(bool(first >= BAND_NAMED), FEW if len(found) >= RUNS_NAMED else 0),
    )


# --- cells one by one


def outcomes(results: Results, subject: Subject) -> list[Outcome]:
    """All cells with enough drives to be decided."""
    return [one for call in results.get(subject, []) for one in call if one.counted]


def each_kind(
    results: Results, lost: int, drives: Iterable[int]
) -> Iterator[tuple[tuple[str, str, int], list[Outcome]]]:
    for kind, fleet, count in product(KINDS, FLEETS, drives):
        found = outcomes(results, Subject("cells", fleet, kind, count, lost))
        if found:
            yield (kind, fleet, count), found


def coverage_table(results: Results) -> str:
    """Coverage of the 95% interval; the upper limit applies from 12 effective drives on."""
    low, high = COVERAGE
    lines = []
    for names, found in each_kind(results, 0, DRIVES):
        share = float(np.mean([one.covered for one in found]))
        effective = np.mean([one.effective for one in found])
        fits = low <= share <= (high if effective >= 12 else 1.0)
        shown = (f"{effective:.1f}", len(found), f"{share:.1%}", met(fits, len(found)))
        lines.append((*names, *shown))
    text = (
        f"Coverage of the 95% interval, equal networks: at least {low:.1%}, and at most {high:.0%} "
        "from 12 effective drives on."
    )
    return table(text, ("metric", "fleet", "drives", "effective", "cells", "coverage", ""), lines)


def pass_table(results: Results) -> str:
    """False PASS: the candidate's true loss is the margin."""
    lines = []
    for names, found in each_kind(results, 1, DRIVES):
        hits = sum(one.passed for one in found)
        bound = upper(hits, len(found))
        shown = (f"{hits / len(found):.1%}", f"{bound:.1%}", met(bound <= BAND_PASS, len(found)))
        lines.append((*names, len(found), *shown))
    text = (
        f"False PASS at a true loss of the margin ({MARGIN}). Limit of the bound: {BAND_PASS:.0%}."
    )
    return table(text, ("metric", "fleet", "drives", "cells", "share", "99% bound", ""), lines)


def power_table(results: Results) -> str:
    """REGRESSED at a loss of two margins, for a single required cell."""
    lines = [
        (*names, len(found), f"{np.mean([one.regressed for one in found]):.1%}")
        for names, found in each_kind(results, 2, POWER_DRIVES)
    ]
    text = "REGRESSED at a true loss of two margins."
    return table(text, ("metric", "fleet", "drives", "cells", "share"), lines)
