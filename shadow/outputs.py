"""The outputs of a run's two networks on a clip: stored, or inferred again for dense tasks."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from ingest.clips.label_versions import labels_blob
from ingest.clips.read import ClipReader, open_clip
from metrics.tasks.clip_view import ClipView
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import parse_prediction
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from ridealong.perception.annotations import Perception, at_times
from shadow.inference import OpenNetworks, perceive_clip
from shadow.kept import as_kept, cameras_with_frames, kept_files, looked_for, read_kept
from shadow.keys import outputs_in
from shadow.networks.manifest import NetworkManifest, rate_of
from shadow.networks.network import Network
from shadow.networks.opening import open_network
from shadow.networks.registry import NetworkEntry, find_network
from shadow.runs import ROLES
from shadow.scores import labels_of


@dataclass(frozen=True)
class RunOutputs:
    """The outputs of one run's networks.

    Attributes:
        lake: Holds clips and weights.
        snapshot: Holds the rows.
        run: The run's row.
        networks: Its networks, by role.
        opened: The same, to be run; they are opened only for dense outputs.
        infer: Gives both outputs at some frames, dense ones too, by role; by default the networks
            infer them now.
    """

    lake: Lake
    snapshot: Snapshot
    run: Mapping[str, Any]
    networks: Mapping[str, NetworkEntry]
    opened: OpenNetworks
    infer: "Infer" = field(default_factory=lambda: infer_now)

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

    @contextmanager
    def open(self, clip: Mapping[str, Any]) -> Iterator[ClipReader]:
        """A clip's file inside a ``with`` block, with the labels that the run was judged on.

        Raises:
            RidealongError: The clip or its labels are missing or damaged.
        """
        if not clip["blob"]:
            raise RidealongError(f"there is no video of clip {clip['clip_id']!r}")
        version = (labels_of(self.run) or {}).get(clip["clip_id"])
        blob = labels_blob(self.snapshot, clip, version) if version else None
        labels = self.lake.path(blob) if blob else None
        with open_clip(self.lake.path(clip["blob"]), labels) as reader:
            yield reader

    def kept(self, reader: ClipReader, times: Ints) -> dict[str, Perception]:
        """The stored outputs at some frames of a clip (sparse tasks), by role."""
        clip_id, stored_by = reader.metadata.clip_id, outputs_in(self.run["definition"])
        every = reader.sample_times(self.rate_hz)
        found = {}
        for role in ROLES:
            sha256 = self.run[f"{role}_sha256"]
            file = self._files.get((sha256, clip_id))
            path = self.snapshot.home / file if file else None
            found[role] = read_kept(path, sha256, clip_id, stored_by, every)
        return self._as_kept(found, reader, times)

    def views(self, reader: ClipReader, times: Ints, dense: bool) -> dict[str, ClipView]:
        """The outputs of each network on a clip, with its thresholds, by role.

        Args:
            reader: The clip.
            times: Its frames, or some of them.
            dense: Also dense outputs, which are not stored: they are inferred again.

        Raises:
            RidealongError: The clip, the stored outputs or a network's weights are damaged.
        """
        if dense:
            outputs = self._as_kept(self.infer(self, reader, times), reader, times)
        else:
            outputs = self.kept(reader, times)
        sizes = reader.image_sizes
        return {
            role: ClipView(outputs[role], self.manifest(role).thresholds, sizes) for role in ROLES
        }

    def _as_kept(
        self, outputs: Mapping[str, Perception], reader: ClipReader, times: Ints
    ) -> dict[str, Perception]:
        """The outputs at these frames, in the form in which the run scored them."""
        there = cameras_with_frames(reader, reader.sample_times(self.rate_hz))
        return {
            role: as_kept(at_times(one, times), looked_for(self.manifest(role), there))
            for role, one in outputs.items()
        }

    @cached_property
    def _files(self) -> dict[tuple[str, str], str]:
        return kept_files(self.snapshot, outputs_in(self.run["definition"]))


# (outputs, clip, frames) -> outputs by role, at these frames at least
Infer = Callable[[RunOutputs, ClipReader, Ints], Mapping[str, Perception]]


def infer_now(outputs: RunOutputs, reader: ClipReader, times: Ints) -> dict[str, Perception]:
    """What the networks of a run give at some frames of a clip, by role."""
    networks = {role: outputs.opened[role] for role in ROLES}
    return perceive_clip(reader, networks, outputs.rate_hz, times)


@contextmanager
def run_outputs(
    lake: Lake, snapshot: Snapshot, run: Mapping[str, Any], infer: Infer = infer_now
) -> Iterator[RunOutputs]:
    """The outputs of a run, inside a ``with`` block; its end closes the networks.

    Raises:
        RidealongError: One of its networks is not registered.
    """
    outputs = lasting_outputs(lake, snapshot, run, infer)
    with closing(outputs.opened):
        yield outputs


def lasting_outputs(
    lake: Lake, snapshot: Snapshot, run: Mapping[str, Any], infer: Infer = infer_now
) -> RunOutputs:
    """The outputs of a run, whose networks stay open as long as something uses them.

    Raises:
        RidealongError: One of its networks is not registered.
    """
    networks = {role: find_network(snapshot, run[role]) for role in ROLES}
    openers = {role: partial(_open, lake, entry) for role, entry in networks.items()}
    return RunOutputs(lake, snapshot, run, networks, OpenNetworks(openers), infer)


def _open(lake: Lake, entry: NetworkEntry) -> Network:
    return open_network(entry.manifest, entry.artifact(lake))
