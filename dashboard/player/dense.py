"""Dense layers of the player as bytes: as they are, where two networks differ, what was lost.

What is right follows the metrics. Outputs are compared with labels on the labels' grid, by the
nearest pixel; two outputs on the finer of their grids. Pixels without a label are never lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.tasks.bev import OCCUPIED
from metrics.tasks.dense import finer, nearest_grid
from metrics.tasks.depth import CAP_M, FACTOR, LEAST_M
from metrics.tasks.segmentation import CLASSES
from ridealong.arrays import Bools
from ridealong.errors import RidealongError
from ridealong.perception.annotations import UNLABELLED, BevLayer, Perception, Task

TOP = "top"  # stands for the camera of what is seen from above
TASKS = (Task.SEGMENTATION, Task.DEPTH, Task.BEV)
DEEPEST = 254  # the byte of the largest depth that is judged
LOST_RULE = "the deployed network is right and the candidate is wrong"
DEPTH_RULE = f"right: less than a factor of {FACTOR} from a label of at most {CAP_M:g} m"

Bytes = NDArray[np.uint8]
Array = NDArray[Any]


@dataclass(frozen=True)
class Texture:
    """A dense layer.

    Attributes:
        kind: ``classes``: ids of classes, 255 unknown. ``depth``: 0 to 254 are 0 m to the largest
            depth that is judged, 255 unknown. ``layers``: bit i is layer i of `BevLayer`, 255
            unknown. ``mask``: 0 nothing, others as ``values`` says.
        pixels: ``(T, h, w)``.
        rule: Of a difference or loss, by what rule, as part of a sentence.
        values: Of a mask, what each value means.
    """

    kind: str
    pixels: Bytes
    rule: str | None = None
    values: Mapping[str, str] | None = None


@dataclass(frozen=True)
class DenseTask:
    """A dense task in one camera, or seen from above.

    Attributes:
        task: One of `TASKS`.
        camera: The camera, or `TOP`.
        category: A class of the segmentation to which differences and losses are restricted.

    Raises:
        RidealongError: There is no such task, or it is not of this camera, or no such class.
    """

    task: str
    camera: str
    category: str | None = None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise RidealongError(f"unknown task {self.task!r}", expected=" or ".join(TASKS))
        if (self.camera == TOP) != (self.task == Task.BEV):
            raise RidealongError(f"there is no {self.task} of the camera {self.camera!r}")
        if self.category is not None and self.category not in CLASSES:
            raise RidealongError(f"there is no class {self.category!r}")

    def array(self, seen: Perception, whose: str) -> Array:
        """One side's array ``(T, h, w)``; layers seen from above are bits of a byte.

        Raises:
            RidealongError: That side has none.
        """
        arrays = getattr(seen, self.task)
        if self.task == Task.BEV:
            if not arrays:
                raise RidealongError(f"{whose} has no top-down layers")
            return _bits(arrays)
        if self.camera not in arrays:
            raise RidealongError(f"{whose} has no {self.task} of the camera {self.camera!r}")
        found: Array = arrays[self.camera]
        return found

    def as_is(self, array: Array) -> Texture:
        """One side's array as a texture."""
        if self.task == Task.DEPTH:
            return Texture("depth", depth_bytes(array))
        return Texture("layers" if self.task == Task.BEV else "classes", array.astype(np.uint8))

    def difference(self, deployed: Array, candidate: Array) -> Texture:
        """Only where the two networks disagree."""
        size = finer(deployed, candidate)
        one, two = (nearest_grid(side, size) for side in (deployed, candidate))
        if self.task == Task.DEPTH:
            rule = f"depths that differ by a factor of {FACTOR} or more"
            values = {"1": "the candidate is nearer", "2": "the candidate is farther"}
            return Texture("mask", _mask(_above(one, two), _above(two, one)), rule, values)
        known = (one != UNLABELLED) & (two != UNLABELLED)
        if self.task == Task.BEV:
            rule = "cells that only one network says are occupied"
            return Texture("layers", np.where(known, one ^ two, 0).astype(np.uint8), rule)
        if self.category is None:
            return Texture(
                "mask", _mask(known & (one != two)), "different classes", {"1": "differs"}
            )
        said = [known & (side == CLASSES.index(self.category)) for side in (one, two)]
        rule = f"pixels that only one network calls {self.category}"
        values = {"1": "only the deployed network", "2": "only the candidate"}
        return Texture("mask", _mask(said[0] & ~said[1], said[1] & ~said[0]), rule, values)

    def lost(self, label: Array, deployed: Array, candidate: Array) -> Texture:
        """Only what the deployed network has right and the candidate has wrong."""
        size = (label.shape[1], label.shape[2])
        one, two = (nearest_grid(side, size) for side in (deployed, candidate))
        if self.task == Task.DEPTH:
            values = {"1": "too far now", "2": "too near now"}
            return Texture("mask", _depth_lost(label, one, two), DEPTH_RULE, values)
        known = label != UNLABELLED
        if self.task == Task.BEV:
            known &= (one != UNLABELLED) & (two != UNLABELLED)
            bits = np.where(known, (label ^ two) & ~(label ^ one), 0)
            return Texture("layers", bits.astype(np.uint8), LOST_RULE)
        if self.category is None:
            lost = known & (one == label) & (two != label)
            return Texture("mask", _mask(lost), LOST_RULE, {"1": "wrong now"})
        code = CLASSES.index(self.category)
        there, before, now = (side == code for side in (label, one, two))
        missed, false = known & there & before & ~now, known & ~there & ~before & now
        return Texture(
            "mask", _mask(missed, false), LOST_RULE, {"1": "missed now", "2": "false now"}
        )


def _bits(layers: Mapping[str, Bytes]) -> Bytes:
    found = np.zeros_like(next(iter(layers.values())))
    for at, layer in enumerate(BevLayer):
        if layer in layers:
            found |= ((layers[layer] == OCCUPIED) << at).astype(np.uint8)
    unknown = np.all([cells == UNLABELLED for cells in layers.values()], axis=0)
    found[unknown] = UNLABELLED
    return found


def depth_bytes(depth_m: Array) -> Bytes:
    """Depths in metres as bytes: `DEEPEST` is the largest depth that is judged, or more."""
    known = np.clip(np.nan_to_num(depth_m, nan=0.0, posinf=CAP_M), 0, CAP_M)
    scaled = np.rint(known / CAP_M * DEEPEST).astype(np.uint8)
    return np.where(np.isnan(depth_m), np.uint8(UNLABELLED), scaled)


def _depth_lost(label: Array, deployed: Array, candidate: Array) -> Bytes:
    before, now = (np.fmin(np.fmax(side, LEAST_M), CAP_M) for side in (deployed, candidate))
    with np.errstate(invalid="ignore"):
        known = (label > 0) & (label <= CAP_M)
    right = known & ~_above(before, label) & ~_above(label, before)
    return _mask(right & _above(now, label), right & _above(label, now))


def _above(one: Array, two: Array) -> Bools:
    """Where one depth is larger than another by the factor or more; not where one is unknown."""
    with np.errstate(invalid="ignore"):
        return np.asarray(one >= np.float32(FACTOR) * two)


def _mask(one: Bools, two: Bools | None = None) -> Bytes:
    found = one.astype(np.uint8)
    if two is not None:
        found[two] = 2
    return found
