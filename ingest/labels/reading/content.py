"""What a reader of label files gives: images, and shapes in them, as the file has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ingest.labels.formats.kitti import BoxInSpace

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Key = tuple[str, str, int]  # clip, camera, timestamp_ns


@dataclass(frozen=True)
class ReadImage:
    """An image that a file lists: there, no shape means that nothing is there.

    Attributes:
        name: Its name in the file, without folders.
        key: Where it comes from, if the file says it; else its name does.
        size: Width and height in pixels, if the file says them.
        sequence: The clip and camera, ``CLIP-CAMERA``, and the index of a frame of a video.
    """

    name: str
    key: Key | None = None
    size: tuple[int, int] | None = None
    sequence: tuple[str, int] | None = None


@dataclass(frozen=True)
class ReadShape:
    """A shape.

    Attributes:
        image: Index of its image in `ReadLabels.images`.
        label: Its class, as in `ingest.labels.neutral.LabelNames`.
        box: Its box; None for a line.
        points: ``x0, y0, x1, y1, …`` of a line; empty for a box.
        track: The number of its track in the export; None if it has none or a new one.
        new_track: Names a track that the export did not have.
        attributes: Columns of ``ANNOTATIONS`` that the file gives.
        in_space: Its box in space in the camera's reference frame, as KITTI has it
            (`ingest.labels.formats.kitti.in_ego`); None if the file gives none.
        hidden: The lowest and the highest share of it that may be hidden, of a format with steps;
            None if it does not say.
        confirmed: False for a pre-label that nobody confirmed.
    """

    image: int
    label: str
    box: Box | None = None
    points: tuple[float, ...] = ()
    track: int | None = None
    new_track: str | None = None
    attributes: Mapping[str, float | bool] = field(default_factory=dict)
    in_space: BoxInSpace | None = None
    hidden: tuple[float, float] | None = None
    confirmed: bool = True


@dataclass(frozen=True)
class ReadLabels:
    """What a file or folder holds.

    Attributes:
        images: The images that it lists.
        shapes: The shapes in them.
        lacks_ignored: Labels that do not count have no shape in this format.
    """

    images: Sequence[ReadImage]
    shapes: Sequence[ReadShape]
    lacks_ignored: bool = False
