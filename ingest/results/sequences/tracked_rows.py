"""From rows of sequences to frames and boxes, with the checks that all text formats share."""

from collections.abc import Sequence as Listed
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.results.repeats import repeated
from ingest.results.sequences.pairing import EXAMPLES, Sequence
from ingest.results.sequences.text_rows import TextRows
from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import NO_TRACK, Boxes2D, Frames, Note, Role

MOST_FRAMES = 1_000_000  # of a sequence: 9 hours at 30 Hz


@dataclass(frozen=True)
class TrackedRows:
    """N boxes of one sequence, as in `Boxes2D`, but with frame numbers as the file has them."""

    frame: Ints
    category: Ints
    xywh: Floats
    score: Floats
    track: Ints
    crowd: Bools
    ignored: Bools

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, which: Bools) -> "TrackedRows":
        """Some of the rows."""
        if which.all():
            return self
        return TrackedRows(**{name: column[which] for name, column in vars(self).items()})


@dataclass(frozen=True)
class Span:
    """The frames of a sequence: their numbers, and the place of the first among all frames."""

    sequence: Sequence
    first: int
    count: int
    start: int
    rate_hz: float | None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of its images in pixels; endless if unknown."""
        return self.sequence.size or (np.inf, np.inf)


@dataclass
class Oddities:
    """Counts oddities over all sequences of one file, for notes."""

    role: Role
    found: dict[str, Note] = field(default_factory=dict)

    def add(self, kind: str, text: str, examples: Listed[str], count: int | None = None) -> None:
        """Count some; examples are their names, all of them unless ``count`` is given."""
        count = len(examples) if count is None else count
        if not count:
            return
        before = self.found.get(kind, Note(kind, self.role, 0, text))
        shown = (*before.examples, *examples)[:EXAMPLES]
        self.found[kind] = replace(before, count=before.count + count, examples=shown)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes."""
        return tuple(self.found.values())


def spans_of(
    sequences: Listed[Sequence], numbers: Listed[Ints], origin: int, rate_hz: float | None
) -> list[Span]:
    """The frames of each sequence: from ``origin``, or an earlier label, to its last frame.

    That is the frame of its last label, unless the sequence is said to be longer.

    Args:
        sequences: The sequences.
        numbers: Frame numbers of the labels of each.
        origin: The number that the format gives to the first frame.
        rate_hz: Frames a second, where a sequence does not say.

    Raises:
        RidealongError: There are no frames, or more than `MOST_FRAMES`.
    """
    spans: list[Span] = []
    start = 0
    for sequence, labelled in zip(sequences, numbers, strict=True):
        spans.append(_span(sequence, labelled, origin, start, rate_hz))
        start += spans[-1].count
    return spans


def _span(
    sequence: Sequence, numbers: Ints, origin: int, start: int, rate_hz: float | None
) -> Span:
    first = min(int(numbers.min(initial=origin)), origin)
    length = sequence.length or 0
    count = max(length, int(numbers.max(initial=first - 1)) - first + 1)
    if not 0 < count <= MOST_FRAMES or first < 0:
        what = f"has frames {first} to {first + count - 1}" if count else "has no rows"
        raise RidealongError(
            what, where=sequence.path, expected=f"1 to {MOST_FRAMES:,} frames from {origin}"
        )
    return Span(sequence, first, count, start, sequence.rate_hz or rate_hz)


def frames_of(spans: Listed[Span]) -> Frames:
    """All frames of all sequences; a sequence is a drive."""
    counts = [span.count for span in spans]
    places = pa.array(np.repeat(np.arange(len(spans)), counts), pa.int32())
    names = pa.array([span.sequence.name for span in spans], pa.string())
    return Frames(
        name=pa.concat_arrays([_numbered(span, (f"{span.sequence.name}/", "")) for span in spans]),
        drive=pa.DictionaryArray.from_arrays(places, names).cast(pa.string()),
        time_s=np.concatenate([np.arange(s.count) / (s.rate_hz or np.nan) for s in spans]),
        image=pa.concat_arrays([_numbered(span, span.sequence.image) for span in spans]),
        attributes=pa.table({}),
    )


def place(rows: TrackedRows, span: Span, oddities: Oddities) -> TrackedRows:
    """Rows with the places of their frames among all frames; rows of no frame are left out.

    Other odd rows are counted, and stay: boxes without size or outside of the image match
    nothing.
    """
    name = span.sequence.name
    number = rows.frame - span.first
    inside = (number >= 0) & (number < span.count)
    outside = np.unique(rows.frame[~inside])
    text = "frames are not in the ground truth; boxes not scored"
    shown = [f"{name}/{n}" for n in outside[:EXAMPLES].tolist()]
    oddities.add("unknown-frames", text, shown, len(outside))
    rows = replace(rows, frame=number + span.start).take(inside)
    of_truth = oddities.role == "truth"
    size = rows.xywh[:, 2:]
    flat = np.any(size <= 0, axis=1)
    beyond = np.any((rows.xywh[:, :2] + size <= 0) | (rows.xywh[:, :2] >= span.size), axis=1)
    again = repeated(rows.frame, rows.category, rows.track)
    again &= (rows.track != NO_TRACK) & ~rows.ignored
    for (kind, texts), which in zip(_ODD.items(), (flat, beyond & ~flat, again), strict=True):
        text = texts[0] if of_truth else texts[1]
        count = int(np.count_nonzero(which))
        oddities.add(kind, text, _places(rows, which, span), count)
    return rows


# What is said of labels, and of results.
_ODD = {
    "boxes-without-size": (
        "labels have no width or no height; impossible to find",
        "boxes have no width or no height; counted as false positives",
    ),
    "boxes-outside": (
        "labels are outside of the image; counted like any other",
        "boxes are outside of the image; counted as false positives",
    ),
    "duplicate-ids": (
        "labels have the id of an earlier label of the frame; each counts as another object",
        "boxes have the id of an earlier box of the frame; each counts as another track",
    ),
}


def boxes_of(parts: Listed[TrackedRows]) -> Boxes2D:
    """The rows of all sequences together."""
    columns = {
        name: _together([getattr(part, name) for part in parts])
        for name in TrackedRows.__dataclass_fields__
    }
    xywh = columns["xywh"]
    return Boxes2D(**columns, area=np.clip(xywh[:, 2:], 0, None).prod(axis=1))


def shared_rate(spans: Listed[Span]) -> float | None:
    """Frames a second, if it is the same in all sequences."""
    rates = {span.rate_hz for span in spans}
    return rates.pop() if len(rates) == 1 else None


def tracks_recur(frame: Ints, track: Ints) -> bool:
    """Whether any identity ``(N,)`` of a sequence is in several of its frames ``(N,)``."""
    known = track != NO_TRACK
    order = np.lexsort((frame[known], track[known]))
    frame, track = frame[known][order], track[known][order]
    return bool(((np.diff(track) == 0) & (np.diff(frame) != 0)).any())


def scores(given: Floats, oddities: Oddities) -> Floats:
    """Scores as numbers; -1 throughout means that there are none, and is 1."""
    if not len(given) or (given == -1).all():
        return constant(1.0, len(given))
    odd = ~np.isfinite(given)
    text = "scores are not finite; counted as 0"
    shown = [str(value) for value in given[odd][:EXAMPLES]]
    oddities.add("scores-not-finite", text, shown, int(np.count_nonzero(odd)))
    return np.where(odd, 0.0, given)


def constant(value: Any, count: int) -> NDArray[Any]:
    """A read-only column of one value, which takes no memory."""
    return np.broadcast_to(np.asarray(value), (count,))


def xywh_of(rows: TextRows, names: tuple[str, str, str, str]) -> Floats:
    """``(N, 4)`` four fields of numbers, which are then taken out of the rows to save memory.

    Raises:
        RidealongError: One is not finite.
    """
    xywh = np.empty((len(rows), 4))
    for place, name in enumerate(names):
        xywh[:, place] = rows.numbers(name)
        del rows.columns[name]
    return xywh


def _places(rows: TrackedRows, which: Bools, span: Span) -> list[str]:
    chosen = np.flatnonzero(which)[:EXAMPLES]
    numbers = rows.frame[chosen] - span.start + span.first
    return [
        f"{span.sequence.name}/{number} id {track}"
        for number, track in zip(numbers.tolist(), rows.track[chosen].tolist(), strict=True)
    ]


def _numbered(span: Span, around: tuple[str, str] | None) -> pa.Array:
    """The number of each frame between two texts; null without texts."""
    if around is None:
        return pa.nulls(span.count, pa.string())
    numbers = pa.array(np.arange(span.first, span.first + span.count)).cast(pa.string())
    return pc.binary_join_element_wise(around[0], pc.utf8_lpad(numbers, 6, "0"), around[1], "")


def _together(columns: list[NDArray[Any]]) -> NDArray[Any]:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)
