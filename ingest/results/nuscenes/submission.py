"""nuScenes detection submissions: ``results`` has, for each sample, a list of boxes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ingest.results.json_stream import members_in
from ingest.results.oddities import require_any
from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import NO_ATTRIBUTE, Note, Role

EXPECTED = "a nuScenes detection submission: {'meta': ..., 'results': {sample: [boxes]}}"
MOST_BOXES = 500  # of a sample, that nuScenes accepts
UNKNOWN = -1
EXAMPLES = 3
LONGEST_SHOWN = 40  # characters of a name
# Fields of a box, and how many numbers each has.
_NUMBERS = {"translation": 3, "size": 3, "rotation": 4, "velocity": 2}


@dataclass(frozen=True)
class Submission:
    """S samples with N boxes in the order of the file.

    Attributes:
        tokens: S names of samples, each once.
        sample: ``(N,)`` index into the tokens.
        category: ``(N,)`` index into the classes.
        attribute: ``(N,)`` index into the attributes; `NO_ATTRIBUTE` without a known one.
        numbers: ``translation`` ``(N, 3)``, ``size`` ``(N, 3)`` (width, length, height),
            ``rotation`` ``(N, 4)`` and ``velocity`` ``(N, 2)``, in the global reference frame.
        score: ``(N,)``.
        notes: Oddities.
    """

    tokens: list[str]
    sample: Ints
    category: Ints
    attribute: Ints
    numbers: dict[str, Floats]
    score: Floats
    notes: tuple[Note, ...]


def read_submission(
    path: Path, role: Role, categories: Sequence[str], attributes: Sequence[str]
) -> Submission:
    """Read one; boxes of other classes are left out and noted.

    Raises:
        RidealongError: It is not a submission, a box lacks a field or has one of another type, or
            no box is of one of these classes.
    """
    reader = _Reader(path, categories, attributes)
    pieces: dict[str, _Piece] = {}
    again: list[str] = []
    for token, boxes in members_in(path, "results", EXPECTED):
        if token in pieces:
            again.append(token)
            del pieces[token]  # the last one counts, as everywhere in JSON
        pieces[token] = reader.piece(token, boxes)
    if not any(len(piece.score) for piece in pieces.values()):
        require_any("class", sorted(reader.unknown_classes), categories, path)
    return _joined(pieces, role, again, reader)


@dataclass(frozen=True)
class _Piece:
    """The boxes of one sample."""

    category: Ints
    attribute: Ints
    numbers: dict[str, Floats]
    score: Floats


class _Reader:
    """Makes arrays from the boxes of a sample, and counts what is odd."""

    def __init__(self, path: Path, categories: Sequence[str], attributes: Sequence[str]) -> None:
        self._path = path
        self._category = {name: code for code, name in enumerate(categories)}
        self._attribute = {name: code for code, name in enumerate(attributes)}
        self._attribute[""] = NO_ATTRIBUTE
        self.unknown_classes: Counter[str] = Counter()
        self.unknown_attributes: Counter[str] = Counter()
        self.crowded: list[str] = []
        self.moved: list[str] = []

    def piece(self, token: str, boxes: Any) -> _Piece:
        if not isinstance(boxes, list):
            what = f"the results of sample {token[:LONGEST_SHOWN]} are not a list"
            raise RidealongError(what, where=self._path, expected=EXPECTED)
        category = self._codes(token, boxes, "detection_name", self._category)
        attribute = self._codes(token, boxes, "attribute_name", self._attribute)
        kept = np.asarray([code is not None for code in category], np.bool_)
        self._count(token, boxes, category, attribute)
        numbers = {
            field: self._numbers(token, boxes, field, count)[kept]
            for field, count in _NUMBERS.items()
        }
        return _Piece(
            np.asarray([code for code in category if code is not None], np.int64),
            np.asarray([NO_ATTRIBUTE if a is None else a for a in attribute], np.int64)[kept],
            numbers,
            self._numbers(token, boxes, "detection_score", None)[kept],
        )

    def _codes(
        self, token: str, boxes: list[Any], field: str, codes: dict[str, int]
    ) -> list[int | None]:
        try:
            return [codes.get(box[field]) for box in boxes]
        except (KeyError, TypeError):
            for index, box in enumerate(boxes):
                if not isinstance(self._field(token, index, box, field), str):
                    raise self._fault(token, index, f"{field} is not text") from None
            raise

    def _count(
        self, token: str, boxes: list[Any], category: list[int | None], attribute: list[int | None]
    ) -> None:
        if len(boxes) > MOST_BOXES:
            self.crowded.append(token)
        if None in category:
            names = (b["detection_name"] for b, c in zip(boxes, category, strict=True) if c is None)
            self.unknown_classes.update(_shown(name) for name in names)
        if None in attribute:
            names = (
                b["attribute_name"] for b, a in zip(boxes, attribute, strict=True) if a is None
            )
            self.unknown_attributes.update(_shown(name) for name in names)
        if any(box.get("sample_token", token) != token for box in boxes):
            self.moved.append(token)

    def _numbers(self, token: str, boxes: list[Any], field: str, count: int | None) -> Floats:
        """``(n, count)`` numbers of a field, or ``(n,)``."""
        shape = (len(boxes),) if count is None else (len(boxes), count)
        if not boxes:
            return np.zeros(shape)
        try:
            values = np.array([box[field] for box in boxes])
        except (KeyError, TypeError, ValueError):
            values = np.array([])
        if values.dtype.kind in "iuf" and values.shape == shape:
            return values.astype(np.float64)
        listed = [self._one(token, index, box, field, count) for index, box in enumerate(boxes)]
        return np.asarray(listed, np.float64)

    def _one(
        self, token: str, index: int, box: Any, field: str, count: int | None
    ) -> float | list[float]:
        value = self._field(token, index, box, field)
        parts = [value] if count is None else value
        wanted = 1 if count is None else count
        if not isinstance(parts, list) or len(parts) != wanted or not all(map(_is_number, parts)):
            plain = "a number" if count is None else f"{count} numbers"
            raise self._fault(token, index, f"{field} is not {plain}")
        numbers = [_as_float(part) for part in parts]
        return numbers[0] if count is None else numbers

    def _field(self, token: str, index: int, box: Any, field: str) -> Any:
        if not isinstance(box, dict):
            raise self._fault(token, index, "it is not an object")
        if field not in box:
            tracks = "tracking submissions are not read" if "tracking_name" in box else None
            raise self._fault(token, index, f"it has no {field}", tracks)
        return box[field]

    def _fault(self, token: str, index: int, what: str, hint: str | None = None) -> RidealongError:
        place = f"box {index + 1} of sample {token[:LONGEST_SHOWN]}"
        return RidealongError(f"{place}: {what}", where=self._path, expected=EXPECTED, hint=hint)


def _joined(pieces: dict[str, _Piece], role: Role, again: list[str], reader: _Reader) -> Submission:
    whole = list(pieces.values())
    return Submission(
        tokens=list(pieces),
        sample=np.repeat(np.arange(len(whole)), [len(piece.score) for piece in whole]),
        category=_together([piece.category for piece in whole], np.zeros(0, np.int64)),
        attribute=_together([piece.attribute for piece in whole], np.zeros(0, np.int64)),
        numbers={
            field: _together([piece.numbers[field] for piece in whole], np.zeros((0, count)))
            for field, count in _NUMBERS.items()
        },
        score=_together([piece.score for piece in whole], np.zeros(0)),
        notes=tuple(_notes(role, again, reader)),
    )


def _together(parts: list[Any], empty: Any) -> Any:
    return np.concatenate([empty, *parts])


def _notes(role: Role, again: list[str], reader: _Reader) -> list[Note]:
    classes, attributes = reader.unknown_classes, reader.unknown_attributes
    told = (
        ("duplicate-frames", len(again), again, "samples are listed twice; the last list counts"),
        (
            "unknown-classes", classes.total(), sorted(classes),
            "boxes are of classes that nuScenes detection does not have; left out",
        ),
        (
            "unknown-attributes", attributes.total(), sorted(attributes),
            "boxes have attributes that nuScenes does not have; counted as wrong",
        ),
        (
            "too-many-boxes", len(reader.crowded), reader.crowded,
            f"samples have more than {MOST_BOXES} boxes, which nuScenes refuses; all were used",
        ),
        (
            "other-sample", len(reader.moved), reader.moved,
            "samples have boxes that name another sample; the one that lists them counts",
        ),
    )  # fmt: skip
    return [
        Note(kind, role, count, text, tuple(examples[:EXAMPLES]))
        for kind, count, examples, text in told
        if count
    ]


def _shown(name: Any) -> str:
    """A name of any kind as text that can be written."""
    return str(name)[:LONGEST_SHOWN].encode(errors="replace").decode()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")
