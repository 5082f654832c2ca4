"""Imports labels: a new version of the labels of each clip that changed, all or none.

Only frames, cameras and families change that the export's manifest lists and that came back. There
an image without a shape means that nothing is there. An image in which nothing but unconfirmed
pre-labels came back is left as it was.
"""

import time as clock
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from ingest.clips.label_file import SUFFIX, write_labels
from ingest.clips.label_versions import version_in
from ingest.clips.read import ClipReader, open_clip
from ingest.labels.folder import MANIFEST
from ingest.labels.formats.kitti import in_ego
from ingest.labels.incoming import ImportRequest, Incoming, Rules, sizes_in, tracks_in
from ingest.labels.matching_names import frames_in
from ingest.labels.merging import Cell, Change, NewShape, merged
from ingest.labels.reading.archive import opened
from ingest.labels.reading.content import ReadLabels
from ingest.labels.reading.documents import read_json
from ingest.labels.reading.registry import read_labels
from ingest.schemas import CLIP_LABELS
from ridealong.errors import RidealongError
from ridealong.lake import DataFile, Lake, write_blob, write_data_file
from ridealong.perception.annotations import Perception
from ridealong.perception.geometry import CameraCalibration
from ridealong.terminal.console import Console

COMMAND = "labels import"
UP = 3  # folders above a file in which its export's manifest is looked for


def import_labels(
    lake: Lake, request: ImportRequest, rules: Rules, console: Console
) -> dict[str, Any]:
    """Import labels.

    Returns:
        The document that ``labels import --json`` prints.

    Raises:
        RidealongError: The labels are not of this format, or do not fit the clips; nothing is
            changed.
    """
    lake.require_writable()
    labels, manifest = _read(request)
    given = Incoming.of(lake, request, rules, labels, manifest)
    changes = given.changes()
    with TemporaryDirectory() as scratch, console.steps("clips", len(changes)) as steps:
        made = []
        for clip_id in sorted(changes):
            new = _version(lake, given, clip_id, changes[clip_id], Path(scratch))
            made += [new] if new else []
            steps.advance()
        if made and not request.dry_run:
            _commit(lake, made)
    return {
        "format": request.kind,
        "path": str(request.path),
        "dry_run": request.dry_run,
        "manifest": manifest is not None,
        "images": len(labels.images),
        "labels": sum(shape.confirmed for shape in labels.shapes),
        "unconfirmed": sum(not shape.confirmed for shape in labels.shapes),
        "clips": len(changes),
        "clip_ids": sorted(changes),
        "relabelled": given.relabelled(),
        "versions": [new.row for new in made],
    }


def _read(request: ImportRequest) -> tuple[ReadLabels, dict[str, Any] | None]:
    """The labels, and the manifest of their export; errors name files inside an archive."""
    with opened(request.path) as root:
        try:
            return read_labels(request.kind, root), _manifest(request, root)
        except RidealongError as error:
            if root == request.path or not Path(error.where or "").is_relative_to(root):
                raise
            where = request.path / Path(error.where or "").relative_to(root)
            raise RidealongError(
                error.what, where=where, expected=error.expected, hint=error.hint
            ) from error


def _manifest(request: ImportRequest, root: Path) -> dict[str, Any] | None:
    """The manifest of the export that the labels come from; None if there is none."""
    if request.manifest is not None:
        given = request.manifest
        path = given / MANIFEST if given.is_dir() else given
        return _checked_manifest(read_json(path), path)
    near = [request.path, *request.path.absolute().parents[:UP]]
    folders = [root, *(path for path in near if path.is_dir())]
    found = next((path for one in folders if (path := one / MANIFEST).is_file()), None)
    return _checked_manifest(read_json(found), found) if found else None


def _checked_manifest(document: Any, path: Path) -> dict[str, Any]:
    if not isinstance(document, dict) or not {"clips", "families"} <= document.keys():
        raise _no_manifest(path)
    try:
        frames_in(document), sizes_in(document), tracks_in(document), set(document["families"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _no_manifest(path) from error
    return document


def _no_manifest(path: Path) -> RidealongError:
    return RidealongError(
        "is not the manifest of an export of images",
        where=path,
        hint="export again with this version of ridealong",
    )


def _in_camera(shape: NewShape, camera: CameraCalibration, where: Path) -> NewShape:
    """A shape in the pixels of its camera, and its box in space in the ego frame.

    Raises:
        RidealongError: It lies outside the image, or reaches far beyond it.
    """
    given = dict(shape.shape)
    size = given.pop("size")
    x, y = (camera.width / size[0], camera.height / size[1]) if size else (1.0, 1.0)
    by = {"x1": x, "x2": x, "y1": y, "y2": y}
    if "points" in given:
        both = [x, y] * (len(given["points"]) // 2)
        given["points"] = [v * f for v, f in zip(given["points"], both, strict=True)]
    else:
        given = {name: value * by[name] for name, value in given.items()}
    _require_inside(given, shape.category, camera, where)
    attributes = dict(shape.attributes)
    if shape.in_space is not None and camera.known:
        attributes |= in_ego(shape.in_space, camera)
    return replace(shape, shape=given, attributes=attributes)


def _require_inside(
    shape: Mapping[str, Any], category: str, camera: CameraCalibration, where: Path
) -> None:
    flat = shape.get("points") or [shape[edge] for edge in ("x1", "y1", "x2", "y2")]
    for values, size in ((flat[::2], camera.width), (flat[1::2], camera.height)):
        low, high = min(values), max(values)
        if high <= 0 or low >= size or low < -size or high > 2 * size:
            corners = ", ".join(f"{value:g}" for value in flat[:4])
            raise RidealongError(
                f"a {category} of {camera.name} has the corners {corners}",
                where=where,
                expected=f"a shape in an image of {camera.width}x{camera.height} pixels",
            )


@dataclass(frozen=True)
class _Made:
    """A new version of a clip's labels: its row, and the file."""

    row: dict[str, Any]
    path: Path


def _version(
    lake: Lake,
    given: Incoming,
    clip_id: str,
    cells: Mapping[Cell, Sequence[NewShape]],
    scratch: Path,
) -> _Made | None:
    """A clip's new labels; None if they are those that it has."""
    clip = given.clips[clip_id]
    newest = clip["labels_blob"]
    with open_clip(lake.path(clip["blob"]), lake.path(newest) if newest else None) as reader:
        _check(reader, given, clip_id)
        old = reader.labels(with_dense=False)
        sized = {
            cell: [_in_camera(shape, reader.cameras[cell[1]], given.where) for shape in shapes]
            for cell, shapes in cells.items()
        }
        forms = {task.name: task.form for task in given.rules.tasks}
        kept = given.rules.ignored if given.labels.lacks_ignored else None
        new = merged(old, Change(sized, [*reader.cameras], forms, kept))
    if old is not None and _same(old, new):
        return None
    path = scratch / f"{clip_id}{SUFFIX}"
    write_labels(path, new)
    row = {
        "clip_id": clip_id,
        "drive_id": clip["drive_id"],
        "before": version_in(newest or clip["blob"]),
        "cells": len(cells),
        "labels": sum(map(len, cells.values())),
        "format": given.kind,
        "source_path": str(given.where),
    }
    return _Made(row, path)


def _check(reader: ClipReader, given: Incoming, clip_id: str) -> None:
    for key, image in given.images[clip_id]:
        if key[1] not in reader.cameras:
            raise RidealongError(f"clip {clip_id} has no camera {key[1]!r}", where=given.where)
        if key[2] not in reader.timestamps(key[1]):
            raise RidealongError(
                f"clip {clip_id} has no frame of {key[1]} at {key[2]} ns", where=given.where
            )
        camera = reader.cameras[key[1]]
        expected = given.sizes.get(key[:2], (camera.width, camera.height))
        if image.size is not None and image.size != expected:
            raise RidealongError(
                f"{image.name} is {image.size[0]}x{image.size[1]} pixels",
                where=given.where,
                expected=f"{expected[0]}x{expected[1]}, as it was exported",
            )


def _same(one: Perception, two: Perception) -> bool:
    return (
        one.timestamps_ns.tolist() == two.timestamps_ns.tolist()
        and one.tasks == two.tasks
        and dict(one.partial) == dict(two.partial)
        and _rows(one) == _rows(two)
    )


def _rows(labels: Perception) -> Counter[str]:
    return Counter(map(repr, labels.sparse.to_pylist()))


def _commit(lake: Lake, made: Sequence[_Made]) -> None:
    commit_id, now = lake.new_commit_id(), clock.time_ns()
    files: list[DataFile] = []
    for new in made:
        blob = write_blob(lake.home, commit_id, new.path, SUFFIX)
        files.append(blob)
        new.row.update(version=version_in(blob.path), time_ns=now, blob=blob.path)
    rows = pa.Table.from_pylist([new.row for new in made], schema=CLIP_LABELS.schema)
    table = write_data_file(lake.home, commit_id, CLIP_LABELS, rows)
    assert table is not None
    lake.commit(commit_id, COMMAND, [*files, table], counts={"clips": len(made)})
