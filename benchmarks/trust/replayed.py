"""Synthetic scores of replayed networks, such as the shipped gate judges."""

import re

import numpy as np
from scipy import stats

from benchmarks.trust.drawn import Drawn, Rows
from benchmarks.trust.fleets import Fleet, chances, effects, labels_of, sizes
from benchmarks.trust.losses import shift_for
from metrics.inference.precision import coco_average_precision
from ridealong.arrays import Floats

RECALL, FALSE, IOU = 0.7, 0.3, 0.7


def counts(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """Of detections; ``lost`` is the loss of F1."""
    size = sizes(rng, fleet, drives)
    labels = labels_of(rng, fleet, size, rate)
    f1 = 2 * RECALL / (1 + RECALL + FALSE) - lost
    recall = f1 * (1 + FALSE) / (2 - f1)
    found = []
    for chance in chances(rng, fleet, drives, RECALL - recall, RECALL):
        tp = rng.binomial(labels, chance)
        noise = FALSE * rate * fleet.share * size * rng.gamma(3, 1 / 3, drives)
        found.append({"tp": tp, "fp": rng.poisson(noise), "fn": labels - tp})
    return Drawn(drives, (found[0], found[1]))


def areas(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """Of pixels; ``lost`` is the loss of IoU. Areas do not depend on the rate of labels."""
    union = np.ceil(4000 * sizes(rng, fleet, drives) * rng.uniform(1, 1.2, drives))
    deployed, candidate = (
        {"intersection": np.round(union * chance), "union": union}
        for chance in chances(rng, fleet, drives, lost, IOU)
    )
    return Drawn(drives, (deployed, candidate))


def detections(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """Scored rows and labels; ``lost`` is the loss of AP50."""
    return shifted(rng, fleet, drives, shift_for(true_ap50, fleet, lost), rate)


def shifted(
    rng: np.random.Generator, fleet: Fleet, drives: int, shift: Floats | float, rate: float
) -> Drawn:
    """As `detections`, with the scores of the candidate's matches lower by ``shift``."""
    size = sizes(rng, fleet, drives)
    labels = labels_of(rng, fleet, size, rate)
    hard, noise = effects(rng, fleet, drives, 0.6), rng.gamma(2, 0.5, drives)
    lower = (np.zeros(drives), np.broadcast_to(shift, drives))
    rows = []
    for own in lower:
        better = hard + effects(rng, fleet, drives, 0.4) - own
        at = np.repeat(np.arange(drives), labels)
        at = at[rng.random(len(at)) < 0.85]
        right = rng.normal(1.6 + better[at], 1.0)
        wrong = rng.poisson(rate * fleet.share * size * noise * rng.gamma(4, 0.25, drives))
        off = np.repeat(np.arange(drives), wrong)
        score = stats.norm.cdf(np.r_[right, rng.normal(0, 1, len(off))] / 2)
        rows.append(Rows(np.r_[at, off], score, (np.arange(len(score)) < len(right)) * 1))
    return Drawn(drives, ({"labels": labels}, {"labels": labels}), (rows[0], rows[1]))


def true_ap50(fleet: Fleet, shift: float) -> float:
    """The candidate's AP50 over so many drives that their spread does not matter."""
    drawn = shifted(np.random.default_rng(0), fleet, 20_000, shift, fleet.labels)
    assert drawn.rows
    rows, labels = drawn.rows[1], int(drawn.sums[1]["labels"].sum())
    return coco_average_precision(rows.score, rows.hits > 0, labels)


def errors(rng: np.random.Generator, fleet: Fleet, drives: int) -> Drawn:
    """Of depths, without a loss."""
    pixels = np.ceil(4000 * sizes(rng, fleet, drives))
    deployed, candidate = (
        {"relative_error": pixels * (1 - chance) / 2, "pixels": pixels}
        for chance in chances(rng, fleet, drives, 0.0, 0.8)
    )
    return Drawn(drives, (deployed, candidate))


def shares(
    rng: np.random.Generator, fleet: Fleet, drives: int, rate: float, mean: float, names: str
) -> Drawn:
    """Rare events among what is reported, such as flicker; each network reports other things.

    Args:
        names: The statistics of the events and of what is reported, with a space between.
    """
    size = sizes(rng, fleet, drives)
    reported = [labels_of(rng, fleet, size, rate) for _ in range(2)]
    pairs = zip(reported, chances(rng, fleet, drives, 0.0, mean), strict=True)
    events = [(rng.binomial(all_, chance), all_) for all_, chance in pairs]
    deployed, candidate = (dict(zip(names.split(), pair, strict=True)) for pair in events)
    return Drawn(drives, (deployed, candidate))


def all_metrics(
    rng: np.random.Generator, fleet: Fleet, name: str, rarity: float
) -> dict[str, Drawn]:
    """All that the shipped gate judges in one prediction, by metric; the networks are equal."""
    drives, task = fleet.drives, re.split("[/@]", name, maxsplit=1)[0]
    rate = fleet.labels * rarity
    drawn = {}
    if task in ("objects", "lights", "lanes"):
        drawn["f1"] = counts(rng, fleet, drives, 0.0, rate)
    if task == "objects":
        drawn["ap50"] = shifted(rng, fleet, drives, 0.0, rate)
    if task in ("objects", "lights"):
        drawn["flicker"] = shares(rng, fleet, drives, rate, 0.15, "flickers said")
    if name.startswith("lights/red"):
        drawn["red_as_green"] = shares(rng, fleet, drives, rate, 0.05, "red_as_green red")
    if task in ("segmentation", "bev"):
        drawn["iou"] = areas(rng, fleet, drives, 0.0, rate)
    if task == "depth":
        drawn["abs_rel"] = errors(rng, fleet, drives)
    return drawn
