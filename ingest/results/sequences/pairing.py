"""The text files of sequences, and which of them belong together.

Ground truth and results are either one file each, or folders. Files of two folders belong together
if their sequences have the same name.
"""

import configparser
from dataclasses import dataclass
from pathlib import Path

from ridealong.errors import RidealongError
from ridealong.perception.result_files import Note, Role

SUFFIX = ".txt"
EXAMPLES = 3
# Text files that stand beside those of sequences and hold something else.
_OTHERS = frozenset({"readme", "labels", "seqmap", "evaluate_tracking"})


@dataclass(frozen=True)
class Sequence:
    """One sequence.

    Attributes:
        name: Its name, by which files belong together.
        path: Its text file.
        length: Number of frames, if seqinfo.ini says so.
        rate_hz: Frames a second, if seqinfo.ini says so.
        image: Path of an image below the folder of images, before and after the six digits of its
            number; None if unknown.
        size: Width and height of its images in pixels, if seqinfo.ini says so.
    """

    name: str
    path: Path
    length: int | None = None
    rate_hz: float | None = None
    image: tuple[str, str] | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class SequenceFiles:
    """A sequence's results in each of two files; None where there are none."""

    truth: Sequence
    deployed: Path | None
    candidate: Path | None


def find_sequences(path: Path) -> dict[str, Sequence]:
    """The sequences of a file or folder by name, in the order of names.

    A folder holds ``SEQUENCE/gt/gt.txt``, or ``SEQUENCE.txt``, or the latter in a folder ``data``
    (TrackEval) or ``label_02`` (KITTI).

    Raises:
        RidealongError: Nothing is there, or ``seqinfo.ini`` cannot be read.
    """
    if path.is_file():
        return {_name_of(path): _sequence(_name_of(path), path)}
    if not path.is_dir():
        raise RidealongError("no such file or folder", where=path)
    if (path / "gt/gt.txt").is_file():
        return find_sequences(path / "gt/gt.txt")
    files = {folder.name: folder / "gt/gt.txt" for folder in _listed(path)}
    files = {name: file for name, file in files.items() if file.is_file()}
    for folder in (path, path / "data", path / "label_02"):
        files = files or (_flat(folder) if folder.is_dir() else {})
    if not files:
        raise RidealongError(
            "holds no sequences", where=path, expected="SEQUENCE/gt/gt.txt, or SEQUENCE.txt"
        )
    return {name: _sequence(name, file) for name, file in files.items()}


def pair_sequences(
    truth: Path, deployed: Path, candidate: Path
) -> tuple[list[SequenceFiles], list[Note]]:
    """The sequences of the ground truth with their results.

    Raises:
        RidealongError: A network has results of none of them, or `find_sequences` raises.
    """
    labelled = find_sequences(truth)
    notes: list[Note] = []
    paths: dict[Role, dict[str, Path]] = {}
    both: tuple[tuple[Role, Path], ...] = (("deployed", deployed), ("candidate", candidate))
    for role, path in both:
        paths[role] = _results(labelled, truth, path)
        notes += _one_sided(role, labelled, paths[role])
    sequences = [
        SequenceFiles(sequence, paths["deployed"].get(name), paths["candidate"].get(name))
        for name, sequence in labelled.items()
    ]
    return sequences, notes


def named(names: list[str]) -> tuple[str, ...]:
    """The first names, for a `Note`."""
    return tuple(names[:EXAMPLES])


def _results(labelled: dict[str, Sequence], truth: Path, path: Path) -> dict[str, Path]:
    found = {name: sequence.path for name, sequence in find_sequences(path).items()}
    if len(labelled) == 1 and path.is_file():
        return {next(iter(labelled)): path}  # one file each: their names may differ
    if path.is_file():
        raise RidealongError(
            "is one file",
            where=path,
            expected=f"a folder, because {truth} holds {len(labelled):,} sequences",
        )
    if not labelled.keys() & found.keys():
        raise RidealongError(
            f"holds results of {', '.join(named(list(found)))}, "
            f"but the ground truth is of {', '.join(named(list(labelled)))}",
            where=path,
            expected="text files with the names of the ground truth's sequences",
        )
    return found


def _one_sided(role: Role, labelled: dict[str, Sequence], found: dict[str, Path]) -> list[Note]:
    without = [name for name in labelled if name not in found]
    unknown = [name for name in found if name not in labelled]
    notes = []
    if without:
        text = "sequences have no results; nothing was found there"
        notes.append(Note("sequences-without-results", role, len(without), text, named(without)))
    if unknown:
        text = "sequences have no ground truth; results left out"
        notes.append(Note("sequences-without-truth", role, len(unknown), text, named(unknown)))
    return notes


def _listed(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir())
    except OSError as error:
        raise RidealongError(f"cannot be read ({error.strerror})", where=path) from error


def _flat(path: Path) -> dict[str, Path]:
    return {
        file.stem: file
        for file in _listed(path)
        if file.suffix.lower() == SUFFIX and file.is_file() and not _is_other(file.stem)
    }


def _is_other(stem: str) -> bool:
    return stem.lower() in _OTHERS or stem.startswith(".")


def _name_of(path: Path) -> str:
    """A sequence's name: ``SEQUENCE/gt/gt.txt``, ``SEQUENCE/gt.txt`` or ``SEQUENCE.txt``."""
    path = path.absolute()
    if path.stem != "gt":
        return path.stem
    folder = path.parent.parent if path.parent.name == "gt" else path.parent
    return folder.name or path.stem


def _sequence(name: str, path: Path) -> Sequence:
    """What seqinfo.ini says of a sequence; it lies beside the file or its folder gt."""
    folder = path.absolute().parent
    folder = folder.parent if folder.name == "gt" else folder
    ini = folder / "seqinfo.ini"
    if path.name != "gt.txt" or not ini.is_file():
        return Sequence(name, path)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(ini.read_text("utf-8-sig"), ini.name)
        section = parser["Sequence"]
        length, rate_hz = section.getint("seqLength"), section.getfloat("frameRate")
        wide, high = section.getint("imWidth"), section.getint("imHeight")
    except (configparser.Error, KeyError, ValueError, OSError) as error:
        raise RidealongError(
            f"cannot be read ({' '.join(str(error).split())})",
            where=ini,
            expected="[Sequence] with seqLength and frameRate",
        ) from error
    if (length is not None and length < 1) or (rate_hz is not None and not 0 < rate_hz < 1e6):
        raise RidealongError(
            f"seqLength is {length} and frameRate {rate_hz}", where=ini, expected="both above 0"
        )
    image = f"{folder.name}/{section.get('imDir', 'img1')}/", section.get("imExt", ".jpg")
    size = (wide, high) if wide and high else None
    return Sequence(name, path, length, rate_hz, image, size)
