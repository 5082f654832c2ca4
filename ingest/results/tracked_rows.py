"""From rows of sequences to frames and boxes, with the checks that all text formats share."""

from collections.abc import Sequence as Listed
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.results.sequences import EXAMPLES, Sequence
from ingest.results.text_rows import TextRows
from ridealong.arrays import Bools, Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import NO_TRACK, Boxes2D, Frames, Note, Role

MOST_FRAMES = 10_000_000  # of a sequence: 4 days at 30 Hz


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
        name=_strings(f"{s.sequence.name}/{n:06d}" for s in spans for n in _numbers(s)),
        drive=pa.DictionaryArray.from_arrays(places, names).cast(pa.string()),
        time_s=np.concatenate([np.arange(s.count) / (s.rate_hz or np.nan) for s in spans]),
        image=_strings(
            None if s.sequence.image is None else s.sequence.image.format(frame=n)
            for s in spans
            for n in _numbers(s)
        ),
        attributes=pa.table({}),
    )


def place(rows: TrackedRows, span: Span, oddities: Oddities) -> TrackedRows:
    """Rows with the places of their frames among all frames; rows of no frame are left out.

    Boxes that cannot be right are counted: they stay, and nothing will match them.
    """
    name = span.sequence.name
    number = rows.frame - span.first
    inside = (number >= 0) & (number < span.count)
    outside = np.unique(rows.frame[~inside])
    text = f"boxes are in frames that {_THE[oddities.role]} does not have; they are left out"
    shown = [f"{name}/{n}" for n in outside[:EXAMPLES]]
    oddities.add("boxes-outside-frames", text, shown, int(np.count_nonzero(~inside)))
    rows = replace(rows, frame=number + span.start).take(inside)
    flat = np.any(rows.xywh[:, 2:] <= 0, axis=1)
    text = "boxes have no area (width or height is 0 or negative); they match nothing"
    oddities.add("boxes-without-area", text, _places(rows, flat, span), int(flat.sum()))
    return _without_twins(rows, span, oddities)


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


def tracks_recur(boxes: Boxes2D) -> bool:
    """Whether any identity is given, or there is no box at all."""
    return not len(boxes) or bool((boxes.track != NO_TRACK).any())


def scores(given: Floats, oddities: Oddities) -> Floats:
    """Scores as numbers; -1 throughout means that there are none, and is 1."""
    if not len(given) or (given == -1).all():
        return np.ones(len(given))
    odd = ~np.isfinite(given)
    text = "scores are not finite; they count as 0"
    shown = [str(value) for value in given[odd][:EXAMPLES]]
    oddities.add("scores-not-finite", text, shown, int(np.count_nonzero(odd)))
    return np.where(odd, 0.0, given)


def xywh_of(rows: TextRows, names: tuple[str, str, str, str]) -> Floats:
    """``(N, 4)`` four fields of numbers.

    Raises:
        RidealongError: One is not finite.
    """
    return np.stack([rows.numbers(name) for name in names], axis=1)


_THE = {
    "truth": "seqinfo.ini",
    "deployed": "the ground truth",
    "candidate": "the ground truth",
}


def _without_twins(rows: TrackedRows, span: Span, oddities: Oddities) -> TrackedRows:
    """An identity occurs once in a frame and class: a second result has none, a label goes."""
    order = np.lexsort((rows.track, rows.category, rows.frame))
    same = np.ones(max(len(rows) - 1, 0), np.bool_)
    for column in (rows.frame, rows.category, rows.track):
        same &= np.diff(column[order]) == 0
    again = np.zeros(len(rows), np.bool_)
    again[order[1:]] = same
    again &= (rows.track != NO_TRACK) & ~rows.ignored
    if not again.any():
        return rows
    shown = _places(rows, again, span)
    if oddities.role == "truth":
        text = "labels have the id of an earlier label of their frame; they are left out"
        oddities.add("duplicate-ids", text, shown, int(again.sum()))
        return rows.take(~again)
    text = "boxes have the id of an earlier box of their frame; each counts as a track of its own"
    oddities.add("duplicate-ids", text, shown, int(again.sum()))
    return replace(rows, track=np.where(again, NO_TRACK, rows.track))


def _places(rows: TrackedRows, which: Bools, span: Span) -> list[str]:
    chosen = np.flatnonzero(which)[:EXAMPLES]
    numbers = rows.frame[chosen] - span.start + span.first
    return [
        f"{span.sequence.name}/{number} id {track}"
        for number, track in zip(numbers.tolist(), rows.track[chosen].tolist(), strict=True)
    ]


def _numbers(span: Span) -> range:
    return range(span.first, span.first + span.count)


def _strings(values: object) -> pa.Array:
    return pa.array(values, pa.string())


def _together(columns: list[NDArray[Any]]) -> NDArray[Any]:
    return columns[0] if len(columns) == 1 else np.concatenate(columns)
