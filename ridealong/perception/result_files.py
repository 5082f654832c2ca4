"""Ground truth and the results of two networks, as files hold them: frames, and boxes in them.

Readers of result files (`ingest.results`) make these, and evaluations (`metrics.evaluation`) take
them. Everything is in columns; indices connect boxes with frames and categories.
"""

from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

import pyarrow as pa

from ridealong.arrays import Bools, Floats, Ints

Role = Literal["truth", "deployed", "candidate"]
SIDES: tuple[Role, Role] = ("deployed", "candidate")  # that are compared
NO_TRACK = -1
NO_CATEGORY = -1
NO_ATTRIBUTE = -1


@dataclass(frozen=True)
class Frames:
    """F frames of the ground truth, or items of a statistics file.

    They are in the order in which the reference tool of the format visits them. Frames of one drive
    are in the order of time.

    Attributes:
        name: ``(F,)`` string, unique: a file name, a token, or drive and number.
        drive: ``(F,)`` string, the drive of each frame.
        time_s: ``(F,)`` seconds, of any epoch; NaN where unknown.
        image: ``(F,)`` string, the path of its image below the folder of images; null if unknown.
        attributes: F rows, a string column for each attribute of frames or drives; null is unknown.
    """

    name: pa.Array
    drive: pa.Array
    time_s: Floats
    image: pa.Array
    attributes: pa.Table

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True)
class Boxes2D:
    """N boxes in images.

    Attributes:
        frame: ``(N,)`` index into the frames.
        category: ``(N,)`` index into the categories. An ignored label may have `NO_CATEGORY`: a
            region that concerns all of them, or an object that is of none.
        xywh: ``(N, 4)`` left, top, width and height in pixels, as the reference tool computes them
            (BDD100K: ``width = x2 - x1 + 1``).
        score: ``(N,)`` in the file's own unit; all 1 for ground truth.
        track: ``(N,)`` code of the object's identity within its drive; `NO_TRACK` without one.
        crowd: ``(N,)`` regions of many objects, which may be found any number of times.
        ignored: ``(N,)`` labels that need not be found, crowds included.
        area: ``(N,)`` area in square pixels, by which sizes are told apart.
    """

    frame: Ints
    category: Ints
    xywh: Floats
    score: Floats
    track: Ints
    crowd: Bools
    ignored: Bools
    area: Floats

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class Boxes3D:
    """N boxes in space.

    Attributes:
        frame, category, score, track: As in `Boxes2D`.
        center_m: ``(N, 3)`` centre; all boxes of a frame are in one reference frame.
        size_lwh_m: ``(N, 3)`` length, width, height.
        yaw_rad: ``(N,)`` heading, counter-clockwise about the vertical axis.
        velocity_mps: ``(N, 2)``; NaN where unknown.
        attribute: ``(N,)`` code of the object's state, as in nuScenes; `NO_ATTRIBUTE` if none.
        range_m: ``(N,)`` horizontal distance from the ego vehicle.
        ignored: ``(N,)`` labels that need not be found.
    """

    frame: Ints
    category: Ints
    center_m: Floats
    size_lwh_m: Floats
    yaw_rad: Floats
    velocity_mps: Floats
    attribute: Ints
    score: Floats
    track: Ints
    range_m: Floats
    ignored: Bools

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class BoxesInBoth:
    """N boxes in images, each with its box in space, as in KITTI's files.

    Attributes:
        image: The boxes in the image.
        space: The same boxes in space, with NaN where a box has none; None if no file has any.
        truncation: ``(N,)`` share of the object outside the image, 0 to 1; -1 if unknown.
        occlusion: ``(N,)`` 0 visible, 1 partly hidden, 2 mostly hidden, 3 unknown; -1 for none.
    """

    image: Boxes2D
    space: Boxes3D | None
    truncation: Floats
    occlusion: Floats

    def __len__(self) -> int:
        return len(self.image)


@dataclass(frozen=True)
class Note:
    """An oddity of the files that is counted and reported, and does not stop the work.

    Attributes:
        kind: A stable word for programs, such as ``frames-without-results``.
        whose: Which file.
        count: How many.
        text: What they are and what was done with them, after the count: a plural noun, its verb
            (have, are), and a second part that fits one of them, too.
        examples: The first names, for the message.
    """

    kind: str
    whose: Role
    count: int
    text: str
    examples: tuple[str, ...] = ()


B = TypeVar("B")


@dataclass(frozen=True)
class Comparison(Generic[B]):
    """What ground truth and two result files say about the same frames.

    Attributes:
        evaluation: The name of the evaluation (`metrics.evaluation`) that fits.
        frames: The frames of the ground truth.
        categories: Names of the classes, as the files spell them.
        truth, deployed, candidate: Boxes of one type, as the evaluation takes it.
        drive_from: What tells drives apart, such as ``videoName``; for the report.
        notes: Oddities.
        rate_hz: Frames a second, if the files or the user say so.
    """

    evaluation: str
    frames: Frames
    categories: tuple[str, ...]
    truth: B
    deployed: B
    candidate: B
    drive_from: str
    notes: tuple[Note, ...] = field(default=())
    rate_hz: float | None = None
