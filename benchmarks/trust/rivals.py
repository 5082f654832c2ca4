"""False alarms of others' rules: resampled frames, and hotcoco's ``compare``.

One class of a COCO data set, two equal networks. A drive has many frames, which share its
difficulty and each network's effect on it. Each rule gets one question at a level of 5%: is the
candidate's AP worse?

- *Ours*: the p-value of the cell is at most 5%.
- *Frame bootstrap*: frames are drawn with replacement, as if they were independent. The difference
  is below zero in at least 95% of the samples.
- *hotcoco*: ``compare`` resamples the images of the same files. The upper end of its two-sided 90%
  interval is below zero.
"""

from dataclasses import dataclass

import hotcoco
import numpy as np
from numpy.typing import NDArray

from benchmarks.trust.cells import gate_of, judged
from benchmarks.trust.drawn import Drawn, Rows
from benchmarks.trust.evaluated import IOUS, bits_of, detection_sums, found, ious
from benchmarks.trust.fleets import Fleet
from benchmarks.trust.kinds import KINDS
from ridealong.arrays import Bools, Floats, Ints

SAMPLES = 200
LEVEL = 0.05
CATEGORY = "car"
PER_FRAME = 4  # labels, about
SIZE, APART = 50.0, 200.0  # of boxes, pixels


@dataclass(frozen=True)
class Verdicts:
    """Whether each rule calls the candidate worse."""

    ours: bool
    frames: bool
    hotcoco: bool


@dataclass(frozen=True)
class Boxes:
    """Labels, or one network's detections.

    Attributes:
        frame: ``(n,)``.
        xywh: ``(n, 4)`` pixels.
        score: ``(n,)``; 1 for labels.
        overlap: ``(n,)`` the overlap with a label.
        drive: ``(n,)``.
    """

    frame: Ints
    xywh: Floats
    score: Floats
    overlap: Floats
    drive: Ints


@dataclass(frozen=True)
class Images:
    """A data set: frames, labels, and the detections of both networks."""

    frames: int
    drives: int
    labels: Boxes
    networks: tuple[Boxes, Boxes]


def verdicts(fleet: Fleet, seed: tuple[int, ...]) -> Verdicts:
    """Of each rule, on one data set."""
    rng = np.random.default_rng(seed)
    images = draw(rng, fleet)
    return Verdicts(ours(images), frame_bootstrap(rng, images), by_hotcoco(images, seed[-1]))


def draw(rng: np.random.Generator, fleet: Fleet) -> Images:
    """Two equal networks."""
    labels, networks = found(rng, fleet, fleet.drives, 0.0, fleet.labels)
    frames = 1 + labels // PER_FRAME
    first = np.cumsum(frames) - frames
    drive = np.repeat(np.arange(fleet.drives), labels)
    frame = first[drive] + rng.integers(0, frames[drive])
    place = np.arange(len(drive)) * APART
    truth = Boxes(frame, _boxes(place, 0.0), np.ones(len(drive)), np.ones(len(drive)), drive)
    sides = []
    for one in networks:
        overlap = ious(rng, one)
        at = np.where(one.right, one.label, 0)
        own = first[one.drive] + rng.integers(0, frames[one.drive])
        # Sideways by so much that it overlaps with its label as it should, or far below all labels.
        aside = SIZE * (1 - overlap) / (1 + overlap)
        xywh = np.where(
            one.right[:, None],
            _boxes(place[at] + aside, 0.0),
            _boxes(np.arange(len(own)) * APART, 2 * SIZE),
        )
        sides.append(
            Boxes(np.where(one.right, frame[at], own), xywh, one.score, overlap, one.drive)
        )
    return Images(int(frames.sum()), fleet.drives, truth, (sides[0], sides[1]))


def _boxes(left: NDArray[np.floating], top: float) -> Floats:
    return np.column_stack([left, np.full(len(left), top), *np.full((2, len(left)), SIZE)])


def ours(images: Images) -> bool:
    labels = np.bincount(images.labels.drive, minlength=images.drives)
    rows = [Rows(one.drive, one.score, bits_of(one.overlap, IOUS)) for one in images.networks]
    sums = [detection_sums(labels, one, level=0) for one in rows]
    drawn = Drawn(images.drives, (sums[0], sums[1]), (rows[0], rows[1]))
    kind, name = KINDS["ap"], KINDS["ap"].predictions[0]
    p = judged(kind, {name: drawn}, gate_of(kind, [name]))[name]["p_value"]
    return p is not None and p <= LEVEL


def frame_bootstrap(rng: np.random.Generator, images: Images) -> bool:
    weights = rng.multinomial(images.frames, np.full(images.frames, 1 / images.frames), SAMPLES)
    labels = weights[:, images.labels.frame].sum(axis=1)
    deployed, candidate = (_average_precisions(one, weights, labels) for one in images.networks)
    return bool(np.mean(candidate - deployed < 0) >= 1 - LEVEL)


def _average_precisions(one: Boxes, weights: Ints, labels: Ints) -> Floats:
    """``(S,)`` the mean over all levels, with weighted frames."""
    order = np.argsort(-one.score)
    weight = weights[:, one.frame[order]]
    return np.asarray(
        np.mean([_area(weight, one.overlap[order] >= iou, labels) for iou in IOUS], axis=0)
    )


def _area(weight: Ints, hit: Bools, labels: Ints) -> Floats:
    """``(S,)`` areas below the monotone precision-recall curve; ``weight`` is ``(S, n)``."""
    right = weight * hit
    precision = np.cumsum(right, axis=1) / np.maximum(np.cumsum(weight, axis=1), 1)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((right * envelope).sum(axis=1) / labels)


def by_hotcoco(images: Images, seed: int) -> bool:
    deployed, candidate = evaluations(images)
    found = hotcoco.compare(
        deployed, candidate, n_bootstrap=SAMPLES, seed=seed, confidence=1 - 2 * LEVEL
    )
    return bool(found["ci"]["AP"]["upper"] < 0)


def evaluations(images: Images) -> list[hotcoco.COCOeval]:
    """hotcoco's evaluations of both networks."""
    files = [{"id": index + 1, "width": 10_000, "height": 200} for index in range(images.frames)]
    truth = hotcoco.COCO.from_arrays(
        files,
        [{"id": 1, "name": CATEGORY}],
        images.labels.frame + 1,
        np.ones(len(images.labels.frame), np.int64),
        images.labels.xywh,
    )
    made = []
    for one in images.networks:
        rows = np.column_stack([one.frame + 1, one.xywh, one.score, np.ones(len(one.frame))])
        evaluation = hotcoco.COCOeval(truth, truth.load_res(rows), "bbox")
        evaluation.evaluate()
        made.append(evaluation)
    return made
