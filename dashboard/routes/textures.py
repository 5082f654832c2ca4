"""Dense outputs and labels of a window of time as textures: one byte a pixel, compressed.

The body is a line of JSON, a newline, and one zlib stream of ``frames * height * width`` bytes,
frame after frame, rows from the top. The header has ``frames``, ``width``, ``height``, ``kind``,
``times`` (seconds), ``step_s``, and for differences and losses ``rule``, a sentence, and
``values``, what the values other than 0 mean. Kinds:

- ``classes``: ids of the segmentation's classes; 255 unknown;
- ``depth``: 0 to 254 are 0 m to the largest depth that is judged; 255 unknown;
- ``layers``: bit i is layer i of the layers seen from above; 255 unknown;
- ``mask``: 0 nothing; 1 and 2 as the header says.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.drawing.judging import DEPTH_RULE, Code, Place, codes
from dashboard.player.layers import step_s
from dashboard.routes.answers import Answer, Asked, AskedWronglyError
from dashboard.routes.home import Clip, Home
from dashboard.routes.views import LABELS, seconds_of
from ingest.clips.read import ClipReader
from metrics.tasks.bev import OCCUPIED
from metrics.tasks.dense import finer, nearest_grid
from metrics.tasks.depth import CAP_M, FACTOR
from metrics.tasks.segmentation import CLASSES
from ridealong.arrays import Ints
from ridealong.errors import RidealongError
from ridealong.perception.annotations import (
    ANNOTATIONS,
    UNLABELLED,
    BevLayer,
    Perception,
    Task,
)
from ridealong.units import NS_PER_S
from shadow.runs import ROLES, Run

DIFFERENCE, LOST = "difference", "lost"
LAYERS = (LABELS, *ROLES, DIFFERENCE, LOST)
TOP = "top"  # the camera of what is seen from above
MOST_FRAMES = 128  # that networks infer for one answer
DEEPEST = 254
LEVEL = 6  # of zlib

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Texture:
    """A dense layer ``(T, h, w)`` and what its bytes mean."""

    kind: str
    pixels: Bytes
    rule: str | None = None
    values: Mapping[str, str] | None = None


NOTHING = Texture("mask", np.zeros((0, 0, 0), np.uint8))


@dataclass(frozen=True)
class Wanted:
    """Which texture is asked for.

    Attributes:
        layer: One of `LAYERS`.
        task: ``segmentation``, ``depth`` or ``bev``.
        camera: The camera, or `TOP`.
        category: Only this class of a segmentation counts; None for all.
    """

    layer: str
    task: str
    camera: str
    category: str | None

    def __post_init__(self) -> None:
        tasks = (Task.SEGMENTATION, Task.DEPTH, Task.BEV)
        for what, value, known in (("layer", self.layer, LAYERS), ("task", self.task, tasks)):
            if value not in known:
                raise RidealongError(f"unknown {what} {value!r}", expected=" or ".join(known))
        if (self.camera == TOP) != (self.task == Task.BEV):
            raise RidealongError(f"there is no {self.task} of the camera {self.camera!r}")
        if self.category is not None and self.category not in CLASSES:
            raise AskedWronglyError(f"unknown class {self.category!r}")

    @property
    def code(self) -> int | None:
        """The class that counts; None for all."""
        return None if self.category is None else CLASSES.index(self.category)

    def array(self, seen: Perception, whose: str) -> NDArray[Any]:
        """The array ``(T, h, w)`` of one side; layers seen from above are bits of a byte.

        Raises:
            RidealongError: That side has none.
        """
        if self.task != Task.BEV:
            return Place(self.task, self.camera, self.code).of(seen, whose)
        if not seen.bev:
            raise RidealongError(f"{whose} has no layers seen from above")
        bits = np.zeros_like(next(iter(seen.bev.values())))
        for at, layer in enumerate(BevLayer):
            if layer in seen.bev:
                bits |= ((seen.bev[layer] == OCCUPIED) << at).astype(np.uint8)
        unknown = np.all([cells == UNLABELLED for cells in seen.bev.values()], axis=0)
        bits[unknown] = UNLABELLED
        return bits


@dataclass(frozen=True)
class Textures:
    """The route of dense layers.

    Attributes:
        home: The home.
    """

    home: Home

    def __call__(self, asked: Asked) -> Answer:
        """One texture of the frames from ``from`` to before ``to``.

        All but the labels need ``run``. ``category`` restricts the difference and the losses of a
        segmentation to one class.

        Raises:
            RidealongError: There is no such layer, camera or run; the clip has no labels; something
                is damaged; or torch is not installed.
        """
        wanted = Wanted(**{name: asked.path[name] for name in ("layer", "task", "camera")},
                        category=asked.text("category"))  # fmt: skip
        run = None if wanted.layer == LABELS else self.home.run(asked.needed("run"))
        window, clip = asked.window(), asked.clip
        key = clip["clip_id"], clip["blob"], run["run_id"] if run else None
        return Answer(
            ("texture", *key, wanted, window),
            lambda: self._body(clip, run, wanted, window),
            media_type="application/octet-stream",
            packed=True,
        )

    def _body(
        self, clip: Clip, run: Run | None, wanted: Wanted, window: tuple[float, float]
    ) -> bytes:
        first_ns = self.home.first_ns(clip)
        with self.home.open(clip) as reader:
            labelled = reader.label_timestamps()
            if run is None:
                times = every = labelled
            else:
                times = every = reader.sample_times(self.home.outputs(run).rate_hz)
                if wanted.layer == LOST:
                    times = np.intersect1d(times, labelled)
            seconds = (times - first_ns) / NS_PER_S
            times = times[(seconds >= window[0]) & (seconds < window[1])]
            if run is not None and len(times) > MOST_FRAMES:
                raise AskedWronglyError(
                    f"the window has {len(times)} frames", expected=f"at most {MOST_FRAMES}"
                )
            texture = self._texture(reader, run, wanted, times) if len(times) else NOTHING
        header = {
            "frames": len(times),
            "width": texture.pixels.shape[2],
            "height": texture.pixels.shape[1],
            "kind": texture.kind,
            "times": seconds_of(times, first_ns),
            "step_s": step_s(every),
            "rule": texture.rule,
            "values": texture.values,
        }
        return json.dumps(header).encode() + b"\n" + zlib.compress(texture.pixels.tobytes(), LEVEL)

    def _texture(self, reader: ClipReader, run: Run | None, wanted: Wanted, times: Ints) -> Texture:
        if run is None:
            return _as_is(wanted, wanted.array(_labels(reader, wanted, times), "the label"))
        seen = self.home.dense.alone(self.home.outputs(run), reader, times)
        arrays = [wanted.array(seen[role], f"the {role} network") for role in ROLES]
        if wanted.layer in ROLES:
            return _as_is(wanted, arrays[ROLES.index(wanted.layer)])
        if wanted.layer == DIFFERENCE:
            return _difference(wanted, *arrays)
        return _lost(wanted, wanted.array(_labels(reader, wanted, times), "the label"), *arrays)


def _labels(reader: ClipReader, wanted: Wanted, times: Ints) -> Perception:
    """The labels that a texture needs; their times are all of ``times``."""
    names = reader.dense_label_names()[wanted.task]
    if wanted.task != Task.BEV:
        names = [name for name in names if name == wanted.camera]
    first, last = int(times[0]), int(times[-1])
    arrays = {}
    for name in names:
        own, array = reader.dense_labels(wanted.task, name, first, last)
        arrays[name] = array[np.isin(own, times)]
    return Perception(times, ANNOTATIONS.empty_table(), **{wanted.task: arrays})  # type: ignore[arg-type]


def _as_is(wanted: Wanted, array: NDArray[Any]) -> Texture:
    if wanted.task == Task.DEPTH:
        return Texture("depth", depth_bytes(array))
    return Texture("layers" if wanted.task == Task.BEV else "classes", array.astype(np.uint8))


def depth_bytes(depth_m: NDArray[Any]) -> Bytes:
    """Depths as bytes: 254 is the largest depth that is judged or more, 255 is unknown."""
    known = np.clip(np.nan_to_num(depth_m, nan=0.0, posinf=CAP_M), 0, CAP_M)
    scaled = np.rint(known / CAP_M * DEEPEST).astype(np.uint8)
    return np.where(np.isnan(depth_m), np.uint8(UNLABELLED), scaled)


def _difference(wanted: Wanted, deployed: NDArray[Any], candidate: NDArray[Any]) -> Texture:
    size = finer(deployed, candidate)
    one, two = (nearest_grid(side, size) for side in (deployed, candidate))
    if wanted.task == Task.BEV:
        known = (one != UNLABELLED) & (two != UNLABELLED)
        rule = "cells that only one network says are occupied"
        return Texture("layers", np.where(known, one ^ two, 0).astype(np.uint8), rule)
    if wanted.task == Task.DEPTH:
        with np.errstate(invalid="ignore"):
            near, far = one >= FACTOR * two, two >= FACTOR * one
        rule = f"pixels whose depths differ by a factor of {FACTOR} or more"
        values = {"1": "the candidate is nearer", "2": "the candidate is farther"}
        return Texture("mask", _mask(near, far), rule, values)
    if wanted.code is None:
        return Texture("mask", _mask(one != two), "pixels with different classes", {"1": "differs"})
    rule = f"pixels that only one network calls {wanted.category}"
    values = {"1": "only the deployed network", "2": "only the candidate"}
    sides = [side == wanted.code for side in (one, two)]
    return Texture("mask", _mask(sides[0] & ~sides[1], sides[1] & ~sides[0]), rule, values)


def _lost(
    wanted: Wanted, label: NDArray[Any], deployed: NDArray[Any], candidate: NDArray[Any]
) -> Texture:
    """What the deployed network has right and the candidate has wrong."""
    size = (label.shape[1], label.shape[2])
    one, two = (nearest_grid(side, size) for side in (deployed, candidate))
    rule = "the deployed network is right and the candidate is wrong"
    if wanted.task == Task.BEV:
        wrong, wrong_before = label ^ two, label ^ one
        known = (label != UNLABELLED) & (one != UNLABELLED) & (two != UNLABELLED)
        return Texture("layers", np.where(known, wrong & ~wrong_before, 0).astype(np.uint8), rule)
    if wanted.task == Task.SEGMENTATION and wanted.code is None:
        known = label != UNLABELLED
        lost = known & (one == label) & (two != label)
        return Texture("mask", _mask(lost), rule, {"1": "wrong now"})
    place = Place(wanted.task, wanted.camera, wanted.code)
    before, now = codes(place, one, label), codes(place, two, label)
    missed, false = ((now == code) & (before != code) for code in (Code.MISSED, Code.FALSE))
    if wanted.task == Task.DEPTH:
        right = before == Code.RIGHT
        values = {"1": "too far now", "2": "too near now"}
        return Texture(
            "mask", _mask(missed & right, false & right), f"{rule}; {DEPTH_RULE}", values
        )
    values = {"1": "missed now", "2": "false now"}
    return Texture("mask", _mask(missed, false), rule, values)


def _mask(one: NDArray[Any], two: NDArray[Any] | None = None) -> Bytes:
    found = one.astype(np.uint8)
    if two is not None:
        found[two] = 2
    return found
