"""Synthetic results of data sets, as the evaluations of result files give them.

In images and in space, a network finds a label with a *quality*, which decides the detection's
score and how near the box is to the label. The difficulty of a drive and of a label lowers the
quality of both networks, and each network has an effect of its own on a drive. The candidate's true
loss is a lower quality of all it finds. Tracks are counted directly.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from benchmarks.trust.drawn import Drawn, Rows, Statistics
from benchmarks.trust.fleets import Fleet, chances, effects, labels_of, sizes
from benchmarks.trust.losses import shift_for
from metrics.evaluation.boxes3d.nuscenes import EVALUATION as NUSCENES
from metrics.evaluation.calibration import DETECTIONS, bin_sums
from metrics.evaluation.tracking.hota import ASSOCIATION, TP, hota
from metrics.inference.precision import coco_average_precision
from metrics.tasks.metric import DetectionRows, OfRows
from ridealong.arrays import Bools, Floats, Ints

NDS = next(metric for metric in NUSCENES.metrics if metric.name == "nds")
MISSED = 0.05  # of the labels, by both networks, and as many by each on its own
NO_LABEL = -1
IOUS = np.linspace(0.5, 0.95, 10)
DISTANCES_M = np.array([0.5, 1.0, 2.0, 4.0])
THRESHOLD = 0.5  # of the scores, for counts
RECALL, FALSE = 0.7, 0.15  # of tracked objects
SWITCHED, KEPT = 0.02, 0.85  # share of the found ones with a new identity, and with the right one


@dataclass(frozen=True)
class Found:
    """One network's detections.

    Attributes:
        drive: ``(n,)``.
        label: ``(n,)`` the label near it; `NO_LABEL` if there is none.
        quality: ``(n,)``; 0 without a label.
        score: ``(n,)``.
    """

    drive: Ints
    label: Ints
    quality: Floats
    score: Floats

    @property
    def right(self) -> Bools:
        """``(n,)`` whether there is a label near."""
        return np.asarray(self.label != NO_LABEL)


def found(
    rng: np.random.Generator, fleet: Fleet, drives: int, shift: Floats | float, rate: float
) -> tuple[Ints, list[Found]]:
    """``(D,)`` labels, and the detections of both networks."""
    size = sizes(rng, fleet, drives)
    labels = labels_of(rng, fleet, size, rate)
    drive = np.repeat(np.arange(drives), labels)
    hard = effects(rng, fleet, drives, 0.6)[drive] + rng.normal(0, 0.6, len(drive))
    seen = rng.random(len(drive)) > MISSED
    noise = rate * fleet.share * size * rng.gamma(2, 0.5, drives)
    networks = []
    for worse in (np.zeros(drives), np.broadcast_to(shift, drives)):
        own = effects(rng, fleet, drives, 0.25) - worse
        at = np.flatnonzero(seen & (rng.random(len(drive)) > MISSED))
        quality = hard[at] + own[drive[at]] + rng.normal(0, 0.5, len(at))
        wrong = rng.poisson(noise * rng.gamma(20, 1 / 20, drives))
        networks.append(
            _detections(rng, at, drive[at], quality, np.repeat(np.arange(drives), wrong))
        )
    return labels, networks


def _detections(
    rng: np.random.Generator, label: Ints, drive: Ints, quality: Floats, wrong: Ints
) -> Found:
    """Of these labels, and then of nothing."""
    none = np.zeros(len(wrong))
    logit = np.r_[1.2 + quality, rng.normal(-0.8, 1.0, len(wrong))]
    return Found(
        np.r_[drive, wrong],
        np.r_[label, np.full(len(wrong), NO_LABEL)],
        np.r_[quality, none],
        special.expit(logit),
    )


# --- boxes in images


def boxes2d(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """As COCO's evaluation gives them; ``lost`` is the loss of AP."""
    return shifted_boxes2d(rng, fleet, drives, shift_for(true_ap, fleet, lost), rate)


def shifted_boxes2d(
    rng: np.random.Generator, fleet: Fleet, drives: int, shift: Floats | float, rate: float
) -> Drawn:
    labels, networks = found(rng, fleet, drives, shift, rate)
    rows = [Rows(one.drive, one.score, bits_of(ious(rng, one), IOUS)) for one in networks]
    deployed, candidate = (detection_sums(labels, own, level=0) for own in rows)
    return Drawn(drives, (deployed, candidate), (rows[0], rows[1]))


def ious(rng: np.random.Generator, one: Found) -> Floats:
    """``(n,)`` overlaps with the labels; 0 where there is none near."""
    logit = 1.3 + 0.6 * one.quality + rng.normal(0, 0.6, len(one.quality))
    return np.where(one.right, special.expit(logit), 0.0)


def bits_of(values: Floats, levels: Floats) -> Ints:
    """Bit k: the value reaches the k-th level."""
    return np.asarray((values[:, None] >= levels) @ (1 << np.arange(len(levels))), np.int64)


def detection_sums(labels: Ints, rows: Rows, level: int) -> Statistics:
    """Labels, counts above the threshold, and the sums of calibration, per drive."""
    drives, right = len(labels), rows.hits >> level & 1 == 1
    said = rows.score >= THRESHOLD
    tp, fp, all_ = (
        np.bincount(rows.drive[some], minlength=drives)
        for some in (said & right, said & ~right, np.ones(len(said), np.bool_))
    )
    by_bin = bin_sums(rows.score, right, rows.drive, drives)
    return {"labels": labels, "tp": tp, "fp": fp, "fn": labels - tp, DETECTIONS: all_} | by_bin


# --- boxes in space


def boxes3d(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """As nuScenes' evaluation gives them; ``lost`` is the loss of NDS."""
    return shifted_boxes3d(rng, fleet, drives, shift_for(true_nds, fleet, lost), rate)


def shifted_boxes3d(
    rng: np.random.Generator, fleet: Fleet, drives: int, shift: Floats | float, rate: float
) -> Drawn:
    labels, networks = found(rng, fleet, drives, shift, rate)
    rows = []
    for one in networks:
        away_m = np.where(one.right, spread(rng, 0.5, 0.5 * one.quality), np.inf)
        hits = bits_of(-away_m, -DISTANCES_M)
        rows.append(Rows(one.drive, one.score, hits, true_positive_errors(rng, one, away_m)))
    deployed, candidate = (detection_sums(labels, own, level=2) for own in rows)
    return Drawn(drives, (deployed, candidate), (rows[0], rows[1]))


def spread(rng: np.random.Generator, median: float, better: Floats) -> Floats:
    """Errors: lognormal around the median, smaller with quality."""
    return np.asarray(median * np.exp(rng.normal(0, 0.6, len(better)) - better))


def true_positive_errors(rng: np.random.Generator, one: Found, away_m: Floats) -> Floats:
    """``(n, 5)`` of translation, scale, orientation, velocity and attribute."""
    better = 0.3 * one.quality
    columns = [
        away_m,
        np.minimum(spread(rng, 0.15, better), 1.0),
        np.minimum(spread(rng, 0.2, better), np.pi),
        spread(rng, 0.3, better),
        (rng.random(len(better)) < special.expit(-1.5 - better)).astype(np.float64),
    ]
    return np.where((away_m <= DISTANCES_M[2])[:, None], np.stack(columns, axis=1), np.nan)


# --- tracks


def mota_tracks(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """As the evaluation of tracks gives them; ``lost`` is the loss of MOTA."""
    return tracks(rng, fleet, drives, lost / (1 - SWITCHED), rate)


def idf1_tracks(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """The same; ``lost`` is the loss of IDF1 = 2 r k / (1 + r + f)."""
    idf1 = 2 * RECALL * KEPT / (1 + RECALL + FALSE) - lost
    return tracks(rng, fleet, drives, RECALL - idf1 * (1 + FALSE) / (2 * KEPT - idf1), rate)


def hota_tracks(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """The same; ``lost`` is the loss of HOTA."""
    return tracks(rng, fleet, drives, shift_for(true_hota, fleet, lost), rate)


def tracks(
    rng: np.random.Generator, fleet: Fleet, drives: int, lost: Floats | float, rate: float
) -> Drawn:
    """Counts of CLEAR MOT, of identities and of HOTA; ``lost`` is the loss of recall."""
    size = sizes(rng, fleet, drives)
    labels = labels_of(rng, fleet, size, rate)
    kept = chances(rng, fleet, drives, 0.0, KEPT)
    recall = chances(rng, fleet, drives, lost, RECALL)
    wrong = FALSE * rate * fleet.share * size * rng.gamma(3, 1 / 3, drives)
    sums = []
    for network in range(2):
        tp = rng.binomial(labels, recall[network])
        fp = rng.poisson(wrong * rng.gamma(20, 1 / 20, drives))
        idtp = rng.binomial(tp, kept[network])
        counts: dict[str, Floats | Ints] = {"labels": labels, "tp": tp, "fp": fp, "fn": labels - tp}
        counts["idsw"] = rng.binomial(tp, np.minimum(SWITCHED * rng.gamma(2, 0.5, drives), 1.0))
        counts |= {"idtp": idtp, "idfn": labels - idtp, "idfp": tp + fp - idtp}
        sums.append(counts | hota_sums(rng, tp, fp, kept[network]))
    return Drawn(drives, (sums[0], sums[1]))


def hota_sums(
    rng: np.random.Generator, tp: Ints, fp: Ints, kept: Floats
) -> dict[str, Floats | Ints]:
    """At each of HOTA's thresholds: fewer matches and worse association than at the one before."""
    near = rng.beta(20, 1, len(kept))
    sums: dict[str, Floats | Ints] = {"results": tp + fp, "iou": tp * near}
    for step, names in enumerate(zip(TP, ASSOCIATION, strict=True)):
        matched = rng.binomial(tp, near**step)
        sums |= dict(zip(names, (matched, matched * kept), strict=True))
    return sums


# --- true values, over so many drives that their spread does not matter

MANY = 5_000


def true_ap(fleet: Fleet, shift: float) -> float:
    """The candidate's AP."""
    drawn = shifted_boxes2d(np.random.default_rng(0), fleet, MANY, shift, fleet.labels)
    assert drawn.rows
    rows, labels = drawn.rows[1], int(drawn.sums[1]["labels"].sum())
    levels = [rows.hits >> level & 1 == 1 for level in range(len(IOUS))]
    return float(np.mean([coco_average_precision(rows.score, hit, labels) for hit in levels]))


def true_hota(fleet: Fleet, lost: float) -> float:
    """The candidate's HOTA at that loss of recall."""
    sums = tracks(np.random.default_rng(0), fleet, MANY, lost, fleet.labels).sums[1]
    return float(hota({name: values.sum() for name, values in sums.items()}))


def true_nds(fleet: Fleet, shift: float) -> float:
    """The candidate's NDS."""
    drawn = shifted_boxes3d(np.random.default_rng(0), fleet, MANY, shift, fleet.labels)
    assert drawn.rows and isinstance(NDS.figure, OfRows)
    rows, labels = drawn.rows[1], drawn.sums[1]["labels"].sum(keepdims=True)
    best = np.argsort(-rows.score)
    none, errors = np.zeros(len(best), np.int64), rows.errors
    assert errors is not None
    found = DetectionRows(rows.score[best], rows.hits[best], none, errors[best])
    keep = np.ones((1, len(best)), np.bool_)
    return float(NDS.figure.value(found, keep, labels.astype(np.float64))[0])
