"""Finds the recordings of drives that are in the lake, and tells whether they are still the same.

A drive's row has the path that it was read from. A recording that is gone, or whose files have
changed, cannot show what the lake's telemetry says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ingest.drives import DriveOutcome
from ingest.sources.registry import mapped, recognises, source
from ridealong.errors import UnreadableError
from ridealong.execution.failures import described
from ridealong.perception.recording import DriveFiles
from ridealong.terminal.progress import SILENT, Steps

CLIMBS = 3  # a drive may be in a folder of its log: a simulated one is two levels below


@dataclass(frozen=True)
class Revisited:
    """Drives whose recordings are as they were, and for each other drive what is wrong."""

    there: tuple[DriveOutcome, ...]
    missing: tuple[tuple[DriveOutcome, str], ...]


def is_there(files: DriveFiles) -> bool:
    """Whether something is where the recording was; its content is not looked at."""
    return Path(files.path).exists()


def revisit(drives: Sequence[DriveOutcome], steps: Steps = SILENT) -> Revisited:
    """Find the drives' recordings again, and compare their content with the lake's."""
    logs = _Logs()
    there, missing = [], []
    for drive in drives:
        found = logs.find(drive.plan.files)
        if isinstance(found, str):
            missing.append((drive, found))
        else:
            there.append(replace(drive, plan=replace(drive.plan, files=found)))
        steps.advance()
    return Revisited(tuple(there), tuple(missing))


@dataclass
class _Logs:
    """The logs that were searched: each is read once, for all its drives."""

    found: dict[tuple[Path, str | None], list[DriveFiles]] = field(default_factory=dict)

    def find(self, files: DriveFiles) -> DriveFiles | str:
        """The recording as it is now, or what is wrong; one sentence for all of a folder."""
        path = Path(files.path)
        if not is_there(files):
            return f"the recording is gone from {path.parent}"
        try:
            drives = self._drives_of(files)
        except Exception as error:  # as in discovery: a bad log does not stop the others
            return described(error)
        same = next((one for one in drives if one.sha256 == files.sha256), None)
        return same or f"the recording in {path.parent} has changed, or cannot be read"

    def _drives_of(self, files: DriveFiles) -> list[DriveFiles]:
        reader, path = source(files.source), Path(files.path)
        if files.mapping is not None:
            reader = mapped(reader, files.mapping, "the drive's mapping")
        for log in (path, *path.parents[:CLIMBS]):
            known = log, files.mapping
            if known in self.found:
                return self.found[known]
            if recognises(reader, log):
                self.found[known] = reader.discover(log)
                return self.found[known]
        raise UnreadableError(
            f"there is no log of the kind {files.source!r} in {path.parent} any more"
        )
