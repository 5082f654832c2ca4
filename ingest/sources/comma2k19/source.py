"""``--source comma2k19``: segments of comma.ai's dataset, as logged by an EON and a panda.

A segment (``<dongle>|<date>--<time>/<n>``, or with ``_`` for ``|``) is one drive of up to a minute;
the segments of one route share a cluster.
"""

from pathlib import Path

from ingest.sources.comma2k19.segments import is_segment, route_of, segments_under
from ingest.sources.files import drive_identity, hash_files
from ridealong.errors import RidealongError
from ridealong.perception.recording import DriveFiles, Recording


class Comma2k19Source:
    """Segments of comma2k19: one segment, one drive."""

    name = "comma2k19"

    def recognises(self, path: Path) -> bool:
        """Whether it is a segment's folder."""
        return is_segment(path.absolute())

    def discover(self, path: Path) -> list[DriveFiles]:
        """The segments under ``path``, by route and number."""
        segments = segments_under(path)
        if not segments:
            raise RidealongError(
                "no comma2k19 segment",
                where=path,
                expected="folders <dongle>|<date>--<time>/<segment>, '_' for '|' is fine",
            )
        return [_drive_files(segment) for segment in segments]

    def open(self, files: DriveFiles) -> Recording:
        """Open a segment; raises `UnreadableError` if its poses, speed or any array are invalid."""
        from ingest.sources.comma2k19.recording import Comma2k19Recording

        return Comma2k19Recording(files)


def _drive_files(segment: Path) -> DriveFiles:
    sha256, size = hash_files(segment, [file for file in segment.rglob("*") if not file.is_dir()])
    route = route_of(segment)
    name = f"{route['dongle']}_{route['start']}--{segment.name}"
    return DriveFiles(
        Comma2k19Source.name, drive_identity(name, sha256), str(segment), sha256, size
    )
