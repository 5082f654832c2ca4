"""The kinds of networks, by the ``kind`` of their manifests.

Those that ridealong has are in `BUILT_IN`. An installed package adds one by an entry point of the
group ``ridealong.networks``, whose name is the kind's and whose value is a `NetworkKind`. A module
that defines a kind must be cheap to import: it imports torch and the like inside its functions.
"""

from typing import Any

from ridealong.entry_points import entry_point_names, load_entry_point
from ridealong.errors import RidealongError
from ridealong.specs import nearest
from shadow.networks.hydranet.kind import HYDRANET
from shadow.networks.network import NetworkKind

GROUP = "ridealong.networks"
BUILT_IN: tuple[NetworkKind[Any], ...] = (HYDRANET,)


def kind_names() -> list[str]:
    """The names of all kinds: those of ridealong first, then those of installed packages.

    Raises:
        RidealongError: Two packages provide one name.
    """
    built_in = [kind.name for kind in BUILT_IN]
    return built_in + entry_point_names(GROUP, built_in)


def find_kind(name: str) -> NetworkKind[Any]:
    """The kind of this name.

    Raises:
        RidealongError: There is none, two packages provide it, or its package is broken.
    """
    if name not in kind_names():
        raise RidealongError(
            f"unknown kind of network {name!r}",
            hint=f"{nearest(name, kind_names())}; a package may provide it that is not installed",
        )
    for kind in BUILT_IN:
        if kind.name == name:
            return kind
    kind = load_entry_point(GROUP, name, NetworkKind)
    if kind.name != name:
        raise RidealongError(
            f"the kind of network {kind.name!r} is provided under the name {name!r}",
            where=f"entry point {GROUP}",
            expected="the same name",
        )
    return kind
