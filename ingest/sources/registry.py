"""The kinds of log that ridealong reads: its own, and those of installed packages.

A source is a class with the methods of `ridealong.perception.recording.Source`. Ours are listed
here; an installed package names its class in the entry point group ``ridealong.sources``. See
``docs/extending.md``.
"""

from functools import cache
from importlib.metadata import EntryPoint

from ingest.sources.comma2k19.source import Comma2k19Source
from ingest.sources.parquet import ParquetSource
from ingest.sources.simulation.source import SimulationSource
from ingest.sources.video.source import VideoSource
from ridealong.errors import NotInstalledError
from ridealong.installed import broken, installed, load
from ridealong.perception.recording import DriveFiles, Recording, Source
from ridealong.specs import nearest

GROUP = "ridealong.sources"

# In the order in which they are asked whether they recognise a path; installed ones come after.
BUILT_IN: tuple[Source, ...] = (
    Comma2k19Source(),
    SimulationSource(),
    ParquetSource(),
    VideoSource(),
)


def source_names() -> list[str]:
    """The names of all sources, in the order in which they are asked; no package is imported.

    Raises:
        RidealongError: Two sources have one name.
    """
    return [source.name for source in BUILT_IN] + list(_installed())


def sources_called(name: str | None) -> list[Source]:
    """The source of that name; without a name, all of them.

    Raises:
        NotInstalledError: No such source (the nearest is suggested), or it is broken.
    """
    return [source(each) for each in (source_names() if name is None else [name])]


@cache
def source(name: str) -> Source:
    """The source of that name.

    Raises:
        NotInstalledError: No such source (the nearest is suggested), or it is broken.
    """
    own = next((source for source in BUILT_IN if source.name == name), None)
    if own is not None:
        return own
    if name not in _installed():
        raise NotInstalledError(f"unknown source {name!r}", hint=nearest(name, source_names()))
    return _made(_installed()[name])


def open_drive(files: DriveFiles) -> Recording:
    """Open one drive by the source that found it.

    Raises:
        UnreadableError: A file of it cannot be read.
        NotInstalledError: The source is not installed here, or is broken.
    """
    return source(files.source).open(files)


@cache
def _installed() -> dict[str, EntryPoint]:
    return installed(GROUP, taken=[source.name for source in BUILT_IN])


def _made(point: EntryPoint) -> Source:
    """An instance of the class that an entry point names."""
    kind = load(point)
    try:
        made = kind()
    except Exception as error:  # a foreign class may raise anything
        raise broken(point, f"cannot be made ({type(error).__name__}: {error})") from error
    if not isinstance(made, Source):
        raise broken(
            point,
            f"is not a source, but a {type(made).__name__}",
            expected="a class with name, recognises, discover and open",
        )
    if made.name != point.name:
        raise broken(point, f"is called {made.name!r} by its class", expected="the same name")
    return made
