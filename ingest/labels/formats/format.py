"""What a file format of an export is: a writer, and what the format can hold."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.labels.lineage import ExportHead
from ingest.labels.neutral import ExportClip, LabelNames, Shape
from ridealong.perception.forms import Form

CANDIDATE = "candidate"  # the network whose pre-labels a labeller starts from


class Writer(Protocol):
    """Writes clips in one format; their images are written already."""

    def add(self, clip: ExportClip) -> None:
        """Write a clip."""

    def finish(self) -> None:
        """Write what is left."""

    def close(self) -> None:
        """Close its files, also after an error."""


Prelabels = Mapping[str, Sequence[Shape]]  # by network


def every_prelabel(clip: ExportClip) -> Prelabels:
    """What both networks report, on all images."""
    return clip.prelabels


def suggestions(clip: ExportClip) -> Prelabels:
    """What a labeller starts from: the candidate's pre-labels where nothing is labelled."""
    return {CANDIDATE: clip.suggested(CANDIDATE)}


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: As in ``--format``.
        title: For people.
        images: Folder of the images, below the export's folder.
        forms: The forms of predictions that it can hold.
        writer: Makes a writer: the folder, the names of the labels, the head of the export.
        lacks: What of a label the format cannot hold; an import keeps it unchanged.
        video: Whether it has videos.
        prelabels: Which pre-labels of a clip it has.
    """

    name: str
    title: str
    images: str
    forms: frozenset[Form]
    writer: Callable[[Path, LabelNames, ExportHead], Writer]
    lacks: tuple[str, ...] = ()
    video: bool = False
    prelabels: Callable[[ExportClip], Prelabels] = every_prelabel


def link(image: Path, target: Path) -> None:
    """Give a file a second name, in a folder that exists; a file system without links gets a copy.

    Images that are not there, as in a preview, are left out.
    """
    try:
        os.link(image, target)
    except FileNotFoundError:
        return
    except OSError:
        shutil.copyfile(image, target)


def number(value: float) -> str:
    """A number with all its digits."""
    return repr(float(value))


def texts(attributes: Mapping[str, object]) -> dict[str, str]:
    """Attributes as text: true and false in lower case, numbers with all digits."""
    return {name: _text(value) for name, value in attributes.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value) if isinstance(value, float) else str(value)
