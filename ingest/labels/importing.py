"""Imports labels: a new version of the labels of each clip that changed, all or none.

Only frames, cameras and families change that the export's manifest lists and that came back. There
an image without a shape means that nothing is there. An image in which nothing but unconfirmed
pre-labels came back is left as it was.
"""

import time as clock
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from ingest.clips.label_file import SUFFIX, write_labels
from ingest.clips.label_versions import version_in
from ingest.clips.read import ClipReader, open_clip
from ingest.labels.content import LabelTask
from ingest.labels.folder import MANIFEST
from ingest.labels.formats.kitti import kitti_name
from ingest.labels.matching_names import frames_in, key_of, read_match
from ingest.labels.merging import Cell, Change, NewShape, merged
from ingest.labels.neutral import LabelNames
from ingest.labels.reading.archive import opened
from ingest.labels.reading.content import Key, ReadImage, ReadLabels, ReadShape
from ingest.labels.reading.documents import read_json
from ingest.labels.reading.registry import read_labels
from ingest.listing import list_clips
from ingest.schemas import CLIP_LABELS
from ridealong.arrays import Bools
from ridealong.errors import RidealongError
from ridealong.lake import DataFile, Lake, write_blob, write_data_file
from ridealong.perception.annotations import Perception
from ridealong.specs import nearest
from ridealong.terminal.console import Console

COMMAND = "labels import"
UP = 3  # folders above a file in which its export's manifest is looked for


@dataclass(frozen=True)
class ImportRequest:
    """What to import.

    Attributes:
        path: A file, a folder or a ZIP archive.
        kind: Its format, of `ingest.labels.reading.registry`.
        match: A list of its images (`ingest.labels.matching_names`); None for none.
        manifest: The manifest of the export; None to look for it beside the labels.
        families: Only these families; empty for those of the manifest, or those that came.
        dry_run: Change nothing.
    """

    path: Path
    kind: str
    match: Path | None = None
    manifest: Path | None = None
    families: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True)
class Rules:
    """What is known of labels outside this package.

    Attributes:
        tasks: The families that can be drawn in images.
        ignored: ``(N,)`` which labels do not count.
    """

    tasks: Sequence[LabelTask]
    ignored: Callable[[pa.Table], Bools]


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
    with opened(request.path) as root:
        labels = read_labels(request.kind, root)
        manifest = _manifest(request, root)
    given = _Given.of(lake, request, rules, labels, manifest)
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
        "versions": [new.row for new in made],
    }


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
    if not isinstance(document, dict) or "clips" not in document or "families" not in document:
        raise RidealongError(
            "is not the manifest of an export of images",
            where=path,
            hint="export again with this version of ridealong",
        )
    return document


@dataclass(frozen=True)
class _Given:
    """Labels that came, and what they are compared with."""

    where: Path
    kind: str
    labels: ReadLabels
    rules: Rules
    keys: Sequence[Key]
    clips: Mapping[str, Mapping[str, Any]]
    sizes: Mapping[tuple[str, str], tuple[int, int]]
    tracks: Mapping[str, Mapping[int, int]]
    families: frozenset[str]
    names: Mapping[str, tuple[str, str]]

    @classmethod
    def of(
        cls,
        lake: Lake,
        request: ImportRequest,
        rules: Rules,
        labels: ReadLabels,
        manifest: dict[str, Any] | None,
    ) -> "_Given":
        """The labels with their clips.

        Raises:
            RidealongError: Images of unknown or several origins, of clips that are not there or not
                in the export, or unknown classes.
        """
        where = request.path
        match = read_match(request.match) if request.match else {}
        frames = frames_in(manifest)
        keys = [key_of(image, match, frames, where) for image in labels.images]
        _require_once(keys, labels.images, where)
        clips = _clips(lake, keys, where)
        if manifest is not None:
            _require_listed(keys, frames, where)
        names = _names(rules, request.kind)
        families = _families(request, rules, labels, names, manifest)
        return cls(
            where,
            request.kind,
            labels,
            rules,
            keys,
            clips,
            _sizes(manifest),
            _tracks(manifest),
            families,
            names,
        )

    def changes(self) -> dict[str, dict[Cell, list[NewShape]]]:
        """By clip, the cells that came back, with their labels."""
        inside: dict[int, list[ReadShape]] = {}
        for shape in self.labels.shapes:
            inside.setdefault(shape.image, []).append(shape)
        found: dict[str, dict[Cell, list[NewShape]]] = {}
        for at, (key, image) in enumerate(zip(self.keys, self.labels.images, strict=True)):
            shapes = inside.get(at, [])
            unsure = {self._task(shape) for shape in shapes if not shape.confirmed}
            sure = [shape for shape in shapes if shape.confirmed]
            judged = self.families - (unsure - {self._task(shape) for shape in sure})
            cells = found.setdefault(key[0], {})
            for task in sorted(judged):
                mine = [shape for shape in sure if self._task(shape) == task]
                cells[key[2], key[1], task] = [self._new(shape, key, image) for shape in mine]
        return found

    def _task(self, shape: ReadShape) -> str:
        return self.names[shape.label][0]

    def _new(self, shape: ReadShape, key: Key, image: ReadImage) -> NewShape:
        size = image.size or self.sizes.get(key[:2])
        return NewShape(
            category=self.names[shape.label][1],
            shape=_in_file(shape, size),
            track_id=self.tracks.get(key[0], {}).get(shape.track or 0),
            new_track=shape.new_track,
            attributes=shape.attributes,
        )


def _in_file(shape: ReadShape, size: tuple[int, int] | None) -> dict[str, Any]:
    """A shape with the size of its image in the file, to be brought to the camera's size."""
    if shape.box is None:
        return {"points": list(shape.points), "size": size}
    return dict(zip(("x1", "y1", "x2", "y2"), shape.box, strict=True)) | {"size": size}


def _in_camera(shape: NewShape, width: int, height: int) -> NewShape:
    """A shape in the pixels of its camera."""
    given = dict(shape.shape)
    size = given.pop("size")
    x, y = (width / size[0], height / size[1]) if size else (1.0, 1.0)
    by = {"x1": x, "x2": x, "y1": y, "y2": y}
    if "points" in given:
        both = [x, y] * (len(given["points"]) // 2)
        given["points"] = [v * f for v, f in zip(given["points"], both, strict=True)]
    else:
        given = {name: value * by[name] for name, value in given.items()}
    return replace(shape, shape=given)


def _names(rules: Rules, kind: str) -> dict[str, tuple[str, str]]:
    """The family and category of each class, by its name in files of this format."""
    names = LabelNames(rules.tasks)
    found = dict(names.by_name)
    for task in rules.tasks:  # a file of one family names its categories alone
        for category in task.categories:
            found.setdefault(category, (task.name, category))
    if kind == "kitti":
        found |= {_lowered(kitti_name(name)): key for name, key in [*found.items()]}
    return found


def _lowered(name: str) -> str:
    return name[:1].lower() + name[1:]


def _families(
    request: ImportRequest,
    rules: Rules,
    labels: ReadLabels,
    names: Mapping[str, tuple[str, str]],
    manifest: Mapping[str, Any] | None,
) -> frozenset[str]:
    known = {task.name for task in rules.tasks}
    for shape in labels.shapes:
        if shape.label not in names:
            hint = nearest(shape.label, sorted(names))
            raise RidealongError(f"unknown class {shape.label!r}", where=request.path, hint=hint)
    came = {names[shape.label][0] for shape in labels.shapes}
    for name in request.families:
        if name not in known:
            raise RidealongError(f"unknown family {name!r}", hint=nearest(name, sorted(known)))
    allowed = set(request.families) or (set(manifest["families"]) if manifest else came)
    if came - allowed:
        extra = ", ".join(sorted(came - allowed))
        raise RidealongError(
            f"has labels of {extra}, which are not to be changed",
            where=request.path,
            expected=f"labels of {', '.join(sorted(allowed))}",
            hint="name the families with --families",
        )
    if not allowed:
        raise RidealongError(
            "has no label, so it is not known of which family its images are empty",
            where=request.path,
            hint="name the families with --families",
        )
    return frozenset(allowed & known)


def _require_once(keys: Sequence[Key], images: Sequence[ReadImage], where: Path) -> None:
    if not keys:
        raise RidealongError("lists no labelled image", where=where)
    (key, count), *_ = Counter(keys).most_common(1)
    if count > 1:
        names = [image.name for one, image in zip(keys, images, strict=True) if one == key]
        same = ", ".join(names[:3])
        raise RidealongError(f"several images are the same frame: {same}", where=where)


def _clips(lake: Lake, keys: Sequence[Key], where: Path) -> dict[str, Mapping[str, Any]]:
    rows = {row["clip_id"]: row for row in list_clips(lake.snapshot()).to_pylist()}
    for clip_id in dict.fromkeys(key[0] for key in keys):
        if clip_id not in rows or not rows[clip_id]["blob"]:
            raise RidealongError(
                f"there is no clip {clip_id!r}", where=where, hint="see `ridealong clips list`"
            )
    return {key[0]: rows[key[0]] for key in keys}


def _require_listed(
    keys: Sequence[Key], frames: Mapping[tuple[str, str], Sequence[int]], where: Path
) -> None:
    listed = {(*key, time) for key, times in frames.items() for time in times}
    for key in keys:
        if key not in listed:
            raise RidealongError(
                f"{key[1]} of clip {key[0]} at {key[2]} ns is not in the export's manifest",
                where=where,
                hint="import the labels with the manifest of their own export",
            )


def _sizes(manifest: Mapping[str, Any] | None) -> dict[tuple[str, str], tuple[int, int]]:
    return {
        (clip["clip_id"], name): (camera["width"], camera["height"])
        for clip in (manifest or {}).get("clips", ())
        for name, camera in clip["cameras"].items()
    }


def _tracks(manifest: Mapping[str, Any] | None) -> dict[str, dict[int, int]]:
    """By clip, the id of each track by its number in the export."""
    return {
        clip["clip_id"]: {int(number): track for number, track in clip.get("tracks", {}).items()}
        for clip in (manifest or {}).get("clips", ())
    }


@dataclass(frozen=True)
class _Made:
    """A new version of a clip's labels: its row, and the file."""

    row: dict[str, Any]
    path: Path


def _version(
    lake: Lake,
    given: _Given,
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
            cell: [
                _in_camera(shape, reader.cameras[cell[1]].width, reader.cameras[cell[1]].height)
                for shape in shapes
            ]
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


def _check(reader: ClipReader, given: _Given, clip_id: str) -> None:
    for key, image in zip(given.keys, given.labels.images, strict=True):
        if key[0] != clip_id:
            continue
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
