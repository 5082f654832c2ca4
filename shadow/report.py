"""A run as text and as JSON: the verdict, and its cells in the order of their importance."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ingest.schemas import CLIP_LABELS
from metrics.gate.cells import RANKS, Cell, Verdict, cells_from, surest_gains, surest_losses
from metrics.gate.schemas import VERDICTS
from metrics.slices import parse_slice
from metrics.tasks.metric import Better, Metric, MetricLookup
from metrics.tasks.prediction import task_of
from metrics.tasks.registry import known_metric
from ridealong.lake import Snapshot
from ridealong.terminal import readable
from ridealong.terminal.readable import counted, listed
from shadow.calibration import calibration_sentence
from shadow.judged import of_items
from shadow.runs import find_run
from shadow.scores import labels_name, labels_of
from shadow.sharing import not_shared_in, not_shared_sentence

NAMED = 3  # cells named in a sentence
NAMED_SLICES, NAMED_MARGINS = 8, 12
LONGEST_EXAMPLE = 60  # characters of a name
SUMMARY_DECIMALS = 4
# What the document of a run from result files has in addition.
RESULTS = (
    *("format", "files", "drives", "drive_from", "scope", "slices", "threshold", "margins"),
    *("metrics", "evaluation", "definitions", "notes", "one_sided"),
)


def run_cells(snapshot: Snapshot, run_id: str) -> list[Cell]:
    """A run's cells, by name."""
    order = ", ".join(VERDICTS.order)
    rows = snapshot.query(
        "select * exclude (run_id) replace (coalesce(scope, 'drives') as scope) from verdicts "
        f"where run_id = ? order by {order}",
        VERDICTS,
        params=[run_id],
    )
    return cells_from(rows)


def run_document(snapshot: Snapshot, run: str) -> dict[str, Any]:
    """The document that ``shadow report --json`` prints.

    Raises:
        RidealongError: No such run.
    """
    row = find_run(snapshot, run)
    cells = run_cells(snapshot, row["run_id"])
    head = {"run": row["run_id"]}
    head |= {key: row[key] for key in ("name", "note", "deployed", "candidate", "against_itself")}
    return head | {
        "verdict": row["verdict"],
        "reason": row["reason"],
        "clips": len(row["clip_ids"]),
        "clips_left_out": row["clips_left_out"],
        "clips_of_calibration": len(row["calibration_clips"] or ()),
        "latency": {key: row[key] for key in ("deployed_ms", "candidate_ms", "latency_ratio")},
        "baseline": row["baseline"],
        "labels": labels_name(row),
        "imported_labels": imported_labels(snapshot, row),
        "not_shared": not_shared_in(snapshot, row),
        "summary": summary_of(cells),
        **(results_document(row) if of_items(row) else {}),
        "cells": cells,
    }


def results_document(run: Mapping[str, Any]) -> dict[str, Any]:
    """What the document of a run from result files has in addition."""
    results = json.loads(run["results"])
    return {name: results[name] for name in RESULTS}


def results_sentence(document: Mapping[str, Any]) -> str:
    """How result files were judged: their drives, slices, thresholds and margins."""
    drives, told = counted(document["drives"], "drive"), document["drive_from"]
    alone = f"{told} is a drive of its own (--drive names a field that tells drives apart)"
    own = alone if told.startswith("each ") else f"by {told}"
    parts = [f"{document['format']}: {drives}, {own}"]
    if document["slices"]:
        parts.append(f"slices: {listed(document['slices'], NAMED_SLICES)}")
    if document["threshold"]:
        parts.append(f"threshold: {document['threshold']['text']}")
    margins = [f"{name} {margin:g}" for name, margin in document["margins"].items()]
    parts.append(f"margins: {listed(margins, NAMED_MARGINS)}")
    return "; ".join(parts)


def note_sentence(note: Mapping[str, Any]) -> str:
    """An oddity of the files with its first examples; they may name files where boxes are counted.

    So how many more there are is not said of the examples.
    """
    shown = [_short(name) for name in note["examples"][:NAMED]]
    lead = ": " if len(shown) == note["count"] else ", for example "
    examples = lead + ", ".join(shown) if shown else ""
    text = singular(note["text"]) if note["count"] == 1 else note["text"]
    return f"{note['whose']}: {note['count']:,} {text}{examples}"


def singular(text: str) -> str:
    """The sentence about one of them: ``boxes have no width; left out``, ``box has no width; ...``.

    The text of a note begins with a plural noun. What follows its first verb fits any number.
    """
    noun, _, rest = text.partition(" ")
    one = noun[:-2] if noun.endswith(("xes", "sses")) else noun.removesuffix("s")
    verb = {"have": "has", "are": "is"}
    return f"{one} " + re.sub(r"\b(have|are)\b", lambda found: verb[found[0]], rest, count=1)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_EXAMPLE else f"{name[: LONGEST_EXAMPLE - 1]}…"


def summary_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[list[object]]:
    """The summaries of both networks as rows of a table; those by class if there are no others."""
    sides = [metrics[role] for role in ("deployed", "candidate")]
    if all(isinstance(value, Mapping) for value in sides[0].values()):
        sides = [dict(_flat(side)) for side in sides]
    return [
        [name, *(_summed(side.get(name)) for side in sides)]
        for name, value in sides[0].items()
        if not isinstance(value, Mapping)
    ]


def _flat(summary: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers of nested mappings, by all their keys."""
    for key, value in summary.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key} ")
        else:
            yield f"{before}{key}", value


def _summed(value: float | int | None) -> str:
    """A number of a summary; counts have no decimals."""
    return f"{value:,}" if isinstance(value, int) else readable.rounded(value, SUMMARY_DECIMALS)


def summary_of(cells: Sequence[Cell]) -> dict[str, Any]:
    """A summary of a run's cells.

    ``verdicts`` counts them by verdict. ``by_cause`` has the slices that are the cause of a loss:
    for each, the number of REGRESSED cells at it or because of it, the highest first. ``better``
    has the predictions with a significantly better metric, by slice.
    """
    lost = [cell for cell in cells if cell["verdict"] == Verdict.REGRESSED]
    places = Counter((cell["slice"], cell["because_of"]) for cell in lost)
    causes = {because_of for _, because_of in places if because_of is not None}
    by_cause = {
        cause: sum(n for place, n in places.items() if _at_or_because_of(*place, cause))
        for cause in causes
    }
    better: dict[str, set[str]] = {}
    for cell in cells:
        if cell["better"]:
            better.setdefault(cell["slice"], set()).add(cell["prediction"])
    return {
        "verdicts": {name: [c["verdict"] for c in cells].count(name) for name in Verdict},
        "by_cause": dict(sorted(by_cause.items(), key=lambda pair: (-pair[1], pair[0]))),
        "better": {name: sorted(better[name]) for name in sorted(better)},
    }


def _at_or_because_of(slice_: str, because_of: str | None, cause: str) -> bool:
    inside = set(parse_slice(cause)) <= set(parse_slice(slice_))
    return inside or because_of == cause


def cause_sentence(summary: dict[str, Any]) -> str | None:
    """The slice that most of the loss comes from, in a sentence; None if no slice is a cause."""
    cause, count = next(iter(summary["by_cause"].items()), (None, 0))
    if cause is None:
        return None
    lost = f"{count} of {summary['verdicts'][Verdict.REGRESSED]} regressed checks"
    return f"{lost} {'is' if count == 1 else 'are'} at {cause} or only because of it"


def sentences(document: dict[str, Any]) -> list[str]:
    """What is said of a run beside its verdict and its cells."""
    found = (
        cause_sentence(document["summary"]),
        baseline_sentence(document),
        not_shared_sentence(document),
        calibration_sentence(document["clips_of_calibration"]),
        labels_sentence(document),
    )
    return [one for one in found if one]


def imported_labels(snapshot: Snapshot, run: Mapping[str, Any]) -> dict[str, str]:
    """By clip, the version of the labels that it was judged on, where they were imported."""
    versions = labels_of(run) or {}
    rows = snapshot.query("select clip_id, version from clip_labels", CLIP_LABELS).to_pylist()
    known = {(row["clip_id"], row["version"]) for row in rows}
    return {clip: version for clip, version in versions.items() if (clip, version) in known}


def labels_sentence(document: Mapping[str, Any]) -> str | None:
    """The labels that a run was judged on; None if none were imported."""
    imported = document["imported_labels"]
    if not imported:
        return None
    versions = [f"{clip} {version}" for clip, version in imported.items()]
    clips = counted(document["clips"], "clip")
    return (
        f"labels: version {document['labels']}, with imported labels of {len(imported):,} of "
        f"{clips}: {listed(versions, NAMED)}"
    )


def baseline_sentence(document: dict[str, Any]) -> str | None:
    """The cells in which the candidate is worse than the frozen release; None without a release."""
    if document["baseline"] is None:
        return None
    worse = [cell_name(cell) for cell in document["cells"] if cell["worse_than_baseline"]]
    cells = f"{counted(len(worse), 'check')}: {listed(worse, NAMED)}" if worse else "no check"
    return f"worse than the baseline {document['baseline']}: {cells}"


def cells_that_matter(cells: Sequence[Cell], watched: int = 20) -> list[Cell]:
    """The cells to show first: the required ones, the worst first, then some watched ones.

    Of the watched ones, the surest losses come first, then the surest gains, at most half of
    ``watched`` each. If there are few, the largest differences over all clips follow. Cells without
    data are not included; see `cells_without_data`.
    """
    known = [cell for cell in cells if cell["delta"] is not None]
    required = sorted(
        (c for c in known if c["required"]),
        key=lambda c: (RANKS[c["verdict"]], c["prediction"], c["slice"]),
    )
    others = [c for c in known if not c["required"] and c["delta"] != 0]
    losses = surest_losses([c for c in others if c["verdict"] == Verdict.REGRESSED])
    gains = surest_gains([c for c in others if c["better"]])
    shown = losses[: watched // 2] + gains[: watched // 2]
    rest = [c for c in others if c["slice"] == "all" and c not in shown]
    rest = sorted(rest, key=lambda c: -abs(c["delta"] or 0))[: watched - len(shown)]
    return required + shown + sorted(rest, key=lambda c: (c["delta"] or 0, c["prediction"]))


def cells_without_data(cells: Sequence[Cell]) -> list[str]:
    """Names of the required cells without data: they cannot pass."""
    return [cell_name(cell) for cell in cells if cell["required"] and cell["delta"] is None]


def cell_name(cell: Cell) -> str:
    """A cell in words."""
    return f"{cell['prediction']} {cell['metric']} at {cell['slice']}"


def cell_texts(cell: Cell) -> list[object]:
    """A cell as a row of the report: prediction, metric, slice, values, interval, drives, verdict.

    All its numbers have the decimals that the interval of the difference supports.
    """
    values = (cell["deployed"], cell["candidate"], cell["delta"])
    decimals = readable.decimals_known(cell["low"], cell["high"], *values)
    deployed, candidate = (readable.rounded(value, decimals) for value in values[:2])
    low, high = (
        readable.rounded(value, decimals, signed=True) for value in (cell["low"], cell["high"])
    )
    return [
        *(cell["prediction"], cell["metric"], cell["slice"], deployed, candidate),
        readable.rounded(cell["delta"], decimals, signed=True),
        f"{low} to {high}" if cell["low"] is not None else None,
        *(cell["clusters"], cell["verdict"]),
    ]


def direction_sentence(cells: Sequence[Cell], lookup: MetricLookup = known_metric) -> str:
    """How to read the numbers: each metric's direction and unit, and the interval."""
    metrics = {metric.name: metric for metric in map(partial(_metric, lookup), cells) if metric}
    ways = []
    for better in Better:
        names = [_with_unit(metrics[n]) for n in sorted(metrics) if metrics[n].better is better]
        ways += [f"{better} is better: {', '.join(names)}"] if names else []
    levels = {cell["level"] for cell in cells if cell["level"] is not None}
    level = ""
    if levels:
        level = f"; interval: {min(levels):.0%} of delta, two-sided (verdicts use one-sided tests)"
    return "; ".join(["delta above 0 is better, for every metric", *ways]) + level


def _metric(lookup: MetricLookup, cell: Cell) -> Metric | None:
    """The cell's metric; None if this installation does not know its family, or the metric."""
    return lookup(task_of(cell["prediction"]), cell["metric"])


def _with_unit(metric: Metric) -> str:
    return metric.name if metric.unit == "1" else f"{metric.name} ({metric.unit})"
