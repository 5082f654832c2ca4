"""The plan of a replay: what to do with each clip, in which batches, and how each clip ended.

Planning makes it, the pipeline hands it out, and workers follow it: all of it can be pickled.
"""

from dataclasses import dataclass
from pathlib import Path

from ridealong.execution.accounting import Status
from ridealong.lake import DataFile
from shadow.keys import ScoreUnit, stored_by


@dataclass(frozen=True)
class ClipPlan:
    """What to do with one clip.

    Attributes:
        clip_id, drive_id: Which clip.
        blob: Its file, relative to the home.
        labels: The version of its labels.
        labels_blob: Their file, relative to the home; None if it is the clip's own.
        units: What to score.
        run: The networks (sha256) to run.
        keep: Those of them whose outputs are not stored yet.
        from_kept: The networks whose stored outputs are scored, each with the file that holds them
            (relative to the home), or with None if it has no output on this clip.
        commit_id: Of its batch; its files are written under it.
    """

    clip_id: str
    drive_id: str
    blob: str
    labels: str = ""
    labels_blob: str | None = None
    units: tuple[ScoreUnit, ...] = ()
    run: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    from_kept: tuple[tuple[str, str | None], ...] = ()
    commit_id: str = ""


@dataclass(frozen=True)
class ClipOutcome:
    """How one clip ended.

    Attributes:
        item_id: The clip.
        status: Whether it was scored.
        reason: Why not.
        by_network: Whether a network failed on it, although the clip can be read.
        replayed: Whether a network was run; if not, stored outputs were scored.
        frames: Frames on which networks were run.
        unscored: What could not be scored, and why.
        written: The files that were written.
    """

    item_id: str
    status: Status
    reason: str | None = None
    by_network: bool = False
    replayed: bool = False
    frames: int = 0
    unscored: tuple[str, ...] = ()
    written: tuple[DataFile, ...] = ()


@dataclass(frozen=True)
class NetworkFile:
    """A network as workers find it: identity, manifest as JSON, artifact relative to the home."""

    sha256: str
    manifest: str
    blob: str | None


@dataclass(frozen=True)
class Batch:
    """Clips that are committed together; each of them carries the batch's commit id."""

    commit_id: str
    clips: tuple[ClipPlan, ...]


@dataclass(frozen=True)
class ReplayPlan:
    """One replay; without its batches it is small enough to be pickled into every worker.

    Attributes:
        home: The lake's folder.
        networks: Those of the run; each once.
        batches: What to do with each clip, in the order in which it is to be done.
        rate_hz: Frames judged a second: that of the slower network.
        definition: As `shadow.keys.judged_by`: definitions of families, and frame rate.
        device: Where the networks run, as their kinds name it.
    """

    home: Path
    networks: tuple[NetworkFile, ...]
    batches: tuple[Batch, ...]
    rate_hz: float
    definition: str
    device: str

    @property
    def clips(self) -> tuple[ClipPlan, ...]:
        """The clips of all batches."""
        return tuple(clip for batch in self.batches for clip in batch.clips)

    @property
    def stored_by(self) -> str:
        """What outputs are stored under."""
        return stored_by(self.rate_hz)
