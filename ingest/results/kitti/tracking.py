"""KITTI tracking: one text file a sequence, ``0001.txt``; frames are counted from 0, at 10 Hz.

A row is ``frame id type truncated occluded alpha left top right bottom``, then a box in space that
is not read here, then in results a score.

Cars, pedestrians and cyclists are judged, and any other class that a result file has. Regions
marked DontCare are ignored: a result without a label of which more than half lies in one of them is
neither right nor wrong. So is a result on a label of a neighbouring class: a van for cars, a
sitting person for pedestrians. Truncated, occluded and small objects are judged like all others, as
in MOTChallenge; KITTI's own tool ignores labels that are truncated or mostly occluded, and results
without a label that are up to 25 pixels high.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.kitti.boxes import DONT_CARE, JUDGED
from ingest.results.sequences.pairing import Sequence, pair_sequences
from ingest.results.sequences.text_rows import Layout, first_line, looks_numeric, read_rows
from ingest.results.sequences.tracked_rows import (
    Oddities,
    Span,
    TrackedRows,
    boxes_of,
    constant,
    frames_of,
    place,
    scores,
    shared_rate,
    spans_of,
    xywh_of,
)
from ridealong.arrays import Floats, Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import (
    NO_CATEGORY,
    NO_TRACK,
    Boxes2D,
    Comparison,
    Note,
    Role,
)

LAYOUT = Layout(
    title="KITTI tracking",
    fields=(
        "frame", "id", "type", "truncated", "occluded", "alpha", "left", "top", "right", "bottom",
        "height", "width", "length", "x", "y", "z", "ry", "score",
    ),
    least=10,
    words=frozenset({"type"}),
    unread=frozenset({
        "truncated", "occluded", "alpha", "height", "width", "length", "x", "y", "z", "ry",
    }),
    whitespace=True,
)  # fmt: skip
RATE_HZ = 10.0
NEIGHBOURS = {"Van": "Car", "Person": "Pedestrian", "Person_sitting": "Pedestrian"}
CLASSES = (*JUDGED, *NEIGHBOURS, "Truck", "Tram", "Misc", DONT_CARE)
_SPELLING = {name.lower(): name for name in CLASSES}


@dataclass(frozen=True)
class _Row:
    """Rows of one file; ``kind`` is an index into ``kinds``."""

    frame: Ints
    track: Ints
    xywh: Floats
    score: Floats
    kind: Ints
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frame)

    def present(self) -> set[str]:
        """The classes that occur."""
        return {self.kinds[index] for index in np.unique(self.kind).tolist()}

    def coded(self, categories: tuple[str, ...]) -> Ints:
        """Index of each row's class into other names; `NO_CATEGORY` if it is none of them."""
        if not self.kinds:
            return self.kind
        places = [
            categories.index(name) if name in categories else NO_CATEGORY for name in self.kinds
        ]
        return np.asarray(places, np.int64)[self.kind]


def read_tracking(paths: ResultPaths, options: ReadOptions) -> Comparison[Boxes2D]:
    """Read ground truth and results of KITTI tracking.

    Raises:
        RidealongError: A file cannot be read, or they do not belong together.
    """
    if options.drive not in (None, "sequence"):
        raise RidealongError(
            f"KITTI's frames have no field {options.drive!r}",
            where=paths.truth,
            expected="no field: a sequence is a drive",
        )
    files, notes = pair_sequences(paths.truth, paths.deployed, paths.candidate)
    truth = [_rows(one.truth.path) for one in files]
    deployed = [_rows(one.deployed) for one in files]
    candidate = [_rows(one.candidate) for one in files]
    sequences = [_with_images(one.truth) for one in files]
    rate_hz = options.rate_hz or RATE_HZ
    spans = spans_of(sequences, [rows.frame for rows in truth], 0, rate_hz)
    categories = _categories(truth, [*deployed, *candidate], paths.truth)
    labels = Oddities("truth")
    boxes = boxes_of(
        [place(_labels(r, categories), s, labels) for r, s in zip(truth, spans, strict=True)]
    )
    del truth
    notes += labels.notes
    return Comparison(
        evaluation="clear_mot",
        frames=frames_of(spans),
        categories=categories,
        truth=boxes,
        deployed=_results("deployed", deployed, spans, categories, notes),
        candidate=_results("candidate", candidate, spans, categories, notes),
        drive_from="sequence",
        notes=tuple(notes),
        rate_hz=shared_rate(spans),
    )


def looks_like_tracking(path: Path) -> bool:
    """Whether a file, or any text file of a folder, starts with a frame, an id and a word."""
    try:
        if path.is_dir():
            texts = (*path.glob("*.txt"), *path.glob("label_02/*.txt"), *path.glob("data/*.txt"))
            # Most frames of object detection are files of their own, and may well be empty.
            path = next(text for text in sorted(texts) if text.is_file() and text.stat().st_size)
        line = first_line(path, LAYOUT.title)
    except (RidealongError, OSError, StopIteration):
        return False
    if line is None or not looks_numeric(line, r"\s+", (0, 1, *range(3, LAYOUT.least))):
        return False
    return not looks_numeric(line, r"\s+", (2,))


def _with_images(sequence: Sequence) -> Sequence:
    return replace(sequence, image=(f"{sequence.name}/", ".png"))


def _rows(path: Path | None) -> _Row:
    """The rows of a file; none if there is no file."""
    if path is None:
        nothing = np.empty(0, np.int64)
        return _Row(nothing, nothing, np.empty((0, 4)), np.empty(0), nothing, ())
    rows = read_rows(path, LAYOUT)
    xywh = xywh_of(rows, ("left", "top", "right", "bottom"))
    xywh[:, 2:] -= xywh[:, :2]
    track = rows.integers("id")
    types = rows.columns["type"]
    assert isinstance(types, pa.DictionaryArray)
    score = rows.columns.get("score", constant(1.0, len(rows)))
    assert isinstance(score, np.ndarray)
    names = [str(name) for name in types.dictionary.to_pylist()]
    return _Row(
        rows.integers("frame"),
        np.where(track < 0, NO_TRACK, track),
        xywh,
        score,
        np.asarray(types.indices).astype(np.int64),
        tuple(_SPELLING.get(name.lower(), name) for name in names),
    )


def _categories(truth: list[_Row], results: list[_Row], path: Path) -> tuple[str, ...]:
    """The classes to judge: KITTI's three, and others that results have and that are known.

    Raises:
        RidealongError: There are no labels.
    """
    labelled = set().union(*(rows.present() for rows in truth)) - {DONT_CARE}
    if not labelled:
        raise RidealongError("has no labels", where=path, expected="rows of cars or other objects")
    found = set().union(*(rows.present() for rows in results)) - {DONT_CARE}
    judged = (labelled | found) & {*JUDGED} | found & {*labelled, *CLASSES}
    judged = judged or labelled
    first = [name for name in JUDGED if name in judged]
    return (*first, *sorted(judged - {*JUDGED}))


def _labels(rows: _Row, categories: tuple[str, ...]) -> TrackedRows:
    """Labels to judge, and ignored ones: neighbours of a judged class, and regions."""
    region = rows.coded((DONT_CARE,)) == 0
    own = rows.coded(categories)
    of = [NEIGHBOURS.get(name, "") for name in rows.kinds]
    beside = _Row(rows.frame, rows.track, rows.xywh, rows.score, rows.kind, tuple(of))
    neighbour = beside.coded(categories)
    first, second = np.flatnonzero(region | (own >= 0)), np.flatnonzero(neighbour >= 0)
    index = np.r_[first, second]
    category = np.r_[own[first], neighbour[second]]
    crowd = np.r_[region[first], np.zeros(len(second), np.bool_)]
    ignored = crowd | np.r_[np.zeros(len(first), np.bool_), np.ones(len(second), np.bool_)]
    return TrackedRows(
        rows.frame[index], category, rows.xywh[index], constant(1.0, len(index)), rows.track[index],
        crowd, ignored,
    )  # fmt: skip


def _results(
    role: Role,
    parts: list[_Row],
    spans: list[Span],
    categories: tuple[str, ...],
    notes: list[Note],
) -> Boxes2D:
    oddities = Oddities(role)
    placed = [
        place(_found(rows, categories, oddities), span, oddities)
        for rows, span in zip(parts, spans, strict=True)
    ]
    boxes = boxes_of(placed)
    if not sum(map(len, parts)):
        oddities.add("no-results", "files have no boxes; nothing was found", [], 1)
    notes += oddities.notes
    return boxes


def _found(rows: _Row, categories: tuple[str, ...], oddities: Oddities) -> TrackedRows:
    category = rows.coded(categories)
    known = category != NO_CATEGORY
    strange = sorted(rows.present() - {*categories})
    text = "boxes are of classes that are not judged; left out"
    oddities.add("unknown-classes", text, strange, int(np.count_nonzero(~known)))
    flags = constant(False, len(known))
    score = scores(rows.score, oddities)
    return TrackedRows(rows.frame, category, rows.xywh, score, rows.track, flags, flags).take(known)
