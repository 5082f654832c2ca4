"""The kinds of networks, by the ``kind`` of their manifests: ridealong's own, and installed ones.

Ours are listed here; an installed package names its `NetworkKind` in the entry point group
``ridealong.networks``, under the kind's name. A module that defines a kind must be cheap to import:
it imports torch and the like inside its functions.
"""

from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from ridealong.errors import NotInstalledError
from ridealong.installed import broken, installed, load
from ridealong.specs import nearest
from shadow.networks.hydranet.kind import HYDRANET
from shadow.networks.network import NetworkKind

GROUP = "ridealong.networks"
BUILT_IN: tuple[NetworkKind[Any], ...] = (HYDRANET,)


def kind_names() -> list[str]:
    """The names of all kinds, ours first; no package is imported.

    Raises:
        RidealongError: Two kinds have one name.
    """
    return [kind.name for kind in BUILT_IN] + list(_installed())


@cache
def find_kind(name: str) -> NetworkKind[Any]:
    """The kind of that name.

    Raises:
        NotInstalledError: No such kind (the nearest is suggested), or it is broken.
    """
    own = next((kind for kind in BUILT_IN if kind.name == name), None)
    if own is not None:
        return own
    if name not in _installed():
        raise NotInstalledError(
            f"unknown kind of network {name!r}",
            hint=f"{nearest(name, kind_names())}; other kinds come with installed packages",
        )
    return _loaded(_installed()[name])


@cache
def _installed() -> dict[str, EntryPoint]:
    return installed(GROUP, taken=[kind.name for kind in BUILT_IN])


def _loaded(point: EntryPoint) -> NetworkKind[Any]:
    kind = load(point)
    if not isinstance(kind, NetworkKind):
        raise broken(
            point,
            f"is not a kind of network, but a {type(kind).__name__}",
            expected="a shadow.networks.network.NetworkKind",
        )
    if kind.name != point.name:
        raise broken(point, f"is called {kind.name!r} by its object", expected="the same name")
    return kind
