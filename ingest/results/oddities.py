"""Oddities of result files that are counted and reported, and do not stop the work."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.results.repeats import repeated
from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import Boxes2D, Note, Role

EXAMPLES = 5
FAR_BEYOND = 1.1  # times the image's width or height
MOST_NORMALISED, LEAST_PIXELS = 2.0, 20.0  # how far normalised boxes reach, and those in pixels
FEWEST_NORMALISED = 10  # boxes that say that all are


def note(
    kind: str, whose: Role, count: int, text: str, names: Iterable[Hashable] = ()
) -> list[Note]:
    """One note with the first few names; none if nothing was counted."""
    if not count:
        return []
    examples = [name for name, _ in zip(names, range(EXAMPLES), strict=False)]
    return [Note(kind, whose, int(count), text, tuple(map(named, examples)))]


def named(key: Hashable) -> str:
    """A key of a frame or a class in a message."""
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)


def require_any(
    noun: str, theirs: Iterable[Hashable], ours: Collection[Hashable], path: Path
) -> None:
    """Refuse a file that names frames or classes, and none of the ground truth's.

    Its numbering or spelling is another one, and scoring it would mean that nothing was found.

    Raises:
        RidealongError: There is none.
    """
    first = next(iter(theirs), None)
    if first is not None and not any(key in ours for key in theirs):
        raise RidealongError(
            f"has no {noun} of the ground truth; its first is {first!r:.60}",
            where=path,
            expected=f"one like {next(iter(ours))!r:.60}",
        )


def require_pixels(boxes: Boxes2D, labels: Boxes2D, path: Path) -> None:
    """Refuse normalised boxes (0 to 1) where the ground truth has pixels.

    Neither of two networks would find anything, and that is no loss.

    Raises:
        RidealongError: Many boxes have a place and a size, and none reaches beyond pixel 2.
    """
    own, theirs = (_ends(one.xywh) for one in (boxes, labels))
    if len(own) < FEWEST_NORMALISED or not len(theirs):
        return
    if own.max() <= MOST_NORMALISED < LEAST_PIXELS <= theirs.max():
        raise RidealongError(
            f"the boxes look normalised: none reaches beyond pixel {own.max():g}",
            where=path,
            expected="pixels, as in the ground truth",
            hint="multiply x and width by the image's width, y and height by its height",
        )


def _ends(xywh: Floats) -> Floats:
    """``(N, 2)`` right and lower edges of the boxes ``(M, 4)`` that are in the image."""
    ends = xywh[:, :2] + xywh[:, 2:]
    found: Floats = ends[((xywh[:, 2:] > 0) & (ends > 0) & np.isfinite(ends)).all(axis=1)]
    return found


def unknown_frames(whose: Role, names: Sequence[Hashable], frame: Ints) -> list[Note]:
    """Frames that the ground truth does not list; ``frame`` is -1 for their boxes."""
    lost = int((frame < 0).sum())
    text = f"frames are not in the ground truth; boxes not scored: {lost:,}"
    if whose == "truth":
        text = f"frames with labels are not listed; labels left out: {lost:,}"
    return note("unknown-frames", whose, len(names), text, names)


def unknown_categories(
    whose: Role, names: Sequence[Hashable], known: Mapping[Hashable, int], code: Ints
) -> list[Note]:
    """Boxes of classes that the ground truth does not list, by ``code``, an index into the names.

    A name of None stands for boxes without a class.
    """
    counts = np.bincount(code, minlength=len(names))
    strange = [at for at, name in enumerate(names) if name not in known]
    lost = int(counts[strange].sum())
    listed = [names[at] if names[at] is not None else "no class" for at in strange]
    text = "boxes have classes that the ground truth does not have; not scored"
    if whose == "truth":
        text = "labels have classes that are not listed; left out"
    return note("unknown-classes", whose, lost, text, listed)


def frames_without_results(whose: Role, names: pa.Array, has: Bools) -> list[Note]:
    """Frames of the ground truth that the file does not mention; ``has`` says which it does."""
    without = np.flatnonzero(~has)
    text = "frames of the ground truth have no results; nothing was found there"
    return note("frames-without-results", whose, len(without), text, _first(without, names))


RESULTS_SO = {
    "boxes-without-size": "boxes have no width or no height; counted as false positives",
    "boxes-outside": "boxes are outside of the image; counted as false positives",
    "boxes-repeated": "boxes are exact duplicates of another box; counted as false positives",
}
TRUTH_SO = {
    "boxes-without-size": "labels have no width or no height; impossible to find",
    "boxes-outside": "labels are outside of the image; counted like any other",
    "boxes-repeated": "labels are exact duplicates of another label; each counts",
}


def oddities_of(boxes: Boxes2D, size: Floats, names: pa.Array, whose: Role) -> list[Note]:
    """Boxes without a size, outside of the image, or more than once.

    Args:
        boxes: The boxes.
        size: ``(F, 2)`` width and height of the frames in pixels; NaN where unknown.
        names: ``(F,)`` the names of the frames.
        whose: Their file.
    """
    flat = ~(boxes.xywh[:, 2:] > 0).all(axis=1)
    beyond = np.zeros(len(boxes), np.bool_)
    for side in (0, 1):
        low, extent = boxes.xywh[:, side], boxes.xywh[:, 2 + side]
        beyond |= (low + extent <= 0) | (low >= size[boxes.frame, side])
    beyond &= ~flat
    again = repeated(boxes.frame, boxes.category, *boxes.xywh.T, boxes.score)
    found = (flat, beyond, again)
    texts = TRUTH_SO if whose == "truth" else RESULTS_SO
    return [
        one
        for (kind, text), which in zip(texts.items(), found, strict=True)
        for one in note(kind, whose, which.sum(), text, _first(boxes.frame[which], names))
    ]


def boxes_too_large(boxes: Boxes2D, size: Floats, names: pa.Array, whose: Role) -> list[Note]:
    """Boxes that end far beyond their image, if most do: they may have corners, not a size.

    Args:
        boxes: The boxes.
        size: ``(F, 2)`` width and height of the frames in pixels; NaN where unknown.
        names: ``(F,)`` the names of the frames.
        whose: Their file.
    """
    ends = boxes.xywh[:, :2] + boxes.xywh[:, 2:]
    which = (ends > FAR_BEYOND * size[boxes.frame]).any(axis=1)
    if which.sum() <= len(boxes) / 2:
        return []
    text = "boxes have edges far beyond the image; check their format and resolution"
    return note("boxes-too-large", whose, which.sum(), text, _first(boxes.frame[which], names))


def scores_beyond(boxes: Boxes2D, names: pa.Array, whose: Role) -> list[Note]:
    """Scores that cannot be probabilities."""
    which = (boxes.score < 0) | (boxes.score > 1)  # tracks may have none
    text = "scores are not between 0 and 1; calibration is left out"
    return note("scores-beyond", whose, which.sum(), text, _first(boxes.frame[which], names))


def _first(frame: Ints, names: pa.Array) -> list[str]:
    """The names of the first few frames."""
    first = list(dict.fromkeys(frame[: 100 * EXAMPLES].tolist()))[:EXAMPLES]
    taken: list[str] = names.take(pa.array(first, pa.int64())).to_pylist()
    return taken
