"""The extras: the packages of each, and the message if one is not installed.

The base package lists, judges, reports and checks triggers. What simulates, decodes video, runs
networks or serves pages needs packages that are large, so they are extras: see ``pyproject.toml``.
"""

from collections.abc import Iterable
from importlib.util import find_spec

from ridealong.errors import NotInstalledError

# The packages that our own code imports, by extra.
PACKAGES = {
    "simulation": ("numba", "libsumo", "sumo"),
    "networks": ("torch", "safetensors"),
    "video": ("av",),
    "ros": ("rosbags",),
    "dashboard": ("streamlit", "altair", "starlette", "uvicorn"),
    "dask": ("dask", "distributed"),
}


def require(what: str, *extras: str) -> None:
    """Fail before any work if an extra is not installed.

    Args:
        what: What needs them, as a subject: ``the demo``.
        extras: Names of extras, in `PACKAGES`.

    Raises:
        NotInstalledError: A package of one of them is missing.
    """
    missing = [extra for extra in extras if not _is_installed(extra)]
    if missing:
        raise _missing(what, missing)


def missing_extra(error: BaseException) -> NotInstalledError | None:
    """The error to report instead of a failed import, if a package of an extra is missing."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    package = error.name.partition(".")[0]
    for extra, packages in PACKAGES.items():
        if package in packages:
            return _missing("this", [extra])
    return None


def _is_installed(extra: str) -> bool:
    return all(find_spec(package) is not None for package in PACKAGES[extra])


def _missing(what: str, extras: Iterable[str]) -> NotInstalledError:
    names = sorted(extras)
    noun, them = ("extra", "it") if len(names) == 1 else ("extras", "them")
    quoted = ", ".join(f"'{name}'" for name in names)
    return NotInstalledError(
        f"{what} needs the {noun} {quoted}",
        hint=f"install {them} with: pip install 'ridealong[{','.join(names)}]'",
    )
