"""Running networks on clips: each is opened once, when first needed, and closed at the end."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from threading import Lock

import numpy as np

from ingest.clips.read import ClipReader
from ridealong.arrays import Ints
from ridealong.perception.annotations import Perception
from shadow.networks.kinds import by_frame, running
from shadow.networks.network import Network


class OpenNetworks:
    """Networks that are opened when they are first needed; threads may share them.

    Args:
        openers: What opens each network, by any name.
    """

    def __init__(self, openers: Mapping[str, Callable[[], Network]]) -> None:
        self._openers = openers
        self._open: dict[str, Network] = {}
        self._closing = ExitStack()
        self._lock = Lock()  # threads that begin at once would each open the networks

    def __getitem__(self, name: str) -> Network:
        """The open network.

        Raises:
            RidealongError: It cannot be opened.
        """
        with self._lock:
            if name not in self._open:
                network = self._closing.enter_context(closing(self._openers[name]()))
                self._open[name] = network
            return self._open[name]

    def close(self) -> None:
        """Close those that are open; nobody may use them any more."""
        with self._lock:
            self._open.clear()
            self._closing.close()


def perceive_clip(
    reader: ClipReader,
    networks: Mapping[str, Network],
    rate_hz: float,
    times: Ints | None = None,
) -> dict[str, Perception]:
    """The outputs of networks on a clip, which is decoded once for all of them.

    Args:
        reader: The clip.
        networks: The networks, by any name.
        rate_hz: Frames a second.
        times: Only these frames, if all networks can infer them alone (`by_frame`); by default, and
            for other networks, all of the clip.

    Returns:
        The outputs, by the networks' names.

    Raises:
        UnreadableError: A frame cannot be decoded.
        NotInstalledError: The package of an installed kind of network is broken.
    """
    cameras = sorted({name for each in networks.values() for name in each.manifest.cameras})
    alone = times if all(by_frame(each.manifest) for each in networks.values()) else None
    times, images, present = reader.read_sets(cameras, rate_hz, alone)
    there = {name: np.ascontiguousarray(present[:, at]) for at, name in enumerate(cameras)}
    found = {}
    for name, network in networks.items():
        with running(network.manifest, "run"):
            found[name] = network.perceive(images, times, reader.cameras, present=there)
    return found
