"""Objects that installed packages add to ridealong, found by their entry points.

A package names an object in its ``pyproject.toml``:

    [project.entry-points."ridealong.networks"]
    my_kind = "my_package.networks:KIND"

Only the names are read until an object is asked for, so an unused package costs no import, and a
broken one harms nobody who does not use it.
"""

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from ridealong.errors import RidealongError

T = TypeVar("T")


def entry_point_names(group: str, taken: Collection[str] = ()) -> list[str]:
    """The names in a group, sorted.

    Args:
        group: The group, e.g. ``ridealong.networks``.
        taken: Names that ridealong itself has; no package may use them.

    Raises:
        RidealongError: Two packages use one name, or a package uses a name in ``taken``.
    """
    return sorted(_by_name(group, taken))


def load_entry_point(group: str, name: str, expected: type[T]) -> T:
    """The object behind one name of a group.

    Raises:
        RidealongError: There is no such name, two packages use it, it cannot be imported, or it is
            not an instance of ``expected``.
    """
    found = _by_name(group, ())
    if name not in found:
        raise RidealongError(f"no installed package provides {name!r}", where=group)
    entry_point = found[name]
    try:
        loaded = entry_point.load()
    except Exception as error:
        raise RidealongError(
            f"{name!r} of {_package(entry_point)} cannot be imported: "
            f"{type(error).__name__}: {error}",
            where=f"entry point {group}",
            hint="repair or uninstall the package",
        ) from error
    if not isinstance(loaded, expected):
        raise RidealongError(
            f"{name!r} of {_package(entry_point)} is {type(loaded).__name__}",
            where=f"entry point {group}",
            expected=f"an object of type {expected.__name__}",
        )
    return loaded


def _by_name(group: str, taken: Collection[str]) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry_point in entry_points(group=group):
        name = entry_point.name
        # The same path may be on sys.path twice: one package seen twice is no duplicate.
        if name in found and _identity(found[name]) == _identity(entry_point):
            continue
        if name in taken or name in found:
            other = _package(found[name]) if name in found else "ridealong"
            raise RidealongError(
                f"{name!r} is provided twice: by {other} and by {_package(entry_point)}",
                where=f"entry point {group}",
                hint="uninstall one of them",
            )
        found[name] = entry_point
    return found


def _identity(entry_point: EntryPoint) -> tuple[str, str]:
    return _package(entry_point), entry_point.value


def _package(entry_point: EntryPoint) -> str:
    return f"the package {entry_point.dist.name!r}" if entry_point.dist else repr(entry_point.value)
