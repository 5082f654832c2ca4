"""MOTChallenge: tracks of sequences as text.

A row is ``frame,id,left,top,width,height,conf,class,visibility``. Frames are counted from 1. In the
ground truth, ``conf`` 0 marks a row that is not judged. ``class`` is that of MOT16 and later: 1 is
pedestrian. Without classes (MOT15, where all are -1) every row is a pedestrian.

As in MOTChallenge's own evaluation, a result on a distractor is neither right nor wrong, and a
result on any other label that is not judged is a false alarm. Distractors are persons on vehicles,
static persons, distractors and reflections, and in MOT20 vehicles without a motor. Other classes
are judged where the ground truth has rows of them to judge and a result file names them.

A sequence is a drive. Its length and frame rate are those of ``seqinfo.ini``; without it, it ends
with its last label.
"""

from collections.abc import Sequence as Listed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ingest.results.format import ReadOptions, ResultFormat, ResultPaths
from ingest.results.sequences.pairing import pair_sequences
from ingest.results.sequences.text_rows import (
    Layout,
    TextRows,
    first_line,
    looks_numeric,
    read_rows,
)
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
    tracks_recur,
    xywh_of,
)
from ridealong.arrays import Bools, Floats, Ints
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
    "MOTChallenge", ("frame", "id", "left", "top", "width", "height", "conf", "class"), least=6
)
BOX = ("left", "top", "width", "height")
PEDESTRIAN = 1
NAMES = {
    1: "pedestrian", 2: "person_on_vehicle", 3: "car", 4: "bicycle", 5: "motorbike",
    6: "non_mot_vehicle", 7: "static_person", 8: "distractor", 9: "occluder",
    10: "occluder_on_ground", 11: "occluder_full", 12: "reflection", 13: "crowd",
}  # fmt: skip
DISTRACTORS = (2, 7, 8, 12)
MOT20_DISTRACTOR = 6


@dataclass(frozen=True)
class _Row:
    """Rows of one file before classes are chosen; the class is `PEDESTRIAN` if there are none."""

    frame: Ints
    track: Ints
    xywh: Floats
    conf: Floats
    number: Ints

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def judged(self) -> Bools:
        """Rows of the ground truth that are not marked as ignored."""
        return np.asarray(self.conf != 0, np.bool_)


def read(paths: ResultPaths, options: ReadOptions) -> Comparison[Boxes2D]:
    """Read ground truth and results.

    Raises:
        RidealongError: A file cannot be read, or they do not belong together.
    """
    _check(options, paths.truth)
    files, notes = pair_sequences(paths.truth, paths.deployed, paths.candidate)
    truth = [_rows(one.truth.path) for one in files]
    sequences = [one.truth for one in files]
    spans = spans_of(sequences, [rows.frame for rows in truth], 1, options.rate_hz)
    found = {
        "deployed": [_rows(one.deployed) for one in files],
        "candidate": [_rows(one.candidate) for one in files],
    }
    tracking = all(map(_tracked, found.values()))
    classes = _classes(truth, [*found["deployed"], *found["candidate"]], paths.truth)
    labels = Oddities("truth")
    boxes = boxes_of(
        [place(_labels(r, s, classes), s, labels) for r, s in zip(truth, spans, strict=True)]
    )
    del truth
    notes += labels.notes
    deployed = _results("deployed", found.pop("deployed"), spans, classes, notes)
    candidate = _results("candidate", found.pop("candidate"), spans, classes, notes)
    objects = options.task == "objects" or (options.task is None and not tracking)
    return Comparison(
        evaluation="coco" if objects else "clear_mot",
        frames=frames_of(spans),
        categories=tuple(NAMES.get(number, f"class_{number}") for number in classes),
        truth=_without_strangers(boxes) if objects else boxes,
        deployed=deployed,
        candidate=candidate,
        drive_from="sequence",
        notes=tuple(notes),
        rate_hz=shared_rate(spans),
    )


def recognises(path: Path) -> bool:
    """Whether a file, or any text file of a folder, starts with a row of numbers and commas."""
    try:
        if path.is_dir():
            gt = [*path.glob("*/gt/gt.txt"), *path.glob("gt/gt.txt")]
            texts = (*gt, *path.glob("*.txt"), *path.glob("data/*.txt"))
            path = next(text for text in texts if text.is_file())
        line = first_line(path, LAYOUT.title)
    except (RidealongError, OSError, StopIteration):
        return False
    return line is not None and looks_numeric(line, r"\s*[,;\s]\s*", range(LAYOUT.least))


FORMAT = ResultFormat("mot", "MOTChallenge", read, recognises)


def _check(options: ReadOptions, truth: Path) -> None:
    if options.drive not in (None, "sequence"):
        raise RidealongError(
            f"MOTChallenge frames have no field {options.drive!r}",
            where=truth,
            expected="no field: a sequence is a drive",
        )
    if options.task not in (None, "tracks", "objects"):
        raise RidealongError(
            f"MOTChallenge files have no {options.task}", where=truth, expected="tracks or objects"
        )


def _tracked(parts: Listed[_Row]) -> bool:
    """Whether results are tracks; without any box they are what the others are."""
    parts = [rows for rows in parts if len(rows)]
    return not parts or any(tracks_recur(rows.frame, rows.track) for rows in parts)


def _rows(path: Path | None) -> _Row:
    """The rows of a file; none if there is no file."""
    if path is None:
        nothing = np.empty(0, np.int64)
        return _Row(nothing, nothing, np.empty((0, 4)), np.empty(0), nothing)
    rows = read_rows(path, LAYOUT)
    track = rows.integers("id")
    return _Row(
        rows.integers("frame"),
        np.where(track < 0, NO_TRACK, track),
        xywh_of(rows, BOX),
        rows.columns.get("conf", constant(1.0, len(rows))),
        _numbers(rows),
    )


def _numbers(rows: TextRows) -> Ints:
    """Class numbers; all `PEDESTRIAN` if the column has none (MOT15 has -1 or metres there)."""
    if "class" not in rows.columns:
        return constant(PEDESTRIAN, len(rows))
    values = rows.numbers("class")
    whole = (values >= 0) & (values == np.floor(values)) & (values < 2**31)
    if not whole.all():
        return constant(PEDESTRIAN, len(rows))
    return values.astype(np.int64)


def _classes(truth: Listed[_Row], results: Listed[_Row], path: Path) -> tuple[int, ...]:
    """The classes to judge: pedestrians, and others that both sides have.

    Raises:
        RidealongError: There is nothing to judge.
    """
    labelled = _present([rows.number[rows.judged] for rows in truth])
    found = _present([rows.number for rows in results])
    judged = {PEDESTRIAN} & labelled | (labelled & found)
    if len(labelled) == 1 and not judged:
        judged = labelled  # a single class, and results that do not name it
    if not judged:
        raise RidealongError(
            "has no label to judge",
            where=path,
            expected="rows whose conf is not 0, of class 1 (pedestrian) or a class of the results",
        )
    return tuple(sorted(judged))


def _present(numbers: list[Ints]) -> set[int]:
    return {int(number) for one in numbers for number in np.unique(one)}


def _labels(rows: _Row, span: Span, classes: tuple[int, ...]) -> TrackedRows:
    category = _category(rows.number, classes)
    ignored = ~rows.judged | (category == NO_CATEGORY)
    category[ignored] = NO_CATEGORY
    if PEDESTRIAN in classes:
        distracting = np.isin(rows.number, _distractors(span.sequence.name, classes))
        category[distracting] = classes.index(PEDESTRIAN)
    score, crowd = constant(1.0, len(rows)), constant(False, len(rows))
    return TrackedRows(rows.frame, category, rows.xywh, score, rows.track, crowd, ignored)


def _distractors(sequence: str, classes: tuple[int, ...]) -> list[int]:
    more = (MOT20_DISTRACTOR,) if sequence.upper().startswith("MOT20") else ()
    return [number for number in (*DISTRACTORS, *more) if number not in classes]


def _category(number: Ints, classes: tuple[int, ...]) -> Ints:
    place = np.minimum(np.searchsorted(classes, number), len(classes) - 1)
    return np.where(np.asarray(classes)[place] == number, place, NO_CATEGORY)


def _results(
    role: Role, parts: list[_Row], spans: list[Span], classes: tuple[int, ...], notes: list[Note]
) -> Boxes2D:
    oddities = Oddities(role)
    boxes = boxes_of(
        [
            place(_found(rows, classes, oddities), span, oddities)
            for rows, span in zip(parts, spans, strict=True)
        ]
    )
    if not sum(map(len, parts)):
        oddities.add("no-results", "files have no boxes; nothing was found", [], 1)
    notes += oddities.notes
    return boxes


def _found(rows: _Row, classes: tuple[int, ...], oddities: Oddities) -> TrackedRows:
    """Results as rows; if there is but one class, unnamed ones are of it."""
    number = np.where((rows.number == 0) & (0 not in classes), PEDESTRIAN, rows.number)
    if len(classes) == 1:
        number = np.where(number == PEDESTRIAN, classes[0], number)
    category = _category(number, classes)
    known = category != NO_CATEGORY
    strange = [NAMES.get(n, f"class_{n}") for n in np.unique(number[~known]).tolist()]
    text = "boxes are of classes without labels to judge; left out"
    oddities.add("unknown-classes", text, strange, int(np.count_nonzero(~known)))
    score = scores(rows.conf, oddities)
    flags = constant(False, len(number))
    return TrackedRows(rows.frame, category, rows.xywh, score, rows.track, flags, flags).take(known)


def _without_strangers(boxes: Boxes2D) -> Boxes2D:
    """Labels of the judged classes alone, for detection."""
    keep = boxes.category != NO_CATEGORY
    return Boxes2D(**{name: column[keep] for name, column in vars(boxes).items()})
