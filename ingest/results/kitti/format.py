"""KITTI object detection: a folder with one text file per frame on all sides.

A frame's file is named by its number, such as ``000123.txt``. The folder may hold the files itself,
or in ``label_2`` (ground truth) or ``data`` (results), as KITTI's own folders do. A frame whose
file is empty or missing in the results is one where nothing was found.

The benchmark's frames have no drives, so each is its own. If the devkit's ``train_mapping.txt`` and
``train_rand.txt`` lie beside the labels, they give the drive, the date and the time of each frame.

Tracking labels, with one file per sequence, are read by `ingest.results.kitti.tracking`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.results.format import ReadOptions, ResultFormat, ResultPaths
from ingest.results.kitti.boxes import (
    JUDGED,
    TYPES,
    Side,
    boxes_of,
    usable,
)
from ingest.results.kitti.drives import FILES, origin_of
from ingest.results.kitti.lines import LABEL_FIELDS, RESULT_FIELDS, read_lines
from ingest.results.kitti.tracking import looks_like_tracking, read_tracking
from ingest.results.oddities import EXAMPLES, note
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.perception.result_files import Comparison, Frames, Note, Role
from ridealong.specs import nearest

SUBFOLDERS = ("label_2", "data")
EACH_ITS_OWN = "each frame"
IMAGE_SUFFIX = ".png"


def read(paths: ResultPaths, options: ReadOptions) -> Comparison[Any]:
    """Read ground truth and two networks' results.

    Raises:
        RidealongError: A folder has no frames, or none that the ground truth has; a file cannot be
            read, or a line is malformed; nothing in the ground truth is evaluated.
    """
    if options.task == "tracks" or (options.task is None and looks_like_tracking(paths.truth)):
        return read_tracking(paths, options)
    labels, odd = _frame_files(paths.truth, "truth")
    frames, drive_from = _frames(paths.truth, sorted(labels), options)
    names = frames.name.to_pylist()
    truth = _side(labels, names, "truth", odd)
    if not set(JUDGED) & set(truth.types):
        raise RidealongError(
            f"no label is a {', a '.join(JUDGED)}", where=paths.truth, expected="one of these"
        )
    deployed = _results(paths.deployed, names, "deployed")
    candidate = _results(paths.candidate, names, "candidate")
    sides = (truth, deployed, candidate)
    found = {name for side in sides for name in side.types}
    categories = tuple(name for name in TYPES if name in found) + tuple(sorted(found - set(TYPES)))
    in_space = _in_space(sides, options, paths)
    flat = [note for side in sides for note in (_flat(side, names) if in_space else ())]
    return Comparison(
        evaluation="kitti",
        frames=frames,
        categories=categories,
        truth=truth.compared(categories, in_space),
        deployed=deployed.compared(categories, in_space),
        candidate=candidate.compared(categories, in_space),
        drive_from=drive_from,
        notes=(*truth.notes, *deployed.notes, *candidate.notes, *flat),
        rate_hz=options.rate_hz,
    )


def recognises(path: Path) -> bool:
    """Whether a frame's file begins with a label or a result, or it is a folder of tracks."""
    if looks_like_tracking(path):
        return True
    try:
        files, _ = _frame_files(path, "truth")
        for file in list(files.values())[:100]:
            with file.open(encoding="utf-8-sig") as text:
                if first := text.readline(10_000).split():
                    numbers = [float(number) for number in first[1:]]
                    return len(numbers) in {LABEL_FIELDS - 1, RESULT_FIELDS - 1}
    except (RidealongError, OSError, ValueError):
        return False
    return False


def _frame_files(path: Path, role: Role) -> tuple[dict[str, Path], list[Note]]:
    """The files of a folder that are named by a number, by that number; and what is odd."""
    if not path.is_dir():
        what = "is not a folder" if path.exists() else "there is no such folder"
        raise RidealongError(what, where=path, expected="a folder with files like 000000.txt")
    for folder in (path, *(path / name for name in SUBFOLDERS)):
        files = [file for file in _listed(folder) if not file.name.startswith(".")]
        frames = {file.stem: file for file in files if file.suffix == ".txt" and _numbered(file)}
        if frames:
            others = [f.name for f in files if f not in frames.values() and f.name not in FILES]
            text = "files are not named like 000000.txt; not read"
            return frames, note("other-files", role, len(others), text, others)
    raise RidealongError(
        "has no label files", where=path, expected="a text file per frame, named like 000000.txt"
    )


def _listed(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        return sorted(file for file in folder.iterdir() if file.is_file() or file.is_symlink())
    except OSError as error:
        raise RidealongError((error.strerror or str(error)).lower(), where=folder) from error


def _numbered(file: Path) -> bool:
    return file.stem.isascii() and file.stem.isdigit()


def _frames(folder: Path, names: list[str], options: ReadOptions) -> tuple[Frames, str]:
    """The frames of the ground truth, and what tells their drives apart."""
    origin = origin_of(folder, names)
    fields = {"frame": names} if origin is None else {"drive": origin.drive, "date": origin.date}
    field = options.drive or next(iter(fields))
    if field not in fields:
        hint = nearest(field, list(fields))
        if origin is None:
            hint += f"; the devkit's {' and '.join(FILES)} beside the labels give the drives"
        raise RidealongError(f"frames have no field {field!r}", where=folder, hint=hint)
    time_s = np.full(len(names), np.nan) if origin is None else origin.time_s
    attributes = {} if origin is None else {"date": origin.date}
    # Frames of one drive in the order of time; the evaluation does not depend on the order.
    order = np.lexsort((np.arange(len(names)), time_s, np.array(fields[field])))
    drive, name = (pa.array(values, pa.string()).take(order) for values in (fields[field], names))
    columns = {name: pa.array(values).take(order) for name, values in attributes.items()}
    image = pc.binary_join_element_wise(name, IMAGE_SUFFIX, "")
    frames = Frames(name, drive, time_s[order], image, pa.table(columns))
    return frames, EACH_ITS_OWN if field == "frame" else field


def _results(path: Path, names: Sequence[str], role: Role) -> Side:
    files, notes = _frame_files(path, role)
    known = set(names)
    unknown = sorted(files.keys() - known)
    if len(unknown) == len(files):
        raise RidealongError(
            f"none of its {len(files)} frames is in the ground truth; the first is {unknown[0]}",
            where=path,
            expected=f"names as in the ground truth, such as {names[0]}",
        )
    missing = sorted(known - files.keys())
    text = "frames are not in the ground truth; files not read"
    notes += note("unknown-frames", role, len(unknown), text, unknown)
    text = "frames of the ground truth have no results; nothing was found there"
    notes += note("frames-without-results", role, len(missing), text, missing)
    return _side(files, names, role, notes)


def _side(
    files: Mapping[str, Path], names: Sequence[str], role: Role, notes: Sequence[Note]
) -> Side:
    """Read a side's files of these frames, and leave out the lines that cannot be used."""
    there = [at for at, name in enumerate(names) if name in files]
    fields = LABEL_FIELDS if role == "truth" else RESULT_FIELDS
    lines = read_lines([files[names[at]] for at in there], fields)
    frame = np.asarray(there, np.int64)[lines.file]
    types, type_ = _spelled(lines.types, lines.type)
    kept, odd = usable(lines.numbers, role)
    named = [
        one
        for kind, which, text in odd
        for one in note(kind, role, which.sum(), text, _names_of(frame[which], names))
    ]
    counts = np.bincount(type_, minlength=len(types))
    strange = [at for at, name in enumerate(types) if name not in TYPES]
    text = "boxes are of types that KITTI does not have; not scored"
    strangers = note(
        "unknown-classes", role, counts[strange].sum(), text, [types[k] for k in strange]
    )
    numbers = lines.numbers
    if not kept.all():  # a copy takes memory
        frame, type_, numbers = frame[kept], type_[kept], numbers[kept]
    boxes = boxes_of(role, frame, type_, types, numbers)
    return Side(role, tuple(types), boxes, (*notes, *named, *strangers))


def _spelled(types: Sequence[str], type_: Ints) -> tuple[list[str], Ints]:
    """The types as the benchmark spells them; it does not distinguish upper and lower case."""
    known = {name.lower(): name for name in TYPES}
    spelled = [known.get(name.lower(), name) for name in types]
    unique = list(dict.fromkeys(spelled))
    codes = np.asarray([unique.index(name) for name in spelled], np.int64)
    return unique, codes[type_]


def _in_space(sides: Sequence[Side], options: ReadOptions, paths: ResultPaths) -> bool:
    """Whether boxes in space are compared: the ground truth has some, and a network has."""
    truth, *networks = (bool(side.in_space.any()) for side in sides)
    if options.task == "boxes3d" and not (truth and any(networks)):
        where = paths.deployed if truth else paths.truth
        raise RidealongError("no line has a box in space", where=where, hint="try --task objects")
    return options.task != "objects" and truth and any(networks)


def _flat(side: Side, names: Sequence[str]) -> list[Note]:
    """A note about boxes that are in the image alone, where others are in space too."""
    image = side.boxes.image
    flat = ~side.in_space & ~image.crowd
    text = "boxes have no place in space or no size above 0 there; not matched in space"
    examples = _names_of(image.frame[flat], names)
    return note("boxes-not-in-space", side.role, flat.sum(), text, examples)


def _names_of(frame: Ints, names: Sequence[str]) -> list[str]:
    """The names of the first different frames."""
    return [names[at] for at in dict.fromkeys(frame[: 100 * EXAMPLES].tolist())]


FORMAT = ResultFormat("kitti", "KITTI object detection or tracking", read, recognises)
