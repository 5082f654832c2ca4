"""What a user asks for when scoring result files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.results.format import ReadOptions

STATISTICS = "statistics"  # the format without ground truth


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
