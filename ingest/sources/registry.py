"""The kinds of log that ridealong reads, by name.

A new kind is a class with the methods of `ingest.recording.Source` and a line here: see
``docs/sources.md``.
"""

from pathlib import Path

from ingest.errors import RidealongError
from ingest.recording import Source
from ingest.sources.comma2k19 import Comma2k19Source
from ingest.sources.files import require_existing
from ingest.sources.parquet import ParquetSource
from ingest.sources.simulation import SimulationSource
from ingest.sources.video import VideoSource
from ingest.specs import nearest

# In the order in which they are asked whether they recognise a path: the most particular first
# (a comma2k19 folder may hold a video, too, and a simulated fleet is made of Parquet files).
SOURCES: dict[str, Source] = {
    source.name: source
    for source in (Comma2k19Source(), SimulationSource(), ParquetSource(), VideoSource())
}


def find_source(name: str | None, path: Path) -> Source:
    """The source of that name; without a name, the first that recognises ``path``.

    Raises:
        RidealongError: No such source (the nearest is suggested), no such path, or nobody
            recognises it.
    """
    if name is not None and name not in SOURCES:
        raise RidealongError(f"unknown source {name!r}", mend=nearest(name, list(SOURCES)))
    require_existing(path)
    if name is not None:
        return SOURCES[name]
    for source in SOURCES.values():
        if source.recognises(path):
            return source
    raise RidealongError(
        "no kind of log that is known",
        where=path,
        expected="one of " + ", ".join(SOURCES),
        mend="name it with --source if it is one",
    )
