"""What the readers of boxes in space share: headings, boxes that cannot be used, and notes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ingest.results.repeats import repeated
from ridealong.arrays import Bools, Floats, Ints
from ridealong.perception.result_files import NO_TRACK, Boxes3D, Note, Role

EXAMPLES = 3  # names in a note
LARGEST_M = 1e7  # no coordinate on a map, and no size, is larger
NORM_TOLERANCE = 1e-2  # of a quaternion that was written with few digits


@dataclass(frozen=True)
class RawBoxes:
    """N boxes as a file has them.

    Attributes:
        frame: ``(N,)`` index into the frames.
        category: ``(N,)`` index into the categories.
        center_m: ``(N, 3)``.
        size_lwh_m: ``(N, 3)``.
        rotation: ``(N, 4)`` quaternion w, x, y, z of any length; or ``(N, 1)`` yaw in radians.
        velocity_mps: ``(N, 2)``.
        attribute: ``(N,)``.
        score: ``(N,)``.
        range_m: ``(N,)`` horizontal distance from the ego vehicle.
        ignored: ``(N,)``.
    """

    frame: Ints
    category: Ints
    center_m: Floats
    size_lwh_m: Floats
    rotation: Floats
    velocity_mps: Floats
    attribute: Ints
    score: Floats
    range_m: Floats
    ignored: Bools

    def boxes(self) -> Boxes3D:
        """The same boxes with their headings."""
        same = {
            name: getattr(self, name)
            for name in (
                "frame", "category", "center_m", "size_lwh_m", "velocity_mps", "attribute",
                "score", "range_m", "ignored",
            )
        }  # fmt: skip
        track = np.broadcast_to(np.int64(NO_TRACK), len(self.frame))
        return Boxes3D(**same, yaw_rad=yaws(self.rotation), track=track)


def yaws(rotation: Floats) -> Floats:
    """``(N,)`` heading in the plane, counter-clockwise from x, in radians.

    Args:
        rotation: ``(N, 4)`` quaternions w, x, y, z of any length, or ``(N, 1)`` the yaw itself.
    """
    if rotation.shape[1] == 1:
        only: Floats = rotation[:, 0]
        return only
    w, x, y, z = rotation.T
    return np.asarray(np.arctan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z))


def usable_results(raw: RawBoxes, whose: Role, names: Sequence[str]) -> tuple[Boxes3D, list[Note]]:
    """A network's boxes, and what is odd about them.

    A box without a place or a size in the world is kept as an error: it has no centre, so it finds
    nothing. A box whose score is not a finite number is left out, because it has no rank.

    Args:
        raw: N boxes.
        whose: The file.
        names: Names of the frames, for examples.
    """
    shapes = unshaped(raw)
    ranked = np.isfinite(raw.score)
    notes = [
        note(
            "boxes-without-shape", whose, shapes, raw, names,
            "boxes have no finite place, size above 0 or heading; counted as false detections",
        ),
        note(
            "scores-not-finite", whose, ~ranked, raw, names,
            "boxes have a score that is not a finite number; left out",
        ),
        note(
            "scores-not-probabilities", whose, ranked & ((raw.score < 0) | (raw.score > 1)), raw,
            names, "scores are not from 0 to 1; used unchanged",
        ),
        note(
            "quaternions-not-normalised", whose, long_quaternions(raw.rotation) & ~shapes, raw,
            names, "rotations are not unit quaternions; normalised",
        ),
        note(
            "duplicate-rows", whose, duplicates(raw), raw, names,
            "boxes are in the file more than once; each one after the first counts as another box",
        ),
    ]  # fmt: skip
    return chosen(_without_place(raw, shapes), ranked).boxes(), [n for n in notes if n is not None]


def _without_place(raw: RawBoxes, which: Bools) -> RawBoxes:
    """The boxes, with those at no place and of an arbitrary size."""
    if not which.any():
        return raw
    return replace(
        raw,
        center_m=np.where(which[:, None], np.nan, raw.center_m),
        size_lwh_m=np.where(which[:, None], 1.0, raw.size_lwh_m),
        rotation=np.where(which[:, None], 0.0, raw.rotation),
        range_m=np.where(which, np.nan, raw.range_m),
    )


def usable_labels(raw: RawBoxes, names: Sequence[str]) -> tuple[Boxes3D, list[Note]]:
    """Labels, and what is odd about them; a label that nothing could find is left out."""
    shapes, again = unshaped(raw), duplicates(raw)
    notes = [
        note(
            "boxes-without-shape", "truth", shapes, raw, names,
            "labels have no finite place, size above 0 or heading; left out",
        ),
        note(
            "duplicate-rows", "truth", again, raw, names,
            "labels are in the file more than once; each was used once",
        ),
    ]  # fmt: skip
    kept = chosen(raw, ~(shapes | again))
    return kept.boxes(), [one for one in notes if one is not None]


def chosen(raw: RawBoxes, kept: Bools) -> RawBoxes:
    """Some of the boxes."""
    if kept.all():
        return raw
    return RawBoxes(**{name: values[kept] for name, values in vars(raw).items()})


def unshaped(raw: RawBoxes) -> Bools:
    """``(N,)``: boxes that are nowhere, have no extent, or have no heading."""
    good = np.ones(len(raw.frame), np.bool_)
    with np.errstate(invalid="ignore"):
        for columns in (raw.center_m, raw.size_lwh_m, raw.rotation):
            good &= (np.abs(columns) <= LARGEST_M).all(axis=1)
        good &= (raw.size_lwh_m > 0).all(axis=1)
    if raw.rotation.shape[1] > 1:
        good &= (raw.rotation != 0).any(axis=1)
    return ~good


def long_quaternions(rotation: Floats) -> Bools:
    """``(N,)``: quaternions whose length is not 1."""
    if rotation.shape[1] == 1:
        return np.zeros(len(rotation), np.bool_)
    with np.errstate(invalid="ignore", over="ignore"):
        length = np.sqrt(np.einsum("ij,ij->i", rotation, rotation))
        return np.asarray(np.abs(length - 1) > NORM_TOLERANCE)


def duplicates(raw: RawBoxes) -> Bools:
    """``(N,)``: boxes that are equal to an earlier one in all numbers."""
    columns = [
        raw.frame, raw.category, *raw.center_m.T, *raw.size_lwh_m.T, *raw.rotation.T, raw.score,
    ]  # fmt: skip
    return repeated(*columns)


def note(
    kind: str, whose: Role, which: Bools, raw: RawBoxes, names: Sequence[str], text: str
) -> Note | None:
    """A note about those boxes, with the frames of the first ones; None if there are none."""
    if not (count := int(which.sum())):
        return None
    frames = dict.fromkeys(raw.frame[np.flatnonzero(which)[: 10 * EXAMPLES]].tolist())
    examples = tuple(str(names[frame]) for frame in list(frames)[:EXAMPLES])
    return Note(kind, whose, count, text, examples)


def frames_without_results(frame: Ints, names: Sequence[str], whose: Role) -> list[Note]:
    """A note about the frames of the truth in which a network has no box, if there are any."""
    seen = np.bincount(frame, minlength=len(names))[: len(names)] > 0
    missing = np.flatnonzero(~seen)
    if not len(missing):
        return []
    text = "frames of the ground truth have no results; nothing was found there"
    examples = tuple(str(names[at]) for at in missing[:EXAMPLES])
    return [Note("frames-without-results", whose, len(missing), text, examples)]
