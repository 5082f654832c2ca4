"""The outputs of a run's two networks on a clip: stored, or inferred again for dense tasks."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from ingest.clips.read import ClipReader
from metrics.tasks.clip_view import ClipView
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import parse_prediction
from ridealong.arrays import Ints
from ridealong.lake import Lake, Snapshot
from ridealong.perception.annotations import Perception
from shadow.inference import OpenNetworks, perceive_clip
from shadow.kept import as_kept, cameras_with_frames, kept_files, looked_for, read_kept
from shadow.keys import outputs_in
from shadow.networks.manifest import NetworkManifest, rate_of
from shadow.networks.network import Network
from shadow.networks.opening import open_network
from shadow.networks.registry import NetworkEntry, find_network
from shadow.runs import ROLES


@dataclass(frozen=True)
class RunOutputs:
    """The outputs of one run's networks.

    Attributes:
        lake: Holds clips and weights.
        snapshot: Holds the rows.
        run: The run's row.
        networks: Its networks, by role.
        opened: The same, to be run; they are opened only for dense outputs.
    """

    lake: Lake
    snapshot: Snapshot
    run: Mapping[str, Any]
    networks: Mapping[str, NetworkEntry]
    opened: OpenNetworks

    @property
    def rate_hz(self) -> float:
        """Frames judged per second."""
        return rate_of(*(self.networks[role].manifest for role in ROLES))

    def manifest(self, role: str) -> NetworkManifest:
        """A network's manifest."""
        return self.networks[role].manifest

    def predictions(self, role: str, tasks: Collection[str] | None = None) -> list[Prediction]:
        """The predictions of a network; only those of the given tasks, if any are given."""
        named = [parse_prediction(name) for name in self.manifest(role).predictions]
        return [one for one in named if tasks is None or one.task in tasks]

    def kept(self, reader: ClipReader, times: Ints) -> dict[str, Perception]:
        """The stored outputs on a clip (sparse tasks), by role; ``times`` are its frames."""
        clip_id, stored_by = reader.metadata.clip_id, outputs_in(self.run["definition"])
        found = {}
        for role in ROLES:
            sha256 = self.run[f"{role}_sha256"]
            file = self._files.get((sha256, clip_id))
            path = self.snapshot.home / file if file else None
            found[role] = read_kept(path, sha256, clip_id, stored_by, times)
        return self._as_kept(found, reader, times)

    def views(self, reader: ClipReader, times: Ints, dense: bool) -> dict[str, ClipView]:
        """The outputs of each network on a clip, with its thresholds, by role.

        Args:
            reader: The clip.
            times: Its frames.
            dense: Also dense outputs, which are not stored: they are inferred again.

        Raises:
            RidealongError: The clip, the stored outputs or a network's weights are damaged.
        """
        outputs = self._inferred(reader, times) if dense else self.kept(reader, times)
        sizes = reader.image_sizes
        return {
            role: ClipView(outputs[role], self.manifest(role).thresholds, sizes) for role in ROLES
        }

    def _inferred(self, reader: ClipReader, times: Ints) -> dict[str, Perception]:
        networks = {role: self.opened[role] for role in ROLES}
        return self._as_kept(perceive_clip(reader, networks, self.rate_hz), reader, times)

    def _as_kept(
        self, outputs: Mapping[str, Perception], reader: ClipReader, times: Ints
    ) -> dict[str, Perception]:
        """The outputs in the form in which the run scored them."""
        there = cameras_with_frames(reader, times)
        return {
            role: as_kept(one, looked_for(self.manifest(role), there))
            for role, one in outputs.items()
        }

    @cached_property
    def _files(self) -> dict[tuple[str, str], str]:
        return kept_files(self.snapshot, outputs_in(self.run["definition"]))


@contextmanager
def run_outputs(lake: Lake, snapshot: Snapshot, run: Mapping[str, Any]) -> Iterator[RunOutputs]:
    """The outputs of a run, inside a ``with`` block; its end closes the networks.

    Raises:
        RidealongError: One of its networks is not registered.
    """
    networks = {role: find_network(snapshot, run[role]) for role in ROLES}
    openers = {role: partial(_open, lake, entry) for role, entry in networks.items()}
    with closing(OpenNetworks(openers)) as opened:
        yield RunOutputs(lake, snapshot, run, networks, opened)


def _open(lake: Lake, entry: NetworkEntry) -> Network:
    return open_network(entry.manifest, entry.artifact(lake))
