"""The kinds of log that ridealong reads, by name.

A new kind is a class with the methods of `ridealong.perception.recording.Source` and a line here:
see ``docs/sources.md``.
"""

from ingest.sources.comma2k19.source import Comma2k19Source
from ingest.sources.parquet import ParquetSource
from ingest.sources.simulation.source import SimulationSource
from ingest.sources.video.source import VideoSource
from ridealong.errors import RidealongError
from ridealong.perception.recording import Source
from ridealong.specs import nearest

# In the order in which they are asked whether they recognise a path.
SOURCES: dict[str, Source] = {
    source.name: source
    for source in (Comma2k19Source(), SimulationSource(), ParquetSource(), VideoSource())
}


def sources_called(name: str | None) -> list[Source]:
    """The source of that name; without a name, all of them.

    Raises:
        RidealongError: No such source; the nearest is suggested.
    """
    if name is None:
        return list(SOURCES.values())
    if name not in SOURCES:
        raise RidealongError(f"unknown source {name!r}", hint=nearest(name, list(SOURCES)))
    return [SOURCES[name]]
