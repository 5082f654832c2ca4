"""Which clips are the most useful to label.

A clip has four figures:

- ``loss``: its share of the run's loss (`shadow.losses`).
- ``disagreement``: the mean of the metric disagreement over the run's predictions.
- ``uncertainty``: the mean of 4·s·(1-s) over the scores s of the candidate's outputs; 1 at s = 0.5.
- ``rarity``: the mean of -log2 p over its triggers and conditions, where p is the part of the
  lake's clips that have the same.

Each figure becomes a rank from 0 to 1 among the clips that are considered; equal figures share a
rank, and an unknown figure counts as the lowest. A clip's worth is the mean of its four ranks.
So the worths of clips are comparable if the same clips were considered: all those of the run.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from metrics.schemas import SCORES
from metrics.tasks.registry import lookup, parse_prediction
from ridealong.arrays import Floats
from ridealong.lake import Snapshot
from shadow.keys import outputs_in
from shadow.losses import EVERY_CELL, CellNames, clip_losses, losing_cells
from shadow.report import run_cells
from shadow.schemas import OUTPUTS
from shadow.scores import query_of

_CONDITIONS = ("weather", "light", "road", "country")

Clip = Mapping[str, Any]  # a row of `ingest.listing.list_clips`


@dataclass(frozen=True)
class Ranked:
    """A clip with its worth and its figures; a figure is None if it is unknown."""

    clip: Clip
    worth: float
    figures: Mapping[str, float | None]


def ranked(
    snapshot: Snapshot,
    run: Mapping[str, Any],
    clips: Sequence[Clip],
    every: Sequence[Clip],
    names: CellNames = EVERY_CELL,
) -> list[Ranked]:
    """Clips by their worth, the most first.

    Args:
        snapshot: The lake.
        run: The run whose loss, disagreement and outputs count.
        clips: The clips.
        every: All clips of the lake, for rarity.
        names: The checks whose loss counts.

    Raises:
        RidealongError: No check has such a name, or stored scores contradict themselves.
    """
    figures: dict[str, Mapping[str, float]] = {
        "loss": _losses(snapshot, run, names),
        "disagreement": _disagreement(snapshot, run),
        "uncertainty": _uncertainty(snapshot, run),
        "rarity": rarity(every),
    }
    ids = [clip["clip_id"] for clip in clips]
    ranks = np.array([_ranks([known.get(one) for one in ids]) for known in figures.values()])
    worth = ranks.mean(axis=0).tolist() if ids else []
    found = [
        Ranked(clip, value, {name: known.get(clip["clip_id"]) for name, known in figures.items()})
        for clip, value in zip(clips, worth, strict=True)
    ]
    return sorted(found, key=lambda one: (-one.worth, one.clip["clip_id"]))


def _ranks(values: Sequence[float | None]) -> list[float]:
    """Ranks from 0 to 1; those of equal values are their mean."""
    known = [-math.inf if value is None else value for value in values]
    if len(set(known)) < 2:
        return [0.0] * len(known)
    ranks: list[float] = ((rankdata(known) - 1) / (len(known) - 1)).tolist()
    return ranks


def _losses(snapshot: Snapshot, run: Mapping[str, Any], names: CellNames) -> dict[str, float]:
    cells = losing_cells(run_cells(snapshot, run["run_id"]), names)
    return {clip: loss.share for clip, loss in clip_losses(snapshot, dict(run), cells).items()}


def _disagreement(snapshot: Snapshot, run: Mapping[str, Any]) -> dict[str, float]:
    rows = query_of(run).rows(snapshot, SCORES, "metric = 'disagreement'").to_pylist()
    sums: dict[tuple[str, str], dict[str, Floats]] = {}
    for row in rows:
        if row["network_sha256"] == run["candidate_sha256"]:
            key = row["clip_id"], row["prediction"]
            sums.setdefault(key, {})[row["statistic"]] = np.array(row["value"])
    values: dict[str, list[float]] = {}
    for (clip, name), known in sums.items():
        value = float(lookup(parse_prediction(name).task, "disagreement").value(known))
        if math.isfinite(value):
            values.setdefault(clip, []).append(value)
    return {clip: sum(found) / len(found) for clip, found in values.items()}


def _uncertainty(snapshot: Snapshot, run: Mapping[str, Any]) -> dict[str, float]:
    rows = snapshot.query(
        """select clip_id, avg(4 * score * (1 - score)) as value from outputs
        where network_sha256 = ? and definition = ? and score is not null group by clip_id""",
        OUTPUTS,
        params=[run["candidate_sha256"], outputs_in(run["definition"])],
    ).to_pylist()
    return {row["clip_id"]: row["value"] for row in rows}


def rarity(clips: Sequence[Clip]) -> dict[str, float]:
    """By clip, how rare its triggers and conditions are among these clips, in bits."""
    times = Counter(feature for clip in clips for feature in _features(clip))
    bits = {feature: -math.log2(count / len(clips)) for feature, count in times.items()}
    found = {}
    for clip in clips:
        mine = [bits[feature] for feature in _features(clip)]
        found[clip["clip_id"]] = sum(mine) / len(mine) if mine else 0.0
    return found


def _features(clip: Clip) -> Iterator[tuple[str, str]]:
    for trigger in dict.fromkeys(clip["triggers"] or ()):
        yield "trigger", trigger
    for name in _CONDITIONS:
        if clip[name] is not None:
            yield name, clip[name]
