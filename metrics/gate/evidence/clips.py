"""The clips that are judged, and the units over which their scores are summed.

A *unit of summation* has clips of one cluster with the same attributes. Every slice is a set of
units, and every cluster too, so nothing smaller is needed for verdicts. Where single clips are
looked at, each is its own unit.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from metrics.gate.evidence.sanity import check_once
from metrics.slices import check_attributes
from ridealong.arrays import Ints
from ridealong.errors import RidealongError

NO_ATTRIBUTES = ("clip_id", "drive_id", "cluster_id")  # they name what is sliced


@dataclass(frozen=True)
class JudgedClips:
    """The clips that may count, in the order of cluster, drive and clip.

    Attributes:
        clips: Columns ``clip_id``, ``drive_id``, ``cluster_id`` and the attributes to slice by.
        unit: ``(clips,)`` code of each clip's unit of summation.
        units: One clip of each of the U units, for its attributes.
        cluster: ``(U,)`` code of each unit's cluster, ascending.
    """

    clips: pa.Table
    unit: Ints
    units: pa.Table
    cluster: Ints


def that_count(clips: pa.Table) -> pa.Table:
    """The clips that count in cells: not those chosen by disagreement alone, or where unknown."""
    return clips.filter(pc.invert(pc.fill_null(clips["by_disagreement"], True)))


def judged_clips(
    clips: pa.Table, drives: pa.Table, attributes: Iterable[str], *, apart: bool = False
) -> JudgedClips:
    """The run's clips with attributes, without those chosen by disagreement.

    Args:
        clips: Columns ``clip_id``, ``drive_id``, ``by_disagreement``, and any attributes.
        drives: Columns ``drive_id``, ``cluster_id``, and any attributes.
        attributes: The attributes to slice by: text columns of the clips or else of the drives.
        apart: Whether each clip is its own unit of summation.

    Raises:
        RidealongError: A clip's drive is not among the drives, one of them is named twice, or an
            attribute is unknown.
    """
    check_once(clips["clip_id"], "clip")
    check_once(drives["drive_id"], "drive")
    clips = that_count(clips)
    at = pc.index_in(clips["drive_id"], value_set=drives["drive_id"].combine_chunks())
    if at.null_count:
        lost = clips["drive_id"].filter(pc.is_null(at))[0].as_py()
        raise RidealongError(f"drive {lost!r} of a clip is unknown", where="drives")
    drives = drives.take(at)
    columns = {
        "clip_id": clips["clip_id"],
        "drive_id": clips["drive_id"],
        "cluster_id": pc.coalesce(drives["cluster_id"], drives["drive_id"]),
    } | _attributes(clips, drives, attributes)
    keys = [(name, "ascending") for name in ("cluster_id", "drive_id", "clip_id")]
    ordered = pa.table(columns).sort_by(keys)
    return _in_units(ordered, apart)


def _attributes(
    clips: pa.Table, drives: pa.Table, names: Iterable[str]
) -> dict[str, pa.ChunkedArray]:
    """The attributes of each clip: its own, or those of its drive (``drives`` has a row a clip)."""
    known = {
        field.name: table[field.name]
        for table in (drives, clips)
        for field in table.schema
        if field.name not in NO_ATTRIBUTES and _is_text(field.type)
    }
    wanted = sorted(set(names))
    check_attributes(wanted, known)
    return {name: known[name].cast(pa.string()) for name in wanted}


def _is_text(kind: pa.DataType) -> bool:
    value: pa.DataType = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def _in_units(clips: pa.Table, apart: bool) -> JudgedClips:
    names = [name for name in clips.column_names if name not in NO_ATTRIBUTES]
    cluster = _codes(clips["cluster_id"])
    if apart:
        return JudgedClips(clips, np.arange(len(cluster)), clips, cluster)
    unit = cluster
    for name in names:
        value = _codes(clips[name])
        unit = np.unique(unit * (value.max(initial=0) + 1) + value, return_inverse=True)[1]
    first = np.unique(unit, return_index=True)[1]
    return JudgedClips(clips, unit, clips.take(pa.array(first)), cluster[first])


def _codes(column: pa.ChunkedArray) -> Ints:
    """A code for each value, from 0 in the order in which they appear; null is a value too."""
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(coded.indices.to_numpy(zero_copy_only=False), np.int64)
