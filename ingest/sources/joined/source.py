"""``joined``: telemetry and video of one drive, in files of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.sources.joined.pairs import SOURCE, judge, pair_of, telemetry_source
from ingest.sources.joined.spec import DRIVE_FILE
from ingest.sources.joined.stated import read_spec, stated_drive
from ingest.sources.table.spec import mapping_text, parse_mapping
from ingest.sources.video.source import SUFFIXES as VIDEO
from ingest.sources.video.source import VideoSource
from ridealong.errors import UnreadableError
from ridealong.perception.recording import DriveFiles, Recording, Source


@dataclass
class JoinedSource:
    """A folder with a ``drive.yaml``, or telemetry and videos of one name whose times overlap."""

    mapping: str | None = None
    name: str = SOURCE
    needs_mapping: bool = False

    def mapped(self, mapping: str, where: str) -> Source:
        """The source for tables that are read with a mapping."""
        return JoinedSource(mapping_text(parse_mapping(mapping, where)))

    def recognises(self, path: Path) -> bool:
        """Whether it has a ``drive.yaml``, or another file has its name."""
        if path.is_dir():
            return (path / DRIVE_FILE).is_file()
        return pair_of(path, self.mapping) is not None

    def discover(self, path: Path) -> list[DriveFiles]:
        """The drive; if two files of one name are no pair, what the given one is alone."""
        if path.is_dir():
            return [stated_drive(path)]
        pair = pair_of(path, self.mapping)
        joined = judge(pair, self.mapping).joined if pair else None
        if joined is not None:
            return [joined]
        is_video = path.suffix.lower() in VIDEO
        return (VideoSource() if is_video else telemetry_source(self.mapping)).discover(path)

    def remarks(self, path: Path) -> Sequence[str]:
        """Why two files of one name are two drives, once for both."""
        pair = None if path.is_dir() else pair_of(path, self.mapping)
        if pair is None or path != pair.telemetry:
            return ()
        why = judge(pair, self.mapping).why
        said = f"{path.parent}: not one drive: {why}; if they are one, say so in a {DRIVE_FILE}"
        return (said,) if why else ()

    def open(self, files: DriveFiles) -> Recording:
        """Open one drive; raises `UnreadableError` if a file cannot be read."""
        from ingest.sources.joined.opening import open_pair, open_stated

        path = Path(files.path)
        if path.is_dir():
            return open_stated(files, path, read_spec(path))
        pair = pair_of(path, files.mapping)
        if pair is None:
            raise UnreadableError("its video is gone", where=path)
        return open_pair(files, pair)
