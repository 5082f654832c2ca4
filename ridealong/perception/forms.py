"""The forms of predictions: how they are stored, drawn and exported.

A family of predictions (`objects`, `lanes`, or one that an installed package adds) has one of these
forms. Code that stores, draws or exports predictions depends on the form only, not on the family.
"""

from collections.abc import Mapping
from enum import StrEnum


class Form(StrEnum):
    """How the predictions of a family are stored.

    The first four are *sparse*: rows of `ridealong.perception.annotations.ANNOTATIONS`. The others
    are *dense*: arrays of a `ridealong.perception.annotations.Perception`.
    """

    BOXES = "boxes"  # rows with a box in an image
    STATES = "states"  # rows with the state of a light, with or without its box
    POLYLINES = "polylines"  # rows with points in an image
    PATH = "path"  # rows with points on the ground; belongs to no camera
    DEPTH = "depth"  # an array per camera: metres along the optical axis
    CLASSES = "classes"  # an array per camera: a class per pixel
    LAYERS = "layers"  # an array per layer: occupied or not, per cell seen from above

    @property
    def sparse(self) -> bool:
        """Whether it is stored as rows."""
        return self in SPARSE


SPARSE = frozenset({Form.BOXES, Form.STATES, Form.POLYLINES, Form.PATH})


def form_of(row: Mapping[str, object]) -> Form | None:
    """The form of a row of `ANNOTATIONS`, from its values; None if they fit no form.

    A path belongs to no camera, and only a light is relevant or not.
    """
    if row.get("points"):
        return Form.PATH if row.get("camera") is None else Form.POLYLINES
    if row.get("relevant") is not None:
        return Form.STATES
    return Form.BOXES if row.get("x1") is not None else None
