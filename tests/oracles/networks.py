"""Networks that are not registered."""

from pathlib import Path

from shadow.networks.network import Network
from shadow.networks.opening import load_manifest, open_network


def open_folder(path: Path, device: str = "cpu") -> Network:
    """Open the network of a manifest whose artifact lies beside it.

    Raises:
        RidealongError: As for `load_manifest` and `open_network`.
    """
    return open_network(load_manifest(path), path.parent, device)
