"""What a run judged: clips of drives, or items of result files. Everything else sees one form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.schemas import CLIPS, DRIVES
from metrics.evaluation.registry import EVALUATIONS
from metrics.evaluation.statistics import own_metric
from metrics.schemas import DETECTIONS, MATCHES
from metrics.tasks.metric import MetricLookup
from metrics.tasks.registry import known_metric
from ridealong.lake import Snapshot
from ridealong.lake.tables import TableSpec
from shadow.schemas import ITEMS


class Scope(StrEnum):
    """What the intervals of a run are about."""

    DRIVES = "drives"  # other drives like these
    WITHIN_DRIVE = "within-drive"  # this one drive, by blocks of time


NO_ATTRIBUTES = ("clip_id", "drive_id", "cluster_id", "by_disagreement")  # columns of our own
CLIP_COLUMNS = ["clip_id", "drive_id", "by_disagreement"]


@dataclass(frozen=True)
class Judged:
    """What a run judged.

    Attributes:
        clips: ``clip_id``, ``drive_id``, ``by_disagreement``, and attributes of items.
        drives: ``drive_id``, ``cluster_id``, and attributes of drives.
        matches: The table of the rows that average precision is computed from.
        metrics: Finds a metric by task and name.
        complete: Whether a missing score is 0: all items of result files were judged.
    """

    clips: pa.Table
    drives: pa.Table
    matches: TableSpec
    metrics: MetricLookup
    complete: bool


def of_items(run: Mapping[str, Any]) -> bool:
    """Whether a run judged items of result files, not clips."""
    return run.get("dataset") is not None


def judged_of(snapshot: Snapshot, run: Mapping[str, Any]) -> Judged:
    """What a run, a row of `RUNS`, judged."""
    if of_items(run):
        return _items(snapshot, run)
    return judged_clips(snapshot, run["clip_ids"])


def judged_clips(snapshot: Snapshot, clip_ids: Sequence[str]) -> Judged:
    """Clips of drives, as what is judged."""
    clips = snapshot.read(CLIPS, CLIP_COLUMNS)
    clips = clips.filter(pc.is_in(clips["clip_id"], value_set=pa.array(clip_ids, pa.string())))
    return Judged(clips, snapshot.read(DRIVES), MATCHES, known_metric, complete=False)


def drives_of(
    snapshot: Snapshot, run: Mapping[str, Any], clip_ids: Sequence[str]
) -> dict[str, str]:
    """The drive of each of some clips or items of a run, in their order."""
    rows = snapshot.query(
        """select item_id, drive_id from items
        where dataset = ? and list_contains(?, item_id)"""
        if of_items(run)
        else "select clip_id, drive_id from clips where ? is null and list_contains(?, clip_id)",
        ITEMS if of_items(run) else CLIPS,
        params=[run.get("dataset"), list(clip_ids)],
    )
    found = dict(zip(*(rows[at].to_pylist() for at in range(2)), strict=True))
    return {clip_id: found[clip_id] for clip_id in clip_ids}


def attributes_of(snapshot: Snapshot, run: Mapping[str, Any]) -> list[str]:
    """The attributes of the items of a run."""
    names = _items(snapshot, run).clips.column_names
    return [name for name in names if name not in CLIP_COLUMNS]


def _items(snapshot: Snapshot, run: Mapping[str, Any]) -> Judged:
    # Whoever judges brings them into an order of their own.
    items = snapshot.query(
        "select item_id, cluster_id, attributes from items where dataset = ?",
        ITEMS,
        params=[run["dataset"]],
    )
    # Within one drive the blocks of time play the part of drives.
    clusters = pc.unique(items["cluster_id"])
    return Judged(
        clips=pa.table(
            {
                "clip_id": items["item_id"],
                "drive_id": items["cluster_id"],
                "by_disagreement": pa.array(np.zeros(items.num_rows, np.bool_)),
                **{k: v for k, v in attribute_columns(items).items() if k not in NO_ATTRIBUTES},
            }
        ),
        drives=pa.table({"drive_id": clusters, "cluster_id": clusters}),
        matches=DETECTIONS,
        metrics=metrics_of(run),
        complete=True,
    )


def attribute_columns(items: pa.Table) -> dict[str, pa.Array]:
    """The attributes of items as text columns; null where unknown."""
    maps = items["attributes"].combine_chunks()
    keys, values = maps.keys, maps.items
    row = np.repeat(np.arange(len(maps)), np.diff(maps.offsets.to_numpy()))
    columns = {}
    for name in sorted(pc.unique(keys).to_pylist()):
        mine = pc.equal(keys, name).to_numpy(zero_copy_only=False)
        at = np.full(len(maps), -1)
        at[row[mine]] = np.flatnonzero(mine)
        columns[name] = values.take(pa.array(at, mask=at < 0))
    return columns


def metrics_of(run: Mapping[str, Any]) -> MetricLookup:
    """Finds the metrics of a run by task and name."""
    return metrics_in(json.loads(run["results"])) if of_items(run) else known_metric


def metrics_in(results: Mapping[str, Any]) -> MetricLookup:
    """Finds the metrics that a run from result files recorded, or that its evaluation has."""
    if results["evaluation"] is not None:
        known = {
            (metric.task, metric.name): metric
            for metric in EVALUATIONS.find(results["evaluation"]).metrics
        }
        return lambda task, name: known.get((task, name))
    own = {one["name"]: own_metric(one["name"], one["higher"], one["share"])
           for one in results["definitions"]}  # fmt: skip
    return lambda task, name: own.get(name)
