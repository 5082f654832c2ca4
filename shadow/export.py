"""Exports a run's clips for labeling: frames, known labels, the outputs of both networks."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ingest.clips.read import ClipReader, open_clip
from ingest.labels.coco import preview_coco, write_coco
from ingest.labels.content import LabelClip, LabelImage, LabelTask
from ingest.labels.formats.format import Format
from ingest.labels.formats.registry import FORMATS
from ingest.labels.lineage import ExportHead
from ingest.labels.mcap import ReplayedClip, preview_mcaps, write_mcaps
from ingest.labels.networks import LabelNetwork, LabelNetworks
from ingest.labels.neutral import DRAWN
from ingest.labels.size import smaller
from ingest.labels.writing import preview_export as preview_labels
from ingest.labels.writing import write_export as write_labels
from ingest.listing import list_clips
from metrics.gate.cells import Cell
from metrics.tasks.box_scores import reported_boxes
from metrics.tasks.clip_view import ClipView
from metrics.tasks.family import TaskFamily
from metrics.tasks.metric import Reference
from metrics.tasks.registry import families, sparse_tasks
from ridealong.arrays import Bools
from ridealong.errors import RidealongError
from ridealong.lake import Lake, Snapshot
from ridealong.perception.annotations import Perception, at_times
from ridealong.perception.forms import Form
from ridealong.specs import nearest
from ridealong.terminal.console import Console
from ridealong.terminal.readable import listed
from shadow.frame_losses import FrameLosses
from shadow.frames import EVERY_FRAME, FrameChoice, FrameKind
from shadow.judged import of_items
from shadow.keys import labels_version
from shadow.labeling.queue import mark, queue_rows
from shadow.labeling.states import State
from shadow.losses import (
    EVERY_CELL,
    CellNames,
    ClipLoss,
    clip_losses,
    losing_cells,
    parts_of,
)
from shadow.outputs import RunOutputs, run_outputs
from shadow.report import cell_name, run_cells
from shadow.results.export import export_items
from shadow.runs import ROLES, find_run

BOXES = frozenset({Form.BOXES})
DEFAULT_FAMILIES = ("objects",)
WHOLE_CLIPS = ("a choice of frames: the clips are whole",)
NAMED = 3  # cells named as the reason for the order


@dataclass(frozen=True)
class ExportRequest:
    """What to export, and to where.

    Attributes:
        run: The run whose clips and outputs are exported.
        where: Expression over its clips; None for all.
        limit: The maximum number of clips; None for all.
        out: The folder to write.
        cells: The cells whose loss orders the clips; by default those that regressed.
        frames: Which frames of a clip; MCAP has whole clips.
        cameras: Which cameras; empty for all. Not for MCAP.
        dry_run: Only report what would be written.
        images: The folder of images, for a run from result files; None to copy none.
        size: The longest side of an image, in pixels; larger images are made smaller. Not for MCAP.
        families: The families to label. COCO holds those with boxes.
        queued: Only clips that wait in the queue (`shadow.labeling.queue`), in its order.
    """

    run: str
    where: str | None
    limit: int | None
    out: Path
    cells: CellNames = EVERY_CELL
    frames: FrameChoice = EVERY_FRAME
    cameras: tuple[str, ...] = ()
    dry_run: bool = False
    images: Path | None = None
    size: int | None = None
    families: tuple[str, ...] = DEFAULT_FAMILIES
    queued: bool = False


def export_run(lake: Lake, request: ExportRequest, kind: str, console: Console) -> dict[str, Any]:
    """Export the clips behind a run's regressions in a format of `WRITERS`, the costliest first.

    The folder appears complete or not at all.

    Returns:
        The document that ``labels export --json`` prints.

    Raises:
        RidealongError: The run, cell or camera is unknown, no clip or frame matches, cameras or a
            size are chosen for ``mcap``, or the folder has other content.
    """
    snapshot = lake.snapshot()
    run = find_run(snapshot, request.run)
    if of_items(run):
        return _export_items(snapshot, run, request, kind, console)
    if request.images is not None:
        raise RidealongError(
            f"run {run['run_id']} is over clips, which have their images",
            hint="leave --images out",
        )
    chosen = _choose(snapshot, run, request)
    _check_images(request, kind, chosen)
    with (
        run_outputs(lake, snapshot, run) as outputs,
        console.steps("clips", len(chosen.clips)) as steps,
    ):
        written = WRITERS[kind](_Work(outputs, request, chosen, steps.advance))
    if not request.dry_run:
        mark(lake, (clip["clip_id"] for clip in chosen.clips), State.EXPORTED)
    head = {"run": run["run_id"], "format": kind, "out": str(request.out)}
    images = {"frames": str(request.frames), "cameras": list(request.cameras)}
    order = {"order": chosen.order, "reason": chosen.reason}
    shares = [{"clip_id": clip["clip_id"]} | clip["about"] for clip in chosen.clips]
    return head | written | images | {"dry_run": request.dry_run} | order | {"shares": shares}


def preview_export(lake: Lake, request: ExportRequest, kind: str) -> dict[str, Any]:
    """What `export_run` would write: counts are exact, ``megabytes`` of clips is an estimate.

    One camera set of each clip is decoded, and shares of frames are computed if they choose the
    images. Nothing is written or printed.

    Raises:
        RidealongError: As for `export_run`.
    """
    console = Console(as_json=True, quiet=True)
    return export_run(lake, replace(request, dry_run=True), kind, console)


def _export_items(
    snapshot: Snapshot, run: dict[str, Any], request: ExportRequest, kind: str, console: Console
) -> dict[str, Any]:
    given = request.where or request.cameras or request.frames != EVERY_FRAME or request.size
    if kind != "coco" or given:
        raise RidealongError(
            f"run {run['run_id']} is over result files, not over clips",
            expected="--format coco, without --where, --frames, --cameras and --size",
        )
    return export_items(
        snapshot,
        run,
        request.cells,
        request.limit,
        request.out,
        request.images,
        request.dry_run,
        console,
    )


@dataclass(frozen=True)
class _Choice:
    """Clips in their order, the name of the order, and the reason for it.

    Each clip has information for labellers in ``about``. ``cells`` are those whose loss orders the
    clips; empty if these clips have no share in it.
    """

    clips: list[dict[str, Any]]
    cells: list[Cell]
    order: str
    reason: str


@dataclass(frozen=True)
class _Work:
    """The input of a writer; ``advance`` is called after each clip."""

    outputs: RunOutputs
    request: ExportRequest
    chosen: _Choice
    advance: Callable[[], None]

    def clips(self) -> Iterator[dict[str, Any]]:
        """The chosen clips; each is counted as progress."""
        for clip in self.chosen.clips:
            yield clip
            self.advance()

    def opened(self, clip: Mapping[str, Any]) -> AbstractContextManager[ClipReader]:
        """A clip's file, with its newest labels: people go on from those."""
        lake, labels = self.outputs.lake, clip["labels_blob"]
        return open_clip(lake.path(clip["blob"]), lake.path(labels) if labels else None)


def _choose(snapshot: Snapshot, run: dict[str, Any], request: ExportRequest) -> _Choice:
    """The requested clips, by their share of the loss if they have any."""
    rows = list_clips(snapshot, request.where)
    rows = rows.filter(pc.is_in(rows["clip_id"], value_set=pa.array(run["clip_ids"])))
    if not rows.num_rows:
        raise RidealongError(
            f"run {run['run_id']} has no clip for which {request.where or 'true'}",
            hint="see `ridealong clips list`",
        )
    waiting = queue_rows(snapshot, [State.QUEUED]) if request.queued else []
    if request.queued:
        ids = pa.array([row["clip_id"] for row in waiting], pa.string())
        rows = rows.filter(pc.is_in(rows["clip_id"], value_set=ids))
        if not rows.num_rows:
            raise RidealongError(
                "no queued clip fits", hint="see `ridealong labels queue list` and `queue add`"
            )
    cells = losing_cells(run_cells(snapshot, run["run_id"]), request.cells)
    losses = clip_losses(snapshot, run, cells)
    listed = rows.to_pylist()
    row_of = {row["clip_id"]: row for row in listed}
    if waiting:
        order = [row_of[row["clip_id"]] for row in waiting if row["clip_id"] in row_of]
        chosen = [row | {"about": _about(row, losses)} for row in order[: request.limit]]
        return _Choice(chosen, cells, "queue", "by their worth, the highest first")
    behind = [row_of[clip_id] for clip_id in losses if clip_id in row_of]
    clips = (behind or listed)[: request.limit]
    chosen = [row | {"about": _about(row, losses)} for row in clips]
    if behind:
        return _Choice(chosen, cells, "loss", f"by their share of the loss in {_names(cells)}")
    if cells:
        return _Choice(chosen, [], "listing", "none of these clips has a share in the loss")
    nothing = (
        "no check regressed" if request.cells == EVERY_CELL else "the named checks have no loss"
    )
    return _Choice(chosen, [], "listing", nothing)


def _about(row: dict[str, Any], losses: dict[str, ClipLoss]) -> dict[str, Any]:
    """A clip's drive, its share of the loss, and the cell of which it has the largest part."""
    loss = losses.get(row["clip_id"])
    cell = parts_of(loss.cell) if loss else None
    about = {"drive_id": row["drive_id"], "share": loss.share if loss else None, "cell": cell}
    return about | {"by_disagreement": row["by_disagreement"]}


def _names(cells: list[Cell]) -> str:
    return listed([cell_name(cell) for cell in cells], NAMED)


def _check_images(request: ExportRequest, kind: str, chosen: _Choice) -> None:
    """Refuse a choice of images that is impossible, before any work.

    Raises:
        RidealongError: As for `export_run`.
    """
    if kind == "mcap" and (request.cameras or request.size):
        raise RidealongError(
            "--cameras and --size choose images, and --format mcap exports whole clips",
            hint="leave them out, or use another format",
        )
    if request.frames.kind is FrameKind.LOSS and not _judged_by_frame(chosen.cells):
        why = "flicker and jitter are differences between frames" if chosen.cells else chosen.reason
        raise RidealongError(
            f"no frame has a loss: {why}",
            hint="name a check with --prediction and --metric, or use --frames labelled or every:N",
        )
    known = sorted({camera for clip in chosen.clips for camera in clip["cameras"] or ()})
    for name in request.families:
        drawn = [task.name for task in label_tasks(DRAWN)]
        if name not in drawn:
            raise RidealongError(
                f"--families names {name!r}",
                expected=f"some of {', '.join(drawn)}",
                hint=nearest(name, drawn),
            )
    forms = FORMATS[kind].forms if kind in FORMATS else BOXES
    if kind != "mcap" and not _held(forms, request.families):
        raise RidealongError(f"--format {kind} cannot hold {listed([*request.families], NAMED)}")
    for camera in request.cameras:
        if camera not in known:
            hint = nearest(camera, known) if known else "they have no cameras"
            raise RidealongError(f"none of these clips has the camera {camera!r}", hint=hint)


def _held(forms: Collection[Form], names: Collection[str]) -> list[LabelTask]:
    """The tasks of these names that a format of these forms can hold."""
    return [task for task in label_tasks(forms) if task.name in names]


def _judged_by_frame(cells: list[Cell]) -> list[Cell]:
    """The cells whose value is a sum over frames: those compared with labels."""
    return [cell for cell in cells if cell["reference"] == Reference.LABELS]


def _coco(work: _Work) -> dict[str, Any]:
    write = preview_coco if work.request.dry_run else write_coco
    return asdict(
        write(work.request.out, _label_clips(work, box_tasks()), _head(work, box_tasks()))
    )


def _neutral(kind: Format, work: _Work) -> dict[str, Any]:
    """An export in a format that is written from the neutral form."""
    tasks = _held(kind.forms, work.request.families)
    write = preview_labels if work.request.dry_run else write_labels
    clips = _label_clips(work, tasks, with_video=kind.video and not work.request.dry_run)
    return asdict(write(work.request.out, kind, clips, _head(work, tasks)))


def _head(work: _Work, tasks: Sequence[LabelTask]) -> ExportHead:
    request = work.request
    choice = {
        "where": request.where,
        "limit": request.limit,
        "frames": str(request.frames),
        "cameras": list(request.cameras),
        "size": request.size,
        "order": work.chosen.order,
        "reason": work.chosen.reason,
    }
    run_id = work.outputs.run["run_id"]
    return ExportHead(tasks, _label_networks(work.outputs), run_id, choice)


def _label_clips(
    work: _Work, tasks: Sequence[LabelTask], with_video: bool = False
) -> Iterator[LabelClip]:
    """The chosen clips with their images; a clip is open while it is in use."""
    losses = None
    if work.request.frames.kind is FrameKind.LOSS:
        losses = FrameLosses(work.outputs, _judged_by_frame(work.chosen.cells))
    for clip in work.clips():
        lost = losses.of(clip) if losses else {}
        with work.opened(clip) as reader:
            found = _label_clip(work, clip, reader, lost, [task.name for task in tasks])
            yield replace(found, video=reader.video_mp4) if with_video else found


def _label_clip(
    work: _Work,
    clip: Mapping[str, Any],
    reader: ClipReader,
    lost: Mapping[int, float],
    tasks: Sequence[str],
) -> LabelClip:
    times = reader.sample_times(work.outputs.rate_hz)
    labels = _labels(reader, times, tasks)
    boxes = labels is not None and not labels.tasks.isdisjoint(_families(BOXES))
    labelled = labels.timestamps_ns if labels and boxes else times[:0]
    cameras = [c for c in reader.cameras if c in work.request.cameras or not work.request.cameras]
    views = work.outputs.views(reader, times, dense=False)
    frames = work.request.frames.of(times, labelled, lost)
    found = LabelClip(
        clip_id=clip["clip_id"],
        images=_images(reader, cameras, frames, lost),
        pixels=lambda wanted: reader.frames_at(cameras, wanted),
        labels=labels,
        ignored=ignored_labels(labels.sparse) if labels else np.zeros(0, np.bool_),
        outputs={role: view.perception for role, view in views.items()},
        reported={role: _reported(work.outputs, role, view, tasks) for role, view in views.items()},
        about=clip["about"],
        cameras={camera: reader.cameras[camera] for camera in cameras},
        lineage={"triggers": list(clip["triggers"]), "labels": labels_version(clip)},
        video_times=reader.timestamps,
    )
    return smaller(found, work.request.size) if work.request.size else found


def _labels(
    reader: ClipReader, times: NDArray[np.int64], tasks: Sequence[str]
) -> Perception | None:
    """The labels of a clip's frames, if any of these tasks was labelled."""
    labels = reader.labels(with_dense=False)
    if labels is None or labels.tasks.isdisjoint(tasks):
        return None
    return at_times(labels, times)


def _families(forms: Collection[Form]) -> dict[str, TaskFamily]:
    """The families whose predictions have one of these forms."""
    return {name: own for name, own in families().items() if own.form in forms}


def box_tasks() -> list[LabelTask]:
    """The tasks whose boxes are exported."""
    return label_tasks(BOXES)


def label_tasks(forms: Collection[Form]) -> list[LabelTask]:
    """The tasks of these forms."""
    return [
        LabelTask(name, own.categories, own.supercategory or name, own.form)
        for name, own in _families(forms).items()
    ]


def ignored_labels(labels: pa.Table) -> Bools:
    """``(N,)`` which labels, rows of ``ANNOTATIONS``, their families ignore."""
    ignored = np.zeros(labels.num_rows, np.bool_)
    for name, own in _families(BOXES).items():
        if own.ignored is not None:
            mine = pc.equal(labels["task"], name).to_numpy().astype(np.bool_)
            ignored |= mine & own.ignored(labels)
    return ignored


def _images(
    reader: ClipReader,
    cameras: Sequence[str],
    times: NDArray[np.int64],
    lost: Mapping[int, float],
) -> list[LabelImage]:
    """The images of these cameras and frames that the clip has, from its index."""
    there = {camera: set(reader.timestamps(camera).tolist()) for camera in cameras}
    return [
        LabelImage(
            time,
            camera,
            reader.cameras[camera].width,
            reader.cameras[camera].height,
            {"share": lost[time]} if time in lost else {},
        )
        for time in times.tolist()
        for camera in cameras
        if time in there[camera]
    ]


def _reported(outputs: RunOutputs, role: str, view: ClipView, tasks: Sequence[str]) -> pa.Table:
    """What a network reports for these tasks, by the rule of the metrics."""
    boxes = [name for name in _families(BOXES) if name in tasks]
    found = [reported_boxes(view, outputs.predictions(role, boxes)).table]
    others = outputs.predictions(role, [name for name in tasks if name not in boxes])
    if others:
        rows = view.rows_of(others)
        said = rows.known("score", 1.0) >= view.threshold_of(others)[rows.cell]
        found.append(rows.table.filter(pa.array(said)))
    return pa.concat_tables(found)


def _label_networks(outputs: RunOutputs) -> LabelNetworks:
    return LabelNetworks({role: _label_network(outputs, role) for role in ROLES})


def _label_network(outputs: RunOutputs, role: str) -> LabelNetwork:
    manifest = outputs.manifest(role)
    names = map(str, outputs.predictions(role, sparse_tasks()))
    thresholds = {name: manifest.threshold(name) for name in names}
    return LabelNetwork(manifest.id, manifest.network_sha256, thresholds)


def _mcap(work: _Work) -> dict[str, Any]:
    def replayed() -> Iterator[ReplayedClip]:
        for clip in work.clips():
            with work.opened(clip) as reader:
                kept = work.outputs.kept(reader, reader.sample_times(work.outputs.rate_hz))
            lake, newest = work.outputs.lake, clip["labels_blob"]
            labels = lake.path(newest) if newest else None
            path = lake.path(clip["blob"])
            yield ReplayedClip(clip["clip_id"], path, kept, clip["about"], labels)

    lacks = {"lacks": [*WHOLE_CLIPS] if work.request.frames != EVERY_FRAME else []}
    if work.request.dry_run:
        return asdict(preview_mcaps(work.request.out, replayed())) | lacks
    run = {"run": work.outputs.run["run_id"]}
    networks = _label_networks(work.outputs)
    return asdict(write_mcaps(work.request.out, replayed(), networks, run)) | lacks


WRITERS: dict[str, Callable[[_Work], dict[str, Any]]] = {
    "coco": _coco,
    "mcap": _mcap,
    **{name: partial(_neutral, kind) for name, kind in FORMATS.items()},
}
