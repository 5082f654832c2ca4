"""Items and scores of result files in the lake: each is stored once, whoever comes first.

Every part is one commit with a key of its content. So the same files scored again, or by two
commands at the same time, are stored once, and a command that was killed loses no part that was
committed.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.evaluation.evaluation import Evaluated
from metrics.schemas import DETECTIONS, SCORES
from metrics.tasks.metric import Reference
from ridealong.hashing import short_hash
from ridealong.lake import AlreadyCommittedError, Lake, write_data_file
from ridealong.lake.files import DataFile
from ridealong.lake.tables import TableSpec
from ridealong.perception.result_files import Frames
from shadow.results.clusters import Clusters
from shadow.schemas import ITEMS

COMMAND = "shadow score"
ROWS = 250_000  # of one file: rows become wide when names replace codes


def item_rows(frames: Frames, clusters: Clusters) -> pa.Table:
    """The items as rows of `ITEMS`, with an empty ``dataset``."""
    time = pa.array(frames.time_s, pa.float64(), from_pandas=True)
    return pa.table(
        [
            pa.array([""] * len(frames), pa.string()),
            frames.name,
            frames.drive,
            clusters.names,
            time,
            frames.image,
            _attribute_maps(frames.attributes, len(frames)),
        ],
        schema=ITEMS.schema,
    )


def _attribute_maps(attributes: pa.Table, count: int) -> pa.Array:
    """Each row's known attributes as a map."""
    kind = ITEMS.schema.field("attributes").type
    names = sorted(attributes.column_names)
    if not names:
        return pa.array([()] * count, kind)
    # All rows of the first attribute, then of the second, ...; brought into the order of the rows.
    values = pa.concat_arrays([_text(attributes[name]) for name in names])
    known = values.is_valid().to_numpy(zero_copy_only=False).reshape(len(names), count).T
    row, name = np.nonzero(known)
    offsets = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    keys = pa.array(names, pa.string()).take(pa.array(name))
    items = values.take(pa.array(name * count + row))
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, items, type=kind)


def _text(column: pa.ChunkedArray) -> pa.Array:
    return column.cast(pa.string()).combine_chunks()


def dataset_of(items: pa.Table) -> str:
    """The identity of a data set: a hash of its items' content."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, items.schema) as stream:
        stream.write_table(items.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()[:32]


def store_items(lake: Lake, items: pa.Table, dataset: str) -> None:
    """Store the items of a data set."""
    named = pa.array([dataset] * items.num_rows, pa.string())
    rows = items.set_column(0, ITEMS.schema.field("dataset"), named)
    _once(lake, f"items:{dataset}", lambda commit_id: _written(lake, commit_id, ITEMS, [rows]))


def store_results(
    lake: Lake, network_sha256: str, evaluated: Evaluated, frames: Frames, key: str, labels: str
) -> None:
    """Store one network's sums and rows.

    Args:
        lake: Where.
        network_sha256: The hash of its file.
        evaluated: Its sums and rows.
        frames: The items.
        key: The definition that its rows have, as in `SCORES`.
        labels: The version of the ground truth.
    """

    def write(commit_id: str) -> Iterator[DataFile]:
        for spec, rows in ((SCORES, evaluated.scores), (DETECTIONS, evaluated.detections)):
            parts = (
                _with_identity(rows.slice(start, ROWS), spec, network_sha256, frames, key, labels)
                for start in range(0, rows.num_rows, ROWS)
            )
            yield from _written(lake, commit_id, spec, parts)

    _once(lake, f"results:{short_hash(network_sha256, key, labels)}", write)


def _with_identity(
    rows: pa.Table, spec: TableSpec, network_sha256: str, frames: Frames, key: str, labels: str
) -> pa.Table:
    """Rows of an evaluation as rows of the table; sums of zero are left out."""
    if "value" in rows.column_names:
        rows = rows.filter(pc.not_equal(rows["value"], 0))
    count = rows.num_rows
    same = {
        "network_sha256": network_sha256,
        "reference": Reference.LABELS.value,
        "definition": key,
        "labels": labels,
    }
    at = rows["frame"]
    columns = {name: pa.repeat(pa.scalar(value), count) for name, value in same.items()}
    columns |= {"clip_id": pc.take(frames.name, at), "drive_id": pc.take(frames.drive, at)}
    columns |= {
        field.name: rows[field.name].cast(spec.schema.field(field.name).type)
        for field in rows.schema
        if field.name != "frame"
    }
    return pa.table([columns[name] for name in spec.schema.names], schema=spec.schema)


def _written(
    lake: Lake, commit_id: str, spec: TableSpec, parts: Sequence[pa.Table] | Iterator[pa.Table]
) -> Iterator[DataFile]:
    for rows in parts:
        file = write_data_file(lake.home, commit_id, spec, rows)
        if file is not None:
            yield file


def _once(lake: Lake, source: str, write: Callable[[str], Iterator[DataFile]]) -> None:
    """Write and commit what has this key, unless that was done before."""
    if source in lake.snapshot().sources():
        return
    commit_id = lake.new_commit_id()
    files = list(write(commit_id))
    try:
        lake.commit(commit_id, COMMAND, files, [source])
    except AlreadyCommittedError:
        return  # another command was faster
