"""What installed packages add to ridealong, through entry points.

Each kind of addition has an entry point group, such as ``ridealong.sources``. Listing a group reads
the packages' metadata only; `load` imports what an entry point names.
"""

from collections.abc import Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ridealong.errors import NotInstalledError, RidealongError


def installed(group: str, taken: Collection[str] = ()) -> dict[str, EntryPoint]:
    """The entry points of a group by name, sorted by name; nothing is imported.

    Args:
        group: Such as ``ridealong.sources``.
        taken: Names that ridealong itself uses in this group.

    Raises:
        RidealongError: Two packages use one name, or a package uses a name of ridealong's own.
    """
    found: dict[str, EntryPoint] = {}
    for point in sorted(set(entry_points(group=group)), key=lambda p: (p.name, origin(p))):
        if point.name in taken or point.name in found:
            owner = origin(found[point.name]) if point.name in found else "ridealong itself"
            raise RidealongError(
                f"{point.name!r} in {group} is a duplicate: {owner} has that name too",
                where=origin(point),
                hint="uninstall one of the two packages, or rename its entry point",
            )
        found[point.name] = point
    return found


def load(point: EntryPoint) -> Any:
    """Import what an entry point names.

    Raises:
        NotInstalledError: The import fails for any reason; the message names the package.
    """
    try:
        return point.load()
    except Exception as error:  # a stranger's module may raise anything
        raise broken(point, f"cannot be loaded ({type(error).__name__}: {error})") from error


def broken(point: EntryPoint, what: str, expected: str | None = None) -> NotInstalledError:
    """The error for an entry point that cannot be used; it names the package."""
    return NotInstalledError(
        f"{point.name!r} in {point.group} {what}",
        where=origin(point),
        expected=expected,
        hint="upgrade or uninstall that package",
    )


def origin(point: EntryPoint) -> str:
    """The package that declares an entry point, with its version."""
    if point.dist is None:
        return "an installed package"
    return f"{point.dist.name} {point.dist.version}"
