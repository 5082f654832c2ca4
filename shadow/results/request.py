"""What a user asks for when scoring result files."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.results.format import ReadOptions
from ingest.results.registry import FORMATS
from ridealong.errors import RidealongError
from ridealong.specs import nearest

STATISTICS = "statistics"  # the format without ground truth
TASKS = ("objects", "tracks", "boxes3d")


@dataclass(frozen=True)
class ScoreRequest:
    """The request of a user.

    Attributes:
        format: A format's name, or `STATISTICS`.
        truth: The ground truth; None for statistics.
        deployed, candidate: The results of the two networks.
        slices: Attributes to slice by; None: those that suit.
        gate: The gate's file; None: every prediction's main metric.
        threshold: The lowest score that counts, or a YAML file of such by class and network.
        options: How to read the files.
    """

    format: str
    truth: Path | None
    deployed: Path
    candidate: Path
    slices: Sequence[str] | None = None
    gate: Path | None = None
    threshold: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)

    @property
    def files(self) -> dict[str, Path]:
        """The files by role."""
        own = {"deployed": self.deployed, "candidate": self.candidate}
        return own if self.truth is None else {"truth": self.truth, **own}


def check_options(request: ScoreRequest) -> None:
    """Refuse options that do not fit the format.

    Raises:
        RidealongError: The format is unknown, result files have no ground truth, or statistics have
            an option of theirs.
    """
    rate_hz, task = request.options.rate_hz, request.options.task
    if rate_hz is not None and not 0 < rate_hz < math.inf:
        raise RidealongError(f"--fps is {rate_hz}", expected="a number above 0")
    if task not in (None, *TASKS):
        raise RidealongError(f"unknown task {task!r}", hint=nearest(str(task), list(TASKS)))
    if request.format != STATISTICS:
        if request.format not in FORMATS:
            known = [*FORMATS.names(), STATISTICS]
            raise RidealongError(
                f"unknown format {request.format!r}", hint=nearest(request.format, known)
            )
        if request.truth is None:
            raise RidealongError(
                f"--format {request.format} needs --truth", hint="only statistics files need none"
            )
        return
    given = {
        "--truth": request.truth,
        "--drive": request.options.drive,
        "--task": request.options.task,
        "--threshold": request.threshold,
    }
    for option, value in given.items():
        if value is not None:
            raise RidealongError(
                f"--format {STATISTICS} has no {option}", hint="see docs/statistics.md"
            )
