"""The outputs that the lake stores: sparse ones, as rows of the table outputs.

Scores must not depend on whether outputs come from the network or from the lake. So both get one
form: rows in the order of the table, and the same set of judged families.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from ingest.clips.read import ClipReader
from metrics.tasks.registry import parse_prediction, sparse_tasks
from ridealong.arrays import Ints
from ridealong.lake import Snapshot
from ridealong.lake.files import disk_errors
from ridealong.perception.annotations import ANNOTATIONS, Perception, empty_perception
from shadow.networks.manifest import NetworkManifest
from shadow.schemas import OUTPUTS

ORDER = [("timestamp_ns", "ascending"), ("camera", "ascending")]  # ties keep their order
_FILE = "file"


def as_kept(perception: Perception, looked_for: frozenset[str]) -> Perception:
    """A network's outputs: sparse ones as the lake stores them, dense ones unchanged."""
    tasks = (perception.tasks - sparse_tasks()) | looked_for
    return replace(perception, sparse=perception.sparse.sort_by(ORDER), tasks=tasks)


def kept_files(snapshot: Snapshot, stored_by: str) -> dict[tuple[str, str], str]:
    """The files that keep outputs, relative to the home, by network (sha256) and clip.

    A network's outputs on one clip are in one file; where it has no output, there is none.

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


def read_kept(
    path: Path | None, network_sha256: str, clip_id: str, stored_by: str, times: Ints
) -> Perception:
    """One network's outputs on one clip, from a file of the table outputs.

    Args:
        path: The file; None if the network has no output on this clip.
        network_sha256: The network.
        clip_id: The clip.
        stored_by: As `shadow.keys.stored_by`.
        times: The frames judged.

    Raises:
        RidealongError: The file is missing or cannot be read.
    """
    if path is None:
        return empty_perception(times)
    named = {"network_sha256": network_sha256, "clip_id": clip_id, "definition": stored_by}
    with disk_errors(path):
        rows = pq.read_table(
            path,
            columns=ANNOTATIONS.names,
            filters=[(name, "=", value) for name, value in named.items()],
            use_threads=False,
        )
    return Perception(times, rows.cast(ANNOTATIONS))


def looked_for(manifest: NetworkManifest, cameras: Collection[str]) -> frozenset[str]:
    """The sparse families that a network outputs for these cameras."""
    named = [parse_prediction(name) for name in manifest.predictions]
    seen = (p for p in named if (p.camera in cameras if p.camera else cameras))
    return frozenset(p.task for p in seen) & sparse_tasks()


def cameras_with_frames(reader: ClipReader, times: Ints) -> set[str]:
    """The cameras that have a frame at any of these times."""
    return {name for name in reader.cameras if np.isin(reader.timestamps(name), times).any()}
