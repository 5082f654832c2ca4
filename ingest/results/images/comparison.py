"""A comparison of boxes in images: what all formats of such files have in common."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ingest.results.format import ReadOptions, ResultPaths
from ingest.results.images.box_columns import BoxColumns
from ingest.results.images.frame_list import FrameList, texts
from ingest.results.oddities import (
    boxes_too_large,
    frames_without_results,
    note,
    oddities_of,
    require_any,
    require_pixels,
    scores_beyond,
)
from ridealong.errors import RidealongError
from ridealong.perception.result_files import NO_TRACK, Boxes2D, Comparison, Note, Role

TASKS = {"objects": "coco", "tracks": "clear_mot"}  # the evaluation of each task


@dataclass(frozen=True)
class Truth:
    """What the ground truth of a format says.

    Attributes:
        frames: Its frames.
        categories: The names of its classes, in their order.
        code: The index of each class, by how the files refer to it.
        boxes: Its labels.
        drive_from: What tells drives apart.
        notes: What was odd about it.
        classes: All classes that the format has, if it has its own.
    """

    frames: FrameList
    categories: tuple[str, ...]
    code: Mapping[Hashable, int]
    boxes: BoxColumns
    drive_from: str
    notes: tuple[Note, ...] = ()
    classes: tuple[Hashable, ...] = ()


def comparison_of(
    truth: Truth,
    deployed: BoxColumns,
    candidate: BoxColumns,
    paths: ResultPaths,
    options: ReadOptions,
) -> Comparison[Boxes2D]:
    """Combine ground truth and two networks' results, as detections or as tracks.

    Raises:
        RidealongError: A file has no frame or no class of the ground truth, or lacks the scores or
            identities that the task needs.
    """
    frames = truth.frames
    texts(paths.truth, truth.categories)
    labels, notes = truth.boxes.boxes(frames, truth.code, "truth")
    notes += oddities_of(labels, frames.size, frames.frames.name, "truth")
    one, more = _results(deployed, truth, labels, paths.deployed, "deployed")
    two, others = _results(candidate, truth, labels, paths.candidate, "candidate")
    task = options.task or _task_of(labels, (one, two))
    if task not in TASKS:
        what = f"boxes in images have no task {task!r}"
        raise RidealongError(what, where=paths.truth, expected=" or ".join(TASKS))
    prepare = _as_tracks if task == "tracks" else _as_detections
    return Comparison(
        evaluation=TASKS[task],
        frames=frames.frames,
        categories=truth.categories,
        truth=_as_tracks(labels, paths.truth) if task == "tracks" else labels,
        deployed=prepare(one, paths.deployed),
        candidate=prepare(two, paths.candidate),
        drive_from=truth.drive_from,
        notes=(*truth.notes, *notes, *more, *others),
        rate_hz=options.rate_hz,
    )


def _results(
    columns: BoxColumns, truth: Truth, labels: Boxes2D, path: Path, whose: Role
) -> tuple[Boxes2D, list[Note]]:
    frames = truth.frames
    seen = [frames.index[key] for key in columns.frames if key in frames.index]
    require_any("frame", columns.frames, frames.index, path)
    require_any("class", columns.categories, dict.fromkeys([*truth.code, *truth.classes]), path)
    mentioned = np.zeros(len(frames.frames), np.bool_)
    mentioned[seen] = True
    names = frames.frames.name
    boxes, notes = columns.boxes(frames, truth.code, whose)
    require_pixels(boxes, labels, path)
    notes += frames_without_results(whose, names, mentioned)
    if seen and not len(boxes):
        notes += note("nothing-found", whose, len(names), "frames have no boxes: nothing was found")
    notes += oddities_of(boxes, frames.size, names, whose)
    notes += boxes_too_large(boxes, frames.size, names, whose)
    notes += scores_beyond(boxes, names, whose)
    return boxes, notes


def _task_of(truth: Boxes2D, results: Sequence[Boxes2D]) -> str:
    """Tracks if identities recur in every file that has any; otherwise detections."""
    speaking = [boxes for boxes in results if len(boxes)]
    tracked = [recurs(boxes) for boxes in (truth, *speaking)]
    return "tracks" if speaking and all(tracked) else "objects"


def recurs(boxes: Boxes2D) -> bool:
    """Whether an object has boxes in several frames of its drive."""
    known = boxes.track != NO_TRACK
    track, frame = boxes.track[known], boxes.frame[known]
    order = np.lexsort((frame, track))
    same = track[order][1:] == track[order][:-1]
    return bool((same & (frame[order][1:] != frame[order][:-1])).any())


def _as_detections(boxes: Boxes2D, path: Path) -> Boxes2D:
    without = int(np.isnan(boxes.score).sum())
    if without:
        raise RidealongError(
            f"{without} of {len(boxes)} boxes have no score",
            where=path,
            expected="a score for every box",
            hint="only tracks (--task tracks) may do without",
        )
    return boxes


def _as_tracks(boxes: Boxes2D, path: Path) -> Boxes2D:
    without = int(((boxes.track == NO_TRACK) & ~boxes.ignored).sum())
    if without:
        raise RidealongError(
            f"{without} of {len(boxes)} boxes have no identity",
            where=path,
            expected="an identity that an object keeps from frame to frame",
            hint="detections are --task objects",
        )
    return replace(boxes, score=np.where(np.isnan(boxes.score), 1.0, boxes.score))
