"""The kinds of networks, by the ``kind`` of their manifests: ridealong's own, and installed ones.

Ours are listed here; an installed package names its `NetworkKind` in the entry point group
``ridealong.networks``, under the kind's name. A module that defines a kind must be cheap to import:
it imports torch and the like inside its functions.
"""

from contextlib import AbstractContextManager
from typing import Any

from ridealong.registry import Registry
from shadow.networks.hydranet.kind import HYDRANET
from shadow.networks.manifest import NetworkManifest
from shadow.networks.network import NetworkKind
from shadow.networks.onnx.kind import ONNX
from shadow.networks.python.kind import PYTHON

KINDS: Registry[NetworkKind[Any]] = Registry(
    group="ridealong.networks",
    noun="kind of network",
    built_in=(HYDRANET, ONNX, PYTHON),
    type=NetworkKind,
    expected="a shadow.networks.network.NetworkKind",
    hint="other kinds come with installed packages",
)


def kind_names() -> list[str]:
    """The names of all kinds, ours first; no package is imported.

    Raises:
        RidealongError: Two kinds have one name.
    """
    return KINDS.names()


def find_kind(name: str) -> NetworkKind[Any]:
    """The kind of that name.

    Raises:
        NotInstalledError: No such kind (the nearest is suggested), or it is broken.
    """
    return KINDS.find(name)


def by_frame(manifest: NetworkManifest) -> bool:
    """Whether a network's outputs at an instant depend on this instant alone."""
    known = find_kind(manifest.kind).by_frame
    return known(manifest) if callable(known) else known


def running(manifest: NetworkManifest, verb: str) -> AbstractContextManager[None]:
    """Run code of a network's kind inside a ``with`` block: what it raises names its package.

    Args:
        manifest: The network.
        verb: What the code does with it, such as ``open``.

    Raises:
        NotInstalledError: See `Registry.running`.
    """
    return KINDS.running(manifest.kind, f"cannot {verb} {manifest.id}")
