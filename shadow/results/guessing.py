"""Which format a file has, if it is not the one that the user stated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.results.registry import FORMATS
from ingest.results.statistics.files import is_statistics
from ridealong.errors import RidealongError
from shadow.results.request import STATISTICS


@dataclass(frozen=True)
class _Kind:
    """A format of files: its name, its title, and whether a file looks like it."""

    name: str
    title: str
    recognises: Callable[[Path], bool]


def check_format(stated: str, files: Mapping[str, Path]) -> None:
    """Refuse a file that does not look like the stated format, and looks like another.

    Raises:
        RidealongError: There is one; the message says what it looks like.
    """
    kinds = [_Kind(one.name, one.title, one.recognises) for one in FORMATS.usable.values()]
    kinds.append(_Kind(STATISTICS, "statistics", is_statistics))
    own = next((kind for kind in kinds if kind.name == stated), None)
    for path in files.values():
        if own is None or own.recognises(path):
            continue
        other = next((kind for kind in kinds if kind is not own and kind.recognises(path)), None)
        if other is not None:
            raise RidealongError(
                f"the file looks like {other.title}, not like {own.title}",
                where=path,
                hint=f"did you mean --format {other.name}?",
            )
