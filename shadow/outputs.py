"""The outputs of a run's two networks on a clip: stored, or inferred again for dense tasks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.clips.read import ClipReader
from metrics.tasks.clip_view import ClipView
from metrics.tasks.prediction import Prediction
from metrics.tasks.registry import parse_prediction, sparse_tasks
from ridealong.lake import Lake, Snapshot
from ridealong.perception.annotations import ANNOTATIONS, Perception
from shadow.keys import outputs_in
from shadow.networks.manifest import NetworkManifest, rate_of
from shadow.networks.network import Network
from shadow.networks.opening import open_network
from shadow.networks.registry import NetworkEntry, find_network
from shadow.schemas import OUTPUTS

ROLES = ("deployed", "candidate")
_FILE = "file"

Times = NDArray[np.int64]


@dataclass(frozen=True)
class RunOutputs:
    """The outputs of one run's networks.

    Attributes:
        lake: Holds clips and weights.
        snapshot: Holds the rows.
        run: The run's row.
        networks: Its networks, by role.
    """

    lake: Lake
    snapshot: Snapshot
    run: Mapping[str, Any]
    networks: Mapping[str, NetworkEntry]

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

    def kept(self, clip_id: str, times: Times) -> dict[str, Perception]:
        """The stored outputs on a clip (sparse tasks), by role; ``times`` are its frames."""
        # No `order by`: it would shuffle the rows of one instant, which are in order in the file.
        rows = self.snapshot.query(
            "select * from outputs where clip_id = ? and definition = ?",
            OUTPUTS,
            params=[clip_id, outputs_in(self.run["definition"])],
        )
        return {role: _outputs_of(rows, self.run[f"{role}_sha256"], times) for role in ROLES}

    def views(self, reader: ClipReader, times: Times, dense: bool) -> dict[str, ClipView]:
        """The outputs of each network on a clip, with its thresholds, by role.

        Args:
            reader: The clip.
            times: Its frames.
            dense: Also give dense outputs, which are not stored: they are inferred again.
        """
        sizes = {name: (camera.width, camera.height) for name, camera in reader.cameras.items()}
        outputs = self._inferred(reader) if dense else self.kept(reader.metadata.clip_id, times)
        return {
            role: ClipView(outputs[role], self.manifest(role).thresholds, sizes) for role in ROLES
        }

    def _inferred(self, reader: ClipReader) -> dict[str, Perception]:
        cameras = sorted({camera for role in ROLES for camera in self.manifest(role).cameras})
        times, images, present = reader.read_sets(cameras, self.rate_hz)
        there = {name: np.ascontiguousarray(present[:, at]) for at, name in enumerate(cameras)}
        return {
            role: network.perceive(images, times, reader.cameras, present=there)
            for role, network in self._loaded.items()
        }

    @cached_property
    def _loaded(self) -> dict[str, Network]:
        return {
            role: open_network(entry.manifest, entry.artifact(self.lake))
            for role, entry in self.networks.items()
        }


def run_outputs(lake: Lake, snapshot: Snapshot, run: Mapping[str, Any]) -> RunOutputs:
    """The outputs of a run.

    Raises:
        RidealongError: One of its networks is not registered.
    """
    networks = {role: find_network(snapshot, run[role]) for role in ROLES}
    return RunOutputs(lake, snapshot, run, networks)


def kept_files(snapshot: Snapshot, stored_by: str) -> dict[tuple[str, str], str]:
    """The files that keep outputs, relative to the home, by network (sha256) and clip.

    A network's outputs on one clip are in one file; without outputs there is no file.

    Raises:
        RidealongError: A file of the table is missing or damaged.
    """
    files = snapshot.data_files(OUTPUTS)
    if not files:
        return {}
    every = snapshot.relation(OUTPUTS, files, _FILE)
    rows = snapshot.query(
        f"select distinct network_sha256, clip_id, {_FILE} from ({every}) where definition = ?",
        OUTPUTS,
        params=[stored_by],
    )
    return {
        (row["network_sha256"], row["clip_id"]): str(Path(row[_FILE]).relative_to(snapshot.home))
        for row in rows.to_pylist()
    }


def _outputs_of(rows: pa.Table, network_sha256: str, times: Times) -> Perception:
    own = rows.filter(pc.equal(rows["network_sha256"], network_sha256))
    sparse = own.select(ANNOTATIONS.names).cast(ANNOTATIONS).sort_by("timestamp_ns")
    return Perception(times, sparse, tasks=sparse_tasks())
