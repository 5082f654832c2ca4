"""Exports the items of a run from result files that cost the candidate most."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingest.labels.folder import check_replaceable
from ingest.labels.items import ItemsSummary, write_items
from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.registry import FORMATS
from metrics.gate.cells import Cell
from ridealong.errors import RidealongError
from ridealong.lake import Snapshot
from ridealong.perception.result_files import Boxes2D, BoxesInBoth, Comparison
from ridealong.terminal.console import Console
from ridealong.terminal.readable import counted, listed
from shadow.losses import CellNames, ClipLoss, clip_losses, losing_cells, parts_of
from shadow.report import cell_name, run_cells
from shadow.results.hashes import content_sha256
from shadow.results.request import STATISTICS
from shadow.runs import ROLES
from shadow.schemas import ITEMS

NAMED = 3  # cells and pictures named in a message


def export_items(
    snapshot: Snapshot,
    run: Mapping[str, Any],
    cells: CellNames,
    limit: int | None,
    out: Path,
    images: Path | None,
    dry_run: bool,
    console: Console,
) -> dict[str, Any]:
    """Export items, the costliest first, with their pictures and, for boxes in images, as COCO.

    Args:
        snapshot: Where the scores are.
        run: A row of `RUNS`.
        cells: The cells whose loss orders the items.
        limit: The maximum number of items; None for all.
        out: The folder to write.
        images: The folder of images; None to copy none.
        dry_run: Only report what would be written.
        console: For warnings.

    Returns:
        The document that ``labels export --json`` prints.

    Raises:
        RidealongError: A cell is unknown, the result files moved or changed, or the folder has
            other content.
    """
    losing = losing_cells(run_cells(snapshot, run["run_id"]), cells)
    losses = clip_losses(snapshot, run, losing)
    items = _chosen(_items(snapshot, run), losses, limit)
    if images is not None and not images.is_dir():
        raise RidealongError("is not a folder of images", where=images)
    check_replaceable(out)
    summary = ItemsSummary()
    if not dry_run:
        summary = write_items(out, items, images, _boxes(json.loads(run["results"])))
        _warn(console, images, items, summary)
    return {
        "run": run["run_id"],
        "format": "coco",
        "out": str(out),
        "items": len(items),
        "pictures": summary.pictures,
        "without_picture": list(summary.without_picture),
        "dry_run": dry_run,
        **_order(losing, losses),
        "shares": [
            {name: item[name] for name in ("item", "drive", "share", "cell")} for item in items
        ],
    }


def _order(losing: list[Cell], losses: Mapping[str, ClipLoss]) -> dict[str, str]:
    if losses:
        names = listed([cell_name(cell) for cell in losing], NAMED)
        return {"order": "loss", "reason": f"largest share of the loss in {names} first"}
    return {"order": "listing", "reason": "no check has a loss"}


def _items(snapshot: Snapshot, run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of a run, in the order of the lake."""
    rows = snapshot.query(
        f"select * from items where dataset = ? order by {', '.join(ITEMS.order)}",
        ITEMS,
        params=[run["dataset"]],
    )
    return [
        {
            "item": row["item_id"],
            "drive": row["drive_id"],
            "time_s": row["time_s"],
            "image": row["image"],
            "attributes": dict(row["attributes"]),
        }
        for row in rows.cast(ITEMS.schema).to_pylist()
    ]


def _chosen(
    items: list[dict[str, Any]], losses: Mapping[str, ClipLoss], limit: int | None
) -> list[dict[str, Any]]:
    """The items with a share of the loss, the largest first; all items if none has any."""
    if losses:
        by_name = {item["item"]: item for item in items}
        items = [by_name[name] for name in losses]
    return [
        item
        | {
            "share": losses[item["item"]].share if losses else None,
            "cell": parts_of(losses[item["item"]].cell) if losses else None,
        }
        for item in items[:limit]
    ]


def _boxes(results: Mapping[str, Any]) -> Comparison[Boxes2D] | None:
    """The boxes of the files of a run, read again; None if they are not boxes in images.

    Raises:
        RidealongError: A file moved or changed since the run.
    """
    if results["format"] == STATISTICS:
        return None
    paths = {role: Path(file["path"]) for role, file in results["files"].items()}
    for role, path in paths.items():
        if not path.exists():
            raise RidealongError(
                f"the file of the {role} is no longer there", where=path,
                hint="the export reads boxes from it: move it back, or score the files again",
            )  # fmt: skip
        if content_sha256(path) != results["files"][role]["sha256"]:
            raise RidealongError(
                f"the file of the {role} has changed since the run", where=path,
                hint="score the files again",
            )  # fmt: skip
    read = FORMATS.find(results["format"]).read
    comparison = read(ResultPaths(**paths), ReadOptions(**results["options"]))
    if isinstance(comparison.truth, BoxesInBoth):
        sides = {role: getattr(comparison, role).image for role in ("truth", *ROLES)}
        comparison = replace(comparison, **sides)
    return comparison if isinstance(comparison.truth, Boxes2D) else None


def _warn(
    console: Console, images: Path | None, items: Sequence[Mapping[str, Any]], summary: ItemsSummary
) -> None:
    """Tell of which items there is no picture, if pictures were wanted."""
    unnamed = sum(item["image"] is None for item in items)
    if images is not None and unnamed:
        console.note(f"warning: the files do not name the pictures of {counted(unnamed, 'item')}")
    lacking = summary.without_picture
    if lacking:
        named = listed(list(lacking), NAMED)
        console.note(f"warning: {counted(len(lacking), 'picture')} not in {images}: {named}")
