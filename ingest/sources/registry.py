"""The kinds of log that ridealong reads: its own, and those of installed packages.

A source is a class with the methods of `ridealong.perception.recording.Source`. Ours are listed
here; an installed package names its class in the entry point group ``ridealong.sources``. See
``docs/extending.md``.
"""

from pathlib import Path

from ingest.sources.bags.source import McapSource, Ros2Source
from ingest.sources.comma2k19.source import Comma2k19Source
from ingest.sources.joined.source import JoinedSource
from ingest.sources.parquet import ParquetSource
from ingest.sources.simulation.source import SimulationSource
from ingest.sources.table.source import TableSource
from ingest.sources.video.source import VideoSource
from ridealong.errors import RidealongError
from ridealong.perception.recording import ByMapping, DriveFiles, Recording, Source
from ridealong.registry import Registry

SOURCES: Registry[Source] = Registry(
    group="ridealong.sources",
    noun="source",
    # In the order in which they are asked whether they recognise a path; installed ones come after.
    built_in=(
        Comma2k19Source(),
        SimulationSource(),
        Ros2Source(),
        McapSource(),
        JoinedSource(),
        ParquetSource(),
        VideoSource(),
        TableSource(),
    ),
    type=Source,
    expected="a class with name, recognises, discover and open",
    make=lambda named: named(),
)


def source_names() -> list[str]:
    """The names of all sources, in the order in which they are asked; no package is imported.

    Raises:
        RidealongError: Two sources have one name.
    """
    return SOURCES.names()


def sources_called(name: str | None) -> list[Source]:
    """The source of that name; without a name, all of them.

    Raises:
        NotInstalledError: No such source (the nearest is suggested), or it is broken.
    """
    return [source(each) for each in (source_names() if name is None else [name])]


def source(name: str) -> Source:
    """The source of that name.

    Raises:
        NotInstalledError: No such source (the nearest is suggested), or it is broken.
    """
    return SOURCES.find(name)


def mapped(source: Source, mapping: str | None, where: str) -> Source:
    """The source with a mapping file, given as text; ``where`` names it in messages.

    Raises:
        RidealongError: It needs a mapping and there is none, or it takes none, or the text is not
            one.
    """
    reader: object = source  # or it would be narrowed to neither protocol
    if isinstance(reader, ByMapping) and mapping is not None:
        return reader.mapped(mapping, where)
    if mapping is not None:
        raise RidealongError(f"source {source.name!r} takes no mapping", where=where)
    if isinstance(reader, ByMapping) and reader.needs_mapping:
        raise RidealongError(
            f"source {source.name!r} needs a mapping: which column is which signal",
            expected="--map MAP.yaml",
            hint="propose one with `ridealong sources map FILE --out MAP.yaml`",
        )
    return source


def recognises(source: Source, path: Path) -> bool:
    """Whether a path is one log of that source.

    Raises:
        NotInstalledError: The source fails on it; the message names its package.
    """
    with SOURCES.running(source.name, f"cannot tell whether {path} is its log"):
        return source.recognises(path)


def open_drive(files: DriveFiles) -> Recording:
    """Open one drive by the source that found it.

    Raises:
        UnreadableError: A file of it cannot be read.
        NotInstalledError: The source is not installed here, or is broken.
    """
    return source(files.source).open(files)
