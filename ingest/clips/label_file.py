"""Files of one version of a clip's labels, which replace those that the clip was cut with.

A Parquet file with the sparse rows. Its metadata has the labelled frames, the tasks, and what was
judged in frames that are labelled only in part. Dense labels stay in the clip.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ridealong.arrays import Ints
from ridealong.errors import UnreadableError
from ridealong.perception.annotations import ANNOTATIONS, UNLABELLED, Perception

SUFFIX = ".parquet"
_KEY = b"ridealong.labels"


def write_labels(path: Path, labels: Perception) -> None:
    """Write the sparse labels of a clip."""
    partial = {str(time): sorted(cells) for time, cells in sorted(labels.partial.items())}
    document = {
        "timestamps_ns": labels.timestamps_ns.tolist(),
        "tasks": sorted(labels.tasks),
        "partial": partial,
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    pq.write_table(labels.sparse.replace_schema_metadata({_KEY: text}), path)


def read_labels(path: Path) -> Perception:
    """The labels that `write_labels` wrote, without dense ones.

    Raises:
        UnreadableError: The file is damaged, or not one of labels.
    """
    try:
        rows, known = pq.read_table(path), _document(path)
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        raise UnreadableError(f"is not a file of labels ({error})", where=path) from error
    return Perception(
        np.array(known["timestamps_ns"], np.int64),
        rows.replace_schema_metadata(None).cast(ANNOTATIONS),
        tasks=frozenset(known["tasks"]),
        partial={
            int(time): frozenset((task, camera) for task, camera in cells)
            for time, cells in known["partial"].items()
        },
    )


def read_times(path: Path) -> Ints:
    """``(T,)`` the labelled frames of a file of labels, in ns."""
    return np.array(_document(path)["timestamps_ns"], np.int64)


def with_dense_of(labels: Perception, cut: Perception) -> Perception:
    """Labels with the dense ones of the same clip; other frames are unlabelled there."""
    at = np.searchsorted(labels.timestamps_ns, cut.timestamps_ns)

    def spread(values: Any, empty: float) -> Any:
        found = np.full((len(labels.timestamps_ns), *values.shape[1:]), empty, values.dtype)
        found[at] = values
        return found

    return replace(
        labels,
        depth={name: spread(values, np.nan) for name, values in cut.depth.items()},
        segmentation={name: spread(ids, UNLABELLED) for name, ids in cut.segmentation.items()},
        bev={name: spread(cells, UNLABELLED) for name, cells in cut.bev.items()},
    )


def _document(path: Path) -> dict[str, Any]:
    metadata = pq.read_schema(path).metadata or {}
    document: dict[str, Any] = json.loads(metadata[_KEY])
    return document
