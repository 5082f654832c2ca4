"""Folders of segments: ``<dongle>|<date>--<time>/<n>``, or with ``_`` for ``|``."""

import re
from pathlib import Path

from ingest.sources.files import is_hidden
from ridealong.errors import UnreadableError

ROUTE = re.compile(r"(?P<dongle>[0-9a-f]{16})[|_](?P<start>\d{4}-\d\d-\d\d--\d\d-\d\d-\d\d)")


def segments_under(path: Path) -> list[Path]:
    """``path`` itself if it is a segment, and the segments below it, by route and number."""
    if not path.is_dir():
        return []
    root = path.absolute()
    below = [folder for folder in root.rglob("*") if not is_hidden(folder, root)]
    found = [folder for folder in (root, *below) if is_segment(folder)]
    return sorted(found, key=lambda folder: (str(folder.parent), int(folder.name)))


def is_segment(folder: Path) -> bool:
    """Whether a folder is named like a segment, and its parent like a route."""
    is_numbered = folder.name.isascii() and folder.name.isdigit()
    return is_numbered and bool(ROUTE.fullmatch(folder.parent.name)) and folder.is_dir()


def route_of(segment: Path) -> dict[str, str]:
    """``dongle`` and ``start`` of a segment's route, from the name of its parent folder.

    Raises:
        UnreadableError: The parent is not named like a route.
    """
    match = ROUTE.fullmatch(segment.parent.name)
    if match is None:
        raise UnreadableError("is not a comma2k19 segment", where=segment)
    return match.groupdict()
