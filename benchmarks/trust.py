"""How far the verdicts can be trusted: false alarms, coverage, false passes, power, planning.

Synthetic tables of scores and matched rows are judged by the public function
`metrics.gate.verdicts.judge`. Its internals are not used, so a rule can be compared with that of an
earlier checkout (``--before FOLDER``). Drives are independent. They differ in size, in difficulty
(the same for both networks) and in how well each network does on them.

*Null runs* compare two equal networks under the shipped gate, over all its cells and slices.
*Cells* are judged one by one, for each kind of metric, fleet and number of drives: with equal
networks (coverage of the 95% interval), with a true loss of exactly the margin (false PASS), and
with a true loss of two margins (power). Shares are shown with the upper end of their one-sided 99%
Clopper-Pearson interval.

Run it as ``python -m benchmarks.trust``. It takes an hour of one core or more; ``--runs 200`` gives
a quick estimate.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from metrics.gate.cells import Verdict
from metrics.gate.spec import GateSpec, load_gate
from metrics.gate.verdicts import judge
from metrics.schemas import MATCHES, SCORES
from metrics.tasks.metric import Reference
from ridealong.arrays import Floats, Ints

SEED = 20261128
NETWORKS = ("d" * 64, "c" * 64)
MARGIN = 0.03
ALPHA = 0.05
BAND_RUNS = 0.065  # the upper bound of a share of null runs that is nominally 5%
BAND_PASS = 0.07  # and of false passes
COVERAGE = (0.935, 0.97)  # the upper end from 12 effective drives on
FEW = 500  # fewer cells are not enough for a share of 5%
DRIVES = (8, 12, 20, 40, 80)
POWER_DRIVES = (10, 20, 40, 80)
CELLS = 48  # judged in one call, each with separate drives
PLANNED_AT, MOST_PLANNED = 20, 1000  # drives that a plan starts from, and more that we draw


@dataclass(frozen=True)
class Fleet:
    """How drives differ.

    Attributes:
        name: For the table.
        sigma: Sigma of the lognormal sizes; 0: all sizes are equal.
        share: Share of the drives with any label of a rare class.
        labels: Expected labels of a class in a drive of size 1 that has any.
        drives: Number of drives in a null run.
        rare: Categories in addition to the gate's, from common to very rare, in a null run.
    """

    name: str
    sigma: float
    share: float = 1.0
    labels: float = 20.0
    drives: int = 24
    rare: tuple[str, ...] = ()


FLEETS = (
    Fleet("even", 0.0),
    Fleet("lognormal 0.7", 0.7),
    Fleet("lognormal 1.0", 1.0),
    Fleet("rare classes", 0.7, share=0.5, labels=5.0),
    Fleet("demo-like", 0.6, drives=28, rare=("bus", "bicycle", "motorcycle")),
)
RARE = 3
KINDS = ("f1", "iou", "ap50")
RECALL, PRECISION_NOISE, IOU, CONCENTRATION = 0.7, 0.3, 0.7, 15.0


# --- what networks do on drives; (D,) per drive, deployed and candidate


def sizes(rng: np.random.Generator, fleet: Fleet, drives: int) -> Floats:
    return np.asarray(np.exp(rng.normal(0, fleet.sigma, drives)))


def chances(rng: np.random.Generator, drives: int, lost: float, mean: float) -> list[Floats]:
    """Each network's share of right answers: the drive's difficulty plus the network's noise."""

    def beta() -> Floats:
        return rng.beta(mean * CONCENTRATION, (1 - mean) * CONCENTRATION, drives)

    shared = beta()
    return [np.clip((shared + beta()) / 2 - loss, 0.001, 0.999) for loss in (0.0, lost)]


def labels_of(rng: np.random.Generator, fleet: Fleet, size: Floats, rate: float) -> Ints:
    there = rng.random(len(size)) < fleet.share
    return np.asarray(rng.poisson(rate * size) * there, np.int64)


def counts(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: float, rate: float = 0.0
) -> list[dict[str, Floats]]:
    """Of detections; ``lost`` is the loss of F1."""
    size, rate = sizes(rng, fleet, drives), rate or fleet.labels
    labels = labels_of(rng, fleet, size, rate)
    f1 = 2 * RECALL / (1 + RECALL + PRECISION_NOISE) - lost
    recall = f1 * (1 + PRECISION_NOISE) / (2 - f1)
    found = []
    for chance in chances(rng, drives, RECALL - recall, RECALL):
        tp = rng.binomial(labels, chance)
        noise = PRECISION_NOISE * rate * fleet.share * size * rng.gamma(3, 1 / 3, drives)
        found.append({"tp": tp, "fp": rng.poisson(noise), "fn": labels - tp})
    return found


def areas(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: float
) -> list[dict[str, Floats]]:
    union = np.ceil(4000 * sizes(rng, fleet, drives) * rng.uniform(1, 1.2, drives))
    return [
        {"intersection": np.round(union * chance), "union": union}
        for chance in chances(rng, drives, lost, IOU)
    ]


def errors(rng: np.random.Generator, fleet: Fleet, drives: int) -> list[dict[str, Floats]]:
    pixels = np.ceil(4000 * sizes(rng, fleet, drives))
    return [
        {"relative_error": pixels * (1 - chance) / 2, "pixels": pixels}
        for chance in chances(rng, drives, 0.0, 0.8)
    ]


def shares(
    rng: np.random.Generator, fleet: Fleet, drives: int, rate: float, mean: float
) -> list[tuple[Ints, Ints]]:
    """Rare events among reported items, such as flicker; the networks report different items."""
    size = sizes(rng, fleet, drives)
    reported = [labels_of(rng, fleet, size, rate) for _ in NETWORKS]
    pairs = zip(reported, chances(rng, drives, 0.0, mean), strict=True)
    return [(rng.binomial(n, chance), n) for n, chance in pairs]


def detections(
    rng: np.random.Generator, fleet: Fleet, drives: int, worse: float, rate: float = 0.0
) -> tuple[Ints, list[dict[str, NDArray[np.generic]]]]:
    """Labels per drive, and each network's scored rows; ``worse`` lowers the matches' scores."""
    size, rate = sizes(rng, fleet, drives), rate or fleet.labels
    labels = labels_of(rng, fleet, size, rate)
    hard, noise = rng.normal(0, 0.6, drives), rng.gamma(2, 0.5, drives)
    rows = []
    for shift in (0.0, worse):
        own = rng.normal(0, 0.4, drives)
        at = np.repeat(np.arange(drives), labels)
        at = at[rng.random(len(at)) < 0.85]
        right = rng.normal(1.6 - shift + (hard + own)[at], 1.0)
        wrong = rng.poisson(rate * fleet.share * size * noise * rng.gamma(4, 0.25, drives))
        off = np.repeat(np.arange(drives), wrong)
        score = stats.norm.cdf(np.r_[right, rng.normal(0, 1, len(off))] / 2)
        matched = np.arange(len(score)) < len(right)
        rows.append({"drive": np.r_[at, off], "score": score, "matched": matched})
    return labels, rows


@cache
def worse_by(fleet: Fleet, lost: float) -> float:
    """How much lower the matches must score for a true AP50 loss of ``lost``, by bisection."""
    if lost == 0:
        return 0.0
    low, high = 0.0, 3.0
    whole = true_ap(fleet, 0.0)
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if whole - true_ap(fleet, middle) < lost else (low, middle)
    return (low + high) / 2


def true_ap(fleet: Fleet, worse: float) -> float:
    """AP50 over so many drives that its spread does not matter."""
    rng = np.random.default_rng(SEED)
    labels, rows = detections(rng, fleet, 20_000, worse)
    order = np.argsort(-rows[1]["score"], kind="stable")
    tp = np.cumsum(rows[1]["matched"][order])
    precision = np.maximum.accumulate((tp / np.arange(1, len(tp) + 1))[::-1])[::-1]
    reached = np.searchsorted(tp / labels.sum(), np.linspace(0, 1, 101))
    return float(np.r_[precision, 0.0][np.minimum(reached, len(tp))].mean())


# --- the tables that `judge` takes; one clip a drive


class Tables:
    """Scores and matched rows, column by column."""

    def __init__(self, drives: int) -> None:
        self.names = pa.array([f"drive-{index:05d}" for index in range(drives)])
        self.scores: list[pa.Table] = []
        self.matches: list[pa.Table] = []

    def add(self, prediction: str, metric: str, sums: list[dict[str, Floats]]) -> None:
        """One metric of both networks: ``(n,)`` per statistic, for the first n drives."""
        for network, statistics in zip(NETWORKS, sums, strict=True):
            for statistic, values in statistics.items():
                self.scores.append(self._scores(network, prediction, metric, statistic, values))

    def _scores(
        self, network: str, prediction: str, metric: str, statistic: str, values: Floats
    ) -> pa.Table:
        count = len(values)
        own = Reference.SELF if metric == "flicker" else Reference.LABELS
        names = self.names.slice(0, count)
        texts = (network, own, names, names, prediction, metric, statistic)
        columns = [pa.repeat(text, count) if isinstance(text, str) else text for text in texts]
        columns += [np.asarray(values, np.float64), pa.repeat("one", count)]
        columns.append(pa.nulls(count, pa.string()))
        return pa.table(columns, schema=SCORES.schema)

    def add_matches(self, prediction: str, rows: list[dict[str, NDArray[np.generic]]]) -> None:
        """The scored rows of both networks, as `detections` gives them."""
        for network, row in zip(NETWORKS, rows, strict=True):
            count = len(row["drive"])
            names = self.names.take(pa.array(row["drive"]))
            columns = [
                pa.repeat(network, count),
                pa.repeat(Reference.LABELS, count),
                names,
                names,
                pa.repeat(prediction, count),
                np.arange(count),
                row["score"].astype(np.float32),
                row["matched"],
                pa.array(np.full(count, 0.8), mask=~row["matched"].astype(np.bool_)),
                pa.repeat("one", count),
                pa.nulls(count, pa.string()),
            ]
            self.matches.append(pa.table(columns, schema=MATCHES.schema))

    def judged(self, drives: pa.Table, gate: GateSpec) -> list[dict[str, object]]:
        clips = pa.table(
            {
                "clip_id": self.names,
                "drive_id": self.names,
                "by_disagreement": pa.repeat(False, len(self.names)),
            }
        )
        matches = pa.concat_tables([MATCHES.schema.empty_table(), *self.matches])
        found = judge(pa.concat_tables(self.scores), matches, clips, drives, *NETWORKS, gate)
        return found.cells.to_pylist()


def drives_table(rng: np.random.Generator, names: pa.Array) -> pa.Table:
    """A third of the drives at night; three kinds of weather, two of roads, four countries."""
    choices = {
        "light": ["day", "day", "night"],
        "weather": ["clear", "rain", "fog"],
        "road": ["city", "highway"],
        "country": ["DE", "US", "GB", "JP"],
        "hardware": ["h1"],
        "software": ["2026.4"],
    }
    columns = {name: rng.choice(values, len(names)) for name, values in choices.items()}
    return pa.table({"drive_id": names, "cluster_id": names} | columns)


# --- null runs


shipped_gate = cache(load_gate)


def null_run(fleet: Fleet, seed: tuple[int, ...]) -> tuple[bool, bool, bool]:
    """Whether equal networks get a required loss, a watched loss or a gain by the shipped gate."""
    rng, gate, tables = np.random.default_rng(seed), shipped_gate(), Tables(fleet.drives)
    names = {cell.prediction for cell in gate.required}
    names |= {f"objects/{kind}@{c}" for kind in fleet.rare for c in ("main", "narrow", "rear")}
    for name in sorted(names):
        rarity = 0.1 if any(kind in name for kind in fleet.rare) else 1.0
        write_null(rng, fleet, tables, name, rarity)
    cells = tables.judged(drives_table(rng, tables.names), gate)
    lost = [cell for cell in cells if cell["verdict"] == Verdict.REGRESSED]
    return (
        any(cell["required"] for cell in lost),
        any(cell["alert"] or not cell["required"] for cell in lost),
        any(cell["better"] for cell in cells),
    )


def write_null(
    rng: np.random.Generator, fleet: Fleet, tables: Tables, name: str, rarity: float
) -> None:
    """All that the shipped gate judges, for one prediction of two equal networks."""
    drives, task = len(tables.names), re.split("[/@]", name, maxsplit=1)[0]
    rate = fleet.labels * rarity
    if task in ("objects", "lights", "lanes"):
        tables.add(name, "f1", counts(rng, fleet, drives, 0.0, rate))
    if task == "objects":
        labels, rows = detections(rng, fleet, drives, 0.0, rate)
        tables.add(name, "ap50", [{"labels": labels}] * 2)
        tables.add_matches(name, rows)
    if task in ("objects", "lights"):
        pairs = shares(rng, fleet, drives, rate, 0.15)
        tables.add(name, "flicker", [{"flickers": num, "said": den} for num, den in pairs])
    if name.startswith("lights/red"):
        pairs = shares(rng, fleet, drives, rate, 0.05)
        tables.add(name, "red_as_green", [{"red_as_green": n, "red": d} for n, d in pairs])
    if task in ("segmentation", "bev"):
        tables.add(name, "iou", areas(rng, fleet, drives, 0.0))
    if task == "depth":
        tables.add(name, "abs_rel", errors(rng, fleet, drives))


# --- cells one by one


@dataclass(frozen=True)
class Drawn:
    """Both networks' results in one prediction: sums per drive, and scored rows of AP50."""

    drives: int
    sums: list[dict[str, Floats]]
    rows: list[dict[str, NDArray[np.generic]]] | None = None

    def __add__(self, more: "Drawn") -> "Drawn":
        """These drives, and then the others."""
        sums = [
            {name: np.append(values, other[name]) for name, values in one.items()}
            for one, other in zip(self.sums, more.sums, strict=True)
        ]
        if self.rows is None or more.rows is None:
            return Drawn(self.drives + more.drives, sums)
        moved = [row | {"drive": row["drive"] + self.drives} for row in more.rows]
        rows = [
            {name: np.append(values, other[name]) for name, values in one.items()}
            for one, other in zip(self.rows, moved, strict=True)
        ]
        return Drawn(self.drives + more.drives, sums, rows)


def draw(rng: np.random.Generator, fleet: Fleet, kind: str, lost: float, drives: int) -> Drawn:
    """One prediction's drives, with a true loss of ``lost``."""
    if kind == "f1":
        return Drawn(drives, counts(rng, fleet, drives, lost))
    if kind == "iou":
        return Drawn(drives, areas(rng, fleet, drives, lost))
    labels, rows = detections(rng, fleet, drives, worse_by(fleet, lost))
    return Drawn(drives, [{"labels": labels}] * 2, rows)


def predictions(kind: str) -> list[str]:
    """`CELLS` predictions that have the metric."""
    cameras = ["main", "narrow", "rear", "wide", "left_pillar", "right_pillar"]
    cameras += ["left_repeater", "right_repeater"]
    if kind == "iou":
        surfaces = ("road", "sidewalk", "terrain", "building", "vegetation", "person")
        return [f"segmentation/{s}@{camera}" for camera in cameras for s in surfaces]
    kinds = ("car", "truck", "bus", "pedestrian", "bicycle", "motorcycle")
    return [f"objects/{k}@{camera}" for camera in cameras for k in kinds]


def judged(kind: str, drawn: dict[str, Drawn]) -> dict[str, dict[str, object]]:
    """The cells over all drives, by prediction; each has separate drives."""
    tables = Tables(max(one.drives for one in drawn.values()))
    for name, one in drawn.items():
        tables.add(name, kind, one.sums)
        if one.rows is not None:
            tables.add_matches(name, one.rows)
    required = [{"prediction": name, "metric": kind, "margin": MARGIN} for name in drawn]
    watched = {"by": [], "metrics": [kind]}
    gate = {"required": required[:1], "margins": {kind: MARGIN}, "watched": watched}
    drives = drives_table(np.random.default_rng(0), tables.names)
    found = tables.judged(drives, GateSpec.model_validate(gate))
    return {str(cell["prediction"]): cell for cell in found}


@dataclass(frozen=True)
class Outcome:
    """The result of one cell."""

    effective: float
    counted: bool
    covered: bool
    passed: bool
    regressed: bool


def cells(
    fleet: Fleet, kind: str, drives: int, lost: float, seed: tuple[int, ...]
) -> list[Outcome]:
    """Independent cells with a true loss of ``lost``; REGRESSED is without correction."""
    rng = np.random.default_rng(seed)
    drawn = {name: draw(rng, fleet, kind, lost, drives) for name in predictions(kind)}
    return [outcome(cell, lost) for cell in judged(kind, drawn).values()]


def outcome(cell: dict[str, object], lost: float) -> Outcome:
    low, high, p = cell["low"], cell["high"], cell["p_value"]
    known = isinstance(low, float) and isinstance(high, float)
    return Outcome(
        float(str(cell["clusters_effective"] or 0)),
        isinstance(p, float),
        known and low <= -lost <= high,
        cell["verdict"] == Verdict.PASS,
        cell["verdict"] != Verdict.PASS and isinstance(p, float) and p <= ALPHA,
    )


def planned(fleet: Fleet, kind: str, seed: tuple[int, ...]) -> list[tuple[int, bool]]:
    """For undecided cells of equal networks: the predicted total of drives, and if that decides."""
    rng = np.random.default_rng(seed)
    first = {name: draw(rng, fleet, kind, 0.0, PLANNED_AT) for name in predictions(kind)}
    wanted = {
        name: int(str(cell["drives_needed"]))
        for name, cell in judged(kind, first).items()
        if cell["verdict"] == Verdict.INCONCLUSIVE and cell["drives_needed"]
    }
    grown = {
        name: first[name] + draw(rng, fleet, kind, 0.0, more)
        for name, more in wanted.items()
        if more <= MOST_PLANNED
    }
    then = judged(kind, grown) if grown else {}
    undecided = Verdict.INCONCLUSIVE
    decided = [(one.drives, then[n]["verdict"] != undecided) for n, one in grown.items()]
    # A prediction of more drives than we draw counts as undecided.
    return decided + [(PLANNED_AT + m, False) for m in wanted.values() if m > MOST_PLANNED]


# --- the study


@dataclass(frozen=True)
class Task:
    """One call for a worker: what to do, on which fleet, with which seed."""

    what: str
    fleet: int
    run: int
    kind: int = 0
    drives: int = 0
    lost: float = 0.0

    def work(self) -> object:
        """Its result, as plain values."""
        whats = ("null", "cells", "planned")
        lost = round(self.lost / MARGIN)
        seed = (SEED, whats.index(self.what), self.fleet, self.run, self.kind, self.drives, lost)
        fleet, kind = FLEETS[self.fleet], KINDS[self.kind]
        if self.what == "null":
            return null_run(fleet, seed)
        if self.what == "planned":
            return planned(fleet, kind, seed)
        return [astuple(one) for one in cells(fleet, kind, self.drives, self.lost, seed)]


def tasks(runs: int) -> list[Task]:
    """The whole study: ``runs`` null runs, and about twice as many cells of each kind."""
    calls = range(max(2 * runs // CELLS, 1))
    found = [Task("null", f, run) for f in range(len(FLEETS)) for run in range(runs)]
    for fleet, kind, call in itertools.product(range(4), range(len(KINDS)), calls):
        found += [Task("cells", fleet, call, kind, d, 0.0) for d in DRIVES]
        found += [Task("cells", fleet, call, kind, d, MARGIN) for d in DRIVES]
    for kind, call in itertools.product(range(len(KINDS)), range(len(calls), 4 * len(calls))):
        # Few fleets of so few drives have 8 with labels of a rare class.
        found += [Task("cells", RARE, call, kind, 12, lost) for lost in (0.0, MARGIN)]
    for kind, call in itertools.product(range(len(KINDS)), calls[: len(calls) // 2 + 1]):
        for fleet in (0, 1):
            found += [Task("cells", fleet, call, kind, d, 2 * MARGIN) for d in POWER_DRIVES]
            found.append(Task("planned", fleet, call, kind))
    return found


def measure(runs: int, workers: int) -> dict[str, list[object]]:
    """The results of all tasks, by subject."""
    todo = tasks(runs)
    results: dict[str, list[object]] = {}
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        start = time.monotonic()
        for done, (task, result) in enumerate(
            zip(todo, pool.map(Task.work, todo, chunksize=4), strict=True)
        ):
            results.setdefault(key(task), []).append(result)
            if done % 200 == 0:
                spent = time.monotonic() - start
                print(f"trust: {done}/{len(todo)} ({spent:.0f} s)", file=sys.stderr, flush=True)
    return results


def key(task: Task) -> str:
    """The subject of the task, without its run."""
    parts = [task.what, FLEETS[task.fleet].name]
    if task.what == "null":
        return "|".join(parts)
    parts += [KINDS[task.kind], str(task.drives), str(round(task.lost / MARGIN))]
    return "|".join(parts)


def upper(hits: int, of: int) -> float:
    """The upper end of the one-sided 99% Clopper-Pearson interval of a share."""
    return 1.0 if hits >= of else float(stats.beta.ppf(0.99, hits + 1, of - hits))


# --- the report


def report(now: dict[str, list[object]], before: dict[str, list[object]] | None) -> str:
    """Markdown tables, with the results of an earlier checkout beside them."""
    parts = (null_table, coverage_table, pass_table, power_table, planning_table)
    return "\n\n".join(part(now, before or {}) for part in parts)


def rows(head: str, lines: Iterable[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * columns, *lines])


def null_table(now: dict[str, list[object]], before: dict[str, list[object]]) -> str:
    """Share of null runs with any loss or gain."""
    lines = []
    for fleet in FLEETS:
        found = np.array(now[f"null|{fleet.name}"])
        was = np.array(before.get(f"null|{fleet.name}", np.zeros((0, 3))))
        for column, what in enumerate(("required REGRESSED", "watched REGRESSED", "better")):
            hits = int(found[:, column].sum())
            bound = upper(hits, len(found))
            old = f"{was[:, column].mean():.1%}" if len(was) else "-"
            fits = "met" if bound <= BAND_RUNS else "MISSED"
            share = f"{hits / len(found):.1%} | {bound:.1%} | {BAND_RUNS:.1%} | {fits}"
            lines.append(f"| {fleet.name} | {what} | {old} | {share} |")
        runs = len(found)
    head = "| fleet | any cell | before | now | 99% bound | limit | |"
    return f"{runs} null runs of each fleet, shipped gate.\n\n" + rows(head, lines)


def outcomes(results: dict[str, list[object]], name: str) -> list[Outcome]:
    """All cells of one kind with enough drives to be decided."""
    found = [Outcome(*one) for call in results.get(name, []) for one in call]
    return [one for one in found if one.counted]


def each_kind(lost: int, drives: Iterable[int]) -> Iterator[tuple[str, str, int, str]]:
    for fleet, kind, count in itertools.product(FLEETS[:4], KINDS, drives):
        yield fleet.name, kind, count, f"cells|{fleet.name}|{kind}|{count}|{lost}"


def judged_by(cells: int, met: bool) -> str:
    if cells < FEW:
        return "few cells"
    return "met" if met else "MISSED"


def coverage_table(now: dict[str, list[object]], before: dict[str, list[object]]) -> str:
    """Coverage of the 95% interval; the upper limit applies from 12 effective drives on."""
    lines = []
    for fleet, kind, count, name in each_kind(0, DRIVES):
        found, was = outcomes(now, name), outcomes(before, name)
        if not found:
            continue
        share = np.mean([one.covered for one in found])
        effective = np.mean([one.effective for one in found])
        most = COVERAGE[1] if effective >= 12 else 1.0
        fits = judged_by(len(found), COVERAGE[0] <= share <= most)
        old = f"{np.mean([one.covered for one in was]):.1%}" if was else "-"
        shown = f"{old} | {share:.1%} | {fits}"
        lines.append(f"| {fleet} | {kind} | {count} | {effective:.1f} | {len(found)} | {shown} |")
    head = "| fleet | metric | drives | effective | cells | before | now | |"
    low, high = COVERAGE
    text = (
        f"Coverage of the 95% interval, equal networks: at least {low:.1%}, and at most {high:.0%}"
    )
    return f"{text} from 12 effective drives on.\n\n" + rows(head, lines)


def pass_table(now: dict[str, list[object]], before: dict[str, list[object]]) -> str:
    """False PASS: the candidate's true loss is the margin."""
    lines = []
    for fleet, kind, count, name in each_kind(1, DRIVES):
        found, was = outcomes(now, name), outcomes(before, name)
        if not found:
            continue
        hits = sum(one.passed for one in found)
        bound = upper(hits, len(found))
        old = f"{np.mean([one.passed for one in was]):.1%}" if was else "-"
        fits = judged_by(len(found), bound <= BAND_PASS)
        shown = f"{old} | {hits / len(found):.1%} | {bound:.1%} | {fits}"
        lines.append(f"| {fleet} | {kind} | {count} | {len(found)} | {shown} |")
    head = "| fleet | metric | drives | cells | before | now | 99% bound | |"
    text = (
        f"False PASS at a true loss of the margin ({MARGIN}); limit of the bound {BAND_PASS:.0%}."
    )
    return f"{text}\n\n" + rows(head, lines)


def power_table(now: dict[str, list[object]], before: dict[str, list[object]]) -> str:
    """REGRESSED at a loss of two margins, for a single required cell."""
    lines = []
    for fleet, kind, count, name in each_kind(2, POWER_DRIVES):
        found, was = outcomes(now, name), outcomes(before, name)
        if found:
            old = f"{np.mean([one.regressed for one in was]):.1%}" if was else "-"
            share = np.mean([one.regressed for one in found])
            lines.append(f"| {fleet} | {kind} | {count} | {old} | {share:.1%} |")
    head = "| fleet | metric | drives | before | now |"
    return "REGRESSED at a true loss of two margins.\n\n" + rows(head, lines)


def planning_table(now: dict[str, list[object]], before: dict[str, list[object]]) -> str:
    """Undecided cells of equal networks at 20 drives, and at the predicted number of drives."""
    lines = []
    for fleet, kind in itertools.product(FLEETS[:2], KINDS):
        name = f"planned|{fleet.name}|{kind}|0|0"
        shown = []
        for results in (before, now):
            found = [one for call in results.get(name, []) for one in call]
            if found:
                drives, decided = np.array(found).T
                shown.append(f"{np.median(drives):.0f} | {decided.mean():.0%}")
            else:
                shown.append("- | -")
        lines.append(f"| {fleet.name} | {kind} | {' | '.join(shown)} |")
    head = "| fleet | metric | drives predicted, before | decided | now | decided |"
    text = f"Undecided at {PLANNED_AT} drives, equal networks: the median of the predicted totals, "
    return f"{text}and the share decided there (nominally half).\n\n" + rows(head, lines)


def earlier(folder: Path, runs: int, workers: int) -> dict[str, list[object]]:
    """The same study, with the rule of another checkout."""
    command = [sys.executable, str(Path(__file__).resolve()), "--raw"]
    command += ["--runs", str(runs), "--workers", str(workers)]
    env = os.environ | {"PYTHONPATH": str(folder.resolve())}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=folder, env=env)
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2000, help="null runs of each fleet")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--before", type=Path, help="a checkout whose rule is shown beside ours")
    parser.add_argument("--raw", action="store_true", help="print the results as JSON")
    asked = parser.parse_args()
    now = measure(asked.runs, asked.workers)
    if asked.raw:
        json.dump(now, sys.stdout)
        return
    # A comparison needs no bounds, and so fewer runs.
    fewer = max(asked.runs // 4, 1)
    before = earlier(asked.before, fewer, asked.workers) if asked.before else None
    print(report(now, before))


if __name__ == "__main__":
    main()
