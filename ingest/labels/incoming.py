"""Labels that came in, with the clips, frames and families that they are of."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.clips.label_versions import version_in
from ingest.labels.content import LabelTask
from ingest.labels.formats.kitti import kitti_name
from ingest.labels.matching_names import frames_in, key_of, read_match
from ingest.labels.merging import Cell, NewShape
from ingest.labels.neutral import LabelNames
from ingest.labels.reading.content import Key, ReadImage, ReadLabels, ReadShape
from ingest.listing import list_clips
from ridealong.arrays import Bools
from ridealong.errors import RidealongError
from ridealong.lake import Lake
from ridealong.specs import nearest


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


@dataclass(frozen=True)
class Incoming:
    """Labels that came in, and what they are compared with.

    Attributes:
        where: What was imported, for messages.
        kind: Its format.
        labels: What it holds.
        rules: What is known of labels outside this package.
        keys: Where each image comes from.
        clips: The clips, by id.
        sizes: By clip and camera, width and height of the exported images in pixels.
        tracks: By clip, the id of each track by its number in the export.
        families: Those that may change.
        names: The family and category of each class, by its name in the file.
        exported: By clip, the version of the labels that was exported, if the manifest says it.
    """

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
    exported: Mapping[str, str | None]

    @classmethod
    def of(
        cls,
        lake: Lake,
        request: ImportRequest,
        rules: Rules,
        labels: ReadLabels,
        manifest: dict[str, Any] | None,
    ) -> "Incoming":
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
            sizes_in(manifest),
            tracks_in(manifest),
            families,
            names,
            {clip["clip_id"]: clip.get("labels") for clip in (manifest or {}).get("clips", ())},
        )

    @cached_property
    def images(self) -> dict[str, list[tuple[Key, ReadImage]]]:
        """By clip, its images and where they come from."""
        found: dict[str, list[tuple[Key, ReadImage]]] = {}
        for key, image in zip(self.keys, self.labels.images, strict=True):
            found.setdefault(key[0], []).append((key, image))
        return found

    def relabelled(self) -> list[str]:
        """The clips whose labels were changed since the export: the import replaces that, too."""
        return [
            clip_id
            for clip_id, clip in sorted(self.clips.items())
            if self.exported.get(clip_id)
            and self.exported[clip_id] != version_in(clip["labels_blob"] or clip["blob"])
        ]

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
            in_space=shape.in_space,
            hidden=shape.hidden,
        )


def _in_file(shape: ReadShape, size: tuple[int, int] | None) -> dict[str, Any]:
    """A shape with the size of its image in the file, to be brought to the camera's size."""
    if shape.box is None:
        return {"points": list(shape.points), "size": size}
    return dict(zip(("x1", "y1", "x2", "y2"), shape.box, strict=True)) | {"size": size}


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
            f"has labels of {extra}, which this import may not change",
            where=request.path,
            expected=f"labels of {', '.join(sorted(allowed))}",
            hint="name the families with --families",
        )
    if not allowed:
        raise RidealongError(
            "has no label, so the family of its empty images is unknown",
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


def sizes_in(manifest: Mapping[str, Any] | None) -> dict[tuple[str, str], tuple[int, int]]:
    """By clip and camera, width and height of the exported images in pixels."""
    return {
        (clip["clip_id"], name): (camera["width"], camera["height"])
        for clip in (manifest or {}).get("clips", ())
        for name, camera in clip["cameras"].items()
    }


def tracks_in(manifest: Mapping[str, Any] | None) -> dict[str, dict[int, int]]:
    """By clip, the id of each track by its number in the export."""
    return {
        clip["clip_id"]: {int(number): track for number, track in clip.get("tracks", {}).items()}
        for clip in (manifest or {}).get("clips", ())
    }
