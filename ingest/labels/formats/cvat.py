"""CVAT: XML for images 1.1 with all shapes, and for video 1.1 with tracks, one file a camera.

Pre-labels have the source ``auto``. CVAT keeps it until somebody changes the shape, so a pre-label
that comes back with it was not confirmed.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from ingest.labels.formats.format import CANDIDATE, Format, link, number, suggestions, texts
from ingest.labels.lineage import ExportHead
from ingest.labels.neutral import (
    ATTRIBUTES,
    DRAWN,
    ExportClip,
    ExportImage,
    LabelNames,
    Shape,
    by_image,
)
from ridealong.perception.forms import Form

IMAGES, VIDEO, FILE = "images", "video", "annotations.xml"
AUTO, MANUAL = "auto", "manual"
TRACK, IGNORED, SCORE = "track", "ignored", "score"  # attributes besides those of labels
_HIDDEN = 0.5  # CVAT knows hidden or not: hidden by more than this
# The shares that are hidden, by CVAT's word for it.
HIDDEN = {"0": (0.0, _HIDDEN), "1": (_HIDDEN, 1.0)}
_BOXES = (Form.BOXES, Form.STATES)


class CvatWriter:
    """Writes the XML files; see the module."""

    def __init__(self, folder: Path, names: LabelNames, head: ExportHead) -> None:
        self._folder, self._names = folder, names
        self._file = (folder / FILE).open("w", encoding="utf-8")
        _begin(self._file, names, "annotation")

    def add(self, clip: ExportClip) -> None:
        """Write a clip."""
        shapes = [*clip.labels, *suggestions(clip)[CANDIDATE]]
        _write_images(self._file, clip.images, shapes)
        for camera, images in clip.by_camera().items():
            mine = [shape for shape in shapes if shape.image.camera == camera]
            self._write_video(f"{clip.clip_id}-{camera}", images, mine)

    def finish(self) -> None:
        """End the file of all images."""
        _end(self._file)

    def close(self) -> None:
        """Close the file of all images."""
        self._file.close()

    def _write_video(
        self, name: str, images: Sequence[ExportImage], shapes: Sequence[Shape]
    ) -> None:
        folder = self._folder / VIDEO / name
        (folder / IMAGES).mkdir(parents=True)
        for image in images:
            target = folder / IMAGES / f"frame_{image.frame:06d}.png"
            link(self._folder / IMAGES / image.file_name, target)
        size = images[0].width, images[0].height
        with (folder / FILE).open("w", encoding="utf-8") as file:
            _begin(file, self._names, "interpolation", size, name, len(images))
            for number_, track in enumerate(_tracks(shapes)):
                _write_track(file, number_, track, len(images))
            _end(file)


def _begin(
    file: TextIO,
    names: LabelNames,
    mode: str,
    size: tuple[int, int] | None = None,
    name: str = "ridealong",
    frames: int | None = None,
) -> None:
    file.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
    file.write(f"<meta>\n<task>\n<name>{escape(name)}</name>\n")
    if frames is not None:
        last = max(frames - 1, 0)
        file.write(f"<size>{frames}</size>\n<start_frame>0</start_frame>\n")
        file.write(f"<stop_frame>{last}</stop_frame>\n")
    file.write(f"<mode>{mode}</mode>\n<labels>\n")
    for (task, _), label in names.by_category.items():
        kind = "rectangle" if names.forms[task] in _BOXES else "polyline"
        file.write(f"<label>\n<name>{escape(label)}</name>\n<type>{kind}</type>\n<attributes>\n")
        for attribute in (*ATTRIBUTES, TRACK, IGNORED, SCORE):
            file.write(
                f"<attribute><name>{attribute}</name><mutable>True</mutable><input_type>text"
                "</input_type><default_value></default_value><values></values></attribute>\n"
            )
        file.write("</attributes>\n</label>\n")
    file.write("</labels>\n")
    if size is not None:
        width, height = size
        file.write(
            f"<original_size><width>{width}</width><height>{height}</height></original_size>\n"
        )
    file.write("</task>\n</meta>\n")


def _end(file: TextIO) -> None:
    file.write("</annotations>\n")


def _write_images(file: TextIO, images: Sequence[ExportImage], shapes: Sequence[Shape]) -> None:
    inside = by_image(shapes)
    for image in images:
        file.write(
            f'<image id="{image.id - 1}" name={quoteattr(image.file_name)} '
            f'width="{image.width}" height="{image.height}">\n'
        )
        for shape in inside.get(image.id, ()):
            own = f"label={quoteattr(shape.label)} source={quoteattr(_source(shape))} "
            track = {} if shape.track is None else {TRACK: shape.track}
            _write_shape(file, shape, own, track)
        file.write("</image>\n")


def _write_track(file: TextIO, at: int, shapes: Sequence[Shape], frames: int) -> None:
    first = shapes[0]
    file.write(
        f'<track id="{at}" label={quoteattr(first.label)} source={quoteattr(_source(first))}>\n'
    )
    track = {} if first.track is None else {TRACK: first.track}
    for shape, outside in _with_ends(shapes, frames):
        frame = shape.image.frame + outside
        own = f'frame="{frame}" keyframe="1" outside="{int(outside)}" '
        _write_shape(file, shape, own, track)
    file.write("</track>\n")


def _with_ends(shapes: Sequence[Shape], frames: int) -> Iterator[tuple[Shape, bool]]:
    """The shapes of a track, and again where the next frame has none: there it is outside."""
    there = {shape.image.frame for shape in shapes}
    for shape in shapes:
        yield shape, False
        following = shape.image.frame + 1
        if following not in there and following < frames:
            yield shape, True


def _tracks(shapes: Sequence[Shape]) -> list[list[Shape]]:
    """Shapes by track and label, in time; a shape without a track, or a second one, is its own."""
    found: dict[tuple[int, str, int], list[Shape]] = {}
    for shape in shapes:
        # A pre-label's own number is no track: it is below every track's number.
        track = -shape.id if shape.track is None else shape.track
        copies = 0
        while any(s.image is shape.image for s in found.get((track, shape.label, copies), ())[-1:]):
            copies += 1
        found.setdefault((track, shape.label, copies), []).append(shape)
    return list(found.values())


def _write_shape(file: TextIO, shape: Shape, own: str, more: Mapping[str, object]) -> None:
    known = shape.attributes
    occluded = int(known.get("occlusion", 0.0) > _HIDDEN)
    box = shape.box
    if box is None:
        corners = ";".join(f"{number(x)},{number(y)}" for x, y in shape.points)
        name, where = "polyline", f'points="{corners}"'
    else:
        edges = zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True)
        name, where = "box", " ".join(f'{edge}="{number(value)}"' for edge, value in edges)
    file.write(f'<{name} {own}occluded="{occluded}" {where} z_order="0">\n')
    extra = {IGNORED: True} if shape.ignored else {}
    score = {} if shape.score is None else {SCORE: float(shape.score)}
    for key, text in texts(known | dict(more) | extra | score).items():
        file.write(f"<attribute name={quoteattr(key)}>{escape(text)}</attribute>\n")
    file.write(f"</{name}>\n")


def _source(shape: Shape) -> str:
    return MANUAL if shape.score is None else AUTO


FORMAT = Format(
    name="cvat",
    title="CVAT: XML for images and for video",
    images=IMAGES,
    forms=DRAWN,
    writer=CvatWriter,
    lacks=("labels without a shape in an image",),
    prelabels=suggestions,
)
