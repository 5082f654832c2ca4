"""Entry points of installed packages that are networks: found by package and version.

A manifest names an entry point and a package, and never a file or a module: what a user installed
is trusted, and what lies in a folder is not.
"""

import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from ridealong.errors import NotInstalledError, RidealongError
from ridealong.execution.failures import is_full
from ridealong.extras import missing_extra
from ridealong.installed import broken, origin
from ridealong.limits import refused
from ridealong.specs import nearest
from shadow.networks.python.manifest import PythonManifest

GROUP = "ridealong.python"


def find_entry_point(manifest: PythonManifest) -> EntryPoint:
    """The entry point that a manifest names; nothing is imported.

    Raises:
        NotInstalledError: Its package is not installed, or in another version, or does not have it,
            or lies in the current folder only.
    """
    named = entry_points(group=GROUP, name=manifest.entry_point)
    own = [point for point in named if _is_of(point, manifest.package)]
    wanted = f"{manifest.package} {manifest.package_version}"
    if not own:
        others = ", ".join(sorted({origin(point) for point in named}))
        raise NotInstalledError(
            f"no entry point {manifest.entry_point!r} of {manifest.package} in {GROUP} is installed"
            + (f"; {others} has one of that name" if others else ""),
            where=manifest.id,
            hint=f"install {wanted}",
        )
    (point, *_) = own
    assert point.dist is not None
    if point.dist.version != manifest.package_version:
        raise NotInstalledError(
            f"{origin(point)} is installed",
            where=manifest.id,
            expected=f"{wanted}, as in the manifest",
            hint=f"install that version, or register a manifest of {origin(point)} under a new"
            " version",
        )
    _require_installed(point)
    return point


def entry_point_named(name: str) -> EntryPoint:
    """The entry point of that name, of any package; nothing is imported.

    Raises:
        NotInstalledError: There is none, or its package lies in the current folder only.
        RidealongError: Several packages have one.
    """
    points = {origin(point): point for point in entry_points(group=GROUP, name=name)}
    if not points:
        known = sorted({point.name for point in entry_points(group=GROUP)})
        hint = nearest(name, known) if known else "no installed package has one"
        raise NotInstalledError(
            f"there is no file {name!r}, and no entry point of that name in {GROUP}", hint=hint
        )
    if len(points) > 1:
        raise RidealongError(
            f"{name!r} in {GROUP} is an entry point of several packages: {', '.join(points)}",
            hint="uninstall all but one",
        )
    (point,) = points.values()
    _require_installed(point)
    return point


def _require_installed(point: EntryPoint) -> None:
    """Refuse a package that is found only because Python searches the folder where it starts."""
    assert point.dist is not None
    folder, here = Path(str(point.dist.locate_file(""))).resolve(), Path.cwd()
    parts = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = [Path(part).resolve() for part in parts if part]
    if folder == here and here not in named:
        raise NotInstalledError(
            f"{origin(point)} lies in the current folder, and is not installed",
            where=folder,
            hint="install it with pip; code in a folder is not run",
        )


def _is_of(point: EntryPoint, package: str) -> bool:
    return point.dist is not None and _canonical(point.dist.name) == _canonical(package)


def _canonical(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


@contextmanager
def naming(point: EntryPoint, doing: str) -> Iterator[None]:
    """Run a package's code inside a ``with`` block: what it raises names the package and the line.

    A `RidealongError`, a limit of the machine and a missing extra pass unchanged.

    Args:
        point: The package's entry point.
        doing: What fails if it raises, such as ``cannot run bright-1.0``.

    Raises:
        NotInstalledError: The code raised another error, which is its cause.
    """
    try:
        yield
    except RidealongError:
        raise
    except Exception as error:  # a user's code may raise anything
        if refused(error) or is_full(error) or missing_extra(error):
            raise
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise broken(point, f"{doing} ({text}, {_line(point, error)})") from error


def _line(point: EntryPoint, error: Exception) -> str:
    """The last line of the package's own code that ran; libraries that it calls do not count."""
    top = point.module.partition(".")[0]
    lines = traceback.extract_tb(error.__traceback__)
    paths = [Path(line.filename) for line in lines]
    own = [at for at, path in enumerate(paths) if top in (path.stem, *path.parts[:-1])]
    last = own[-1] if own else -1
    return f"{paths[last].name}:{lines[last].lineno}"
