"""What a reader of one format of result files is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ridealong.perception.result_files import Comparison


@dataclass(frozen=True)
class ResultPaths:
    """The files (or folders) that the user names."""

    truth: Path
    deployed: Path
    candidate: Path


@dataclass(frozen=True)
class ReadOptions:
    """How to read them.

    Attributes:
        drive: The field of a frame that names its drive; None: the format's own.
        rate_hz: Frames a second, where the files do not say; None if unknown.
        task: ``objects``, ``tracks`` or ``boxes3d``; None: what the files suggest.
    """

    drive: str | None = None
    rate_hz: float | None = None
    task: str | None = None


@dataclass(frozen=True)
class ResultFormat:
    """A format of result files.

    Attributes:
        name: Its name on the command line.
        title: What people call it, for messages.
        read: Reads all three files.
        recognises: Whether a file or folder looks like this format; it reads as little as it can,
            and never raises for content that it does not understand.
    """

    name: str
    title: str
    read: Callable[[ResultPaths, ReadOptions], Comparison[Any]]
    recognises: Callable[[Path], bool]
