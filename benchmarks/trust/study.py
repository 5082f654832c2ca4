"""The study: its tasks, and their results by subject."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from typing import Any

import pyarrow as pa

from benchmarks.trust import cells, null_runs, planted, rivals
from benchmarks.trust.data_sets import COCO, DATA_SETS, NUSCENES, TRACKS
from benchmarks.trust.fleets import (
    DEMO,
    EVEN,
    FLEETS,
    RARE,
    SKEWED,
    UNEVEN,
    VERY_UNEVEN,
    Fleet,
)
from benchmarks.trust.kinds import CELLS, KINDS

SEED = 20261128
REPLAYED_FLEETS = (EVEN, UNEVEN, VERY_UNEVEN, RARE, DEMO)
DATA_SET_FLEETS = (EVEN, UNEVEN, VERY_UNEVEN, SKEWED)
REPLAYED_KINDS = ("f1", "iou", "ap50")
DATA_SET_KINDS = ("ap", "mota", "idf1", "hota", "nds")
DRIVES = (8, 12, 20, 40, 80)
POWER_DRIVES = (10, 20, 40, 80)
RUNS = 2000  # null runs of each fleet; all other numbers follow from it


@dataclass(frozen=True)
class Subject:
    """What is measured, on which fleet.

    Attributes:
        what: One of `MEASURES`.
        fleet: The fleet's name.
        of: The kind of cell or of data set, if there are several.
        drives: Their number, if it is chosen.
        lost: The true loss, in margins.
    """

    what: str
    fleet: str
    of: str = ""
    drives: int = 0
    lost: int = 0


Seed = tuple[int, ...]
Measure = Callable[[Subject, Fleet, Seed], Any]

MEASURES: dict[str, Measure] = {
    "replayed null": lambda of, fleet, seed: null_runs.replayed_run(fleet, seed),
    "data set null": lambda of, fleet, seed: null_runs.data_set_run(DATA_SETS[of.of], fleet, seed),
    "cells": lambda of, fleet, seed: cells.outcomes(
        fleet, KINDS[of.of], of.drives, of.lost * cells.MARGIN, seed
    ),
    "planted": lambda of, fleet, seed: planted.named(DATA_SETS[of.of], fleet, of.drives, seed),
    "planted as planned": lambda of, fleet, seed: planted.named_as_planned(
        DATA_SETS[of.of], fleet, seed
    ),
    "rivals": lambda of, fleet, seed: rivals.verdicts(fleet, seed),
}


@dataclass(frozen=True)
class Task:
    """One call for a worker."""

    subject: Subject
    run: int

    def work(self) -> Any:
        """Its result; the seed depends on all of it."""
        of = self.subject
        numbers = (list(MEASURES).index(of.what), list(FLEETS).index(of.fleet))
        text = int.from_bytes(of.of.encode(), "big")
        seed = (SEED, *numbers, text, of.drives, of.lost, self.run)
        return MEASURES[of.what](of, FLEETS[of.fleet], seed)


def tasks(runs: int) -> Iterator[Task]:
    """All tasks: ``runs`` null runs of each fleet, and in proportion all else."""
    for subject, share in subjects():
        for run in range(max(round(runs * share), 1)):
            yield Task(subject, run)


def subjects() -> Iterator[tuple[Subject, float]]:
    """Every subject, and how often it is measured for each null run."""
    for fleet in REPLAYED_FLEETS:
        yield Subject("replayed null", fleet.name), 1
    for fleet, data_set in product((UNEVEN, SKEWED), (COCO, TRACKS)):
        # Tracks reach their whole level of 5%, so only many runs bound it below the limit.
        yield Subject("data set null", fleet.name, data_set.name), 3 if data_set is TRACKS else 1
    yield Subject("data set null", VERY_UNEVEN.name, TRACKS.name), 1
    yield Subject("data set null", SKEWED.name, NUSCENES.name), 1
    yield from _cells(REPLAYED_FLEETS[:4], REPLAYED_KINDS, 1.5 / CELLS)
    yield from _cells(DATA_SET_FLEETS, ("ap",), 1 / CELLS)
    yield from _cells(DATA_SET_FLEETS, ("mota", "idf1", "hota"), 1.5 / CELLS)
    yield from _cells((UNEVEN, SKEWED), ("nds",), 1 / CELLS, DRIVES[:-1])
    for fleet, data_set in product((UNEVEN, SKEWED), (COCO, TRACKS)):
        for drives in planted.AT:
            yield Subject("planted", fleet.name, data_set.name, drives), 0.05
        yield Subject("planted as planned", fleet.name, data_set.name), 0.05
    for fleet in DATA_SET_FLEETS:
        yield Subject("rivals", fleet.name), 0.1


def _cells(
    fleets: Sequence[Fleet], kinds: Sequence[str], share: float, drives: Sequence[int] = DRIVES
) -> Iterator[tuple[Subject, float]]:
    for fleet, kind in product(fleets, kinds):
        for count, lost in product(drives, (0, 1)):
            # Few fleets of so few drives have 8 with labels of a rare class.
            often = 4 if fleet is RARE and count == 12 else 1
            yield Subject("cells", fleet.name, kind, count, lost), share * often
        if fleet in (EVEN, UNEVEN):
            for count in POWER_DRIVES:
                yield Subject("cells", fleet.name, kind, count, 2), share / 2


Results = dict[Subject, list[Any]]


def measure(runs: int, workers: int, only: Iterable[str]) -> Results:
    """The results of all tasks, by subject; ``only`` some of `MEASURES`, if any are named."""
    wanted = set(only) or set(MEASURES)
    todo = [task for task in tasks(runs) if task.subject.what in wanted]
    results: Results = {}
    start = time.monotonic()
    with ProcessPoolExecutor(workers, get_context("spawn"), pa.set_cpu_count, (1,)) as pool:
        for done, (task, result) in enumerate(
            zip(todo, pool.map(Task.work, todo, chunksize=4), strict=True)
        ):
            results.setdefault(task.subject, []).append(result)
            if done % 200 == 0:
                spent = time.monotonic() - start
                print(f"trust: {done}/{len(todo)} ({spent:.0f} s)", file=sys.stderr, flush=True)
    return results
