"""What a graph gives: its outputs, and the decoders that bring them to the standard forms.

A *layout* names the axes of an output by letters: N frames, K cameras, M candidates (boxes, lines),
P points, C classes or values, H rows and W columns. Without N there is one frame a run; without K
the output is of the one camera, or of the one that goes through the graph.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from metrics.tasks.registry import family
from ridealong.errors import RidealongError
from ridealong.perception.annotations import (
    BEV_X_M,
    BEV_Y_M,
    BevLayer,
    LaneCategory,
    LightState,
    Surface,
    Task,
)
from ridealong.perception.cameras import CameraName
from ridealong.perception.forms import Form
from ridealong.specs import Spec
from shadow.networks.onnx.inputs import GraphName

Share = Annotated[float, Field(gt=0, lt=1)]
Classes = Annotated[tuple[str | None, ...], Field(min_length=1, max_length=10_000)]


class Activation(StrEnum):
    """What turns the graph's numbers into probabilities."""

    NONE = "none"  # they are probabilities
    SIGMOID = "sigmoid"  # each by itself
    SOFTMAX = "softmax"  # over the classes


class Unit(StrEnum):
    """What coordinates in an image are measured in."""

    INPUT_PIXELS = "input_pixels"  # pixels of the graph's input
    INPUT_FRACTION = "input_fraction"  # 0 to 1 over the graph's input
    IMAGE_PIXELS = "image_pixels"  # pixels of the clip's own image
    IMAGE_FRACTION = "image_fraction"  # 0 to 1 over the clip's own image


class Tap(Spec):
    """One of the graph's outputs, or some of its values."""

    output: GraphName = Field(description="Its name in the graph.")
    layout: Annotated[str, StringConstraints(pattern=r"^[NKMPCHW]{1,7}$")] = Field(
        description="Its axes in order, by the letters N K M P C H W."
    )
    values: tuple[int, int] | None = Field(
        None, description="Only these along C: the first, and the one after the last."
    )

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if len(set(self.layout)) < len(self.layout):
            raise ValueError(f"layout {self.layout!r}: expected each letter once")
        if self.values is not None:
            first, end = self.values
            if "C" not in self.layout or not 0 <= first < end:
                raise ValueError(f"values {[first, end]}: expected 0 <= first < end, and an axis C")
        return self


class Output(Spec):
    """What all decoders share.

    Attributes:
        AXES: The taps of the decoder by field, with the axes it wants, in their order.
    """

    AXES: ClassVar[dict[str, str]]

    cameras: tuple[CameraName, ...] | None = Field(
        None, description="The cameras that it is for, in the order of K; by default all."
    )

    @property
    def taps(self) -> dict[str, Tap]:
        """The outputs that it uses, by field."""
        given = ((name, getattr(self, name)) for name in self.AXES)
        return {name: tap for name, tap in given if tap is not None}

    def gives(self, cameras: Sequence[str]) -> Iterator[str]:
        """The predictions that it can give."""
        raise NotImplementedError


def _known_task(name: str) -> str:
    try:
        family(name)
    except RidealongError as error:
        raise ValueError(str(error)) from error  # pydantic collects nothing else
    return name


TaskName = Annotated[str, AfterValidator(_known_task)]


class _Classed(Output):
    """A decoder of things in images that have a class.

    Attributes:
        FORMS: The forms of families that it can give.
    """

    FORMS: ClassVar[frozenset[Form]] = frozenset({Form.BOXES, Form.STATES})

    task: TaskName = Field(Task.OBJECTS.value, description="The family of its predictions.")
    activation: Activation = Field(Activation.NONE, description="What turns scores to 0 to 1.")
    categories: Classes = Field(description="The class of each number; null is left out.")
    background: int | None = Field(
        None, ge=0, description="The number of the class for nothing; the best other one is taken."
    )
    least_score: Share = Field(0.1, description="What has a lower score is dropped.")

    def gives(self, cameras: Sequence[str]) -> Iterator[str]:
        """The predictions that it can give."""
        names = [*filter(None, self.categories), *filter(None, [family(self.task).nothing])]
        for camera in self.cameras or cameras:
            yield from (f"{self.task}/{name}@{camera}" for name in names)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        form = family(self.task).form
        if form not in self.FORMS:
            raise ValueError(f"task {self.task!r} consists of {form.value}, which it cannot give")
        last = len(self.categories) - 1
        if self.background is not None and self.background > last:
            raise ValueError(f"background {self.background}: expected 0 to {last} (the categories)")
        return self


class BoxesOutput(_Classed):
    """Boxes as lists: a box, a score and a class each."""

    AXES: ClassVar[dict[str, str]] = {
        "boxes": "NKMC",
        "scores": "NKMC",
        "labels": "NKM",
        "objectness": "NKM",
    }

    decoder: Literal["boxes"] = Field(description="Boxes as lists.")
    boxes: Tap = Field(description="The corners: four values along C.")
    scores: Tap = Field(description="With C: a score for each class; without: the score of each.")
    labels: Tap | None = Field(None, description="The number of the class of each box.")
    objectness: Tap | None = Field(None, description="A score by which the scores are multiplied.")
    format: Literal["xyxy", "xywh", "cxcywh", "yxyx"] = Field(
        "xyxy", description="Corners, or the top left corner or the centre with the size."
    )
    unit: Unit = Field(Unit.INPUT_PIXELS, description="What they are measured in.")
    nms_iou: Share | None = Field(
        None, description="Of boxes of a class that overlap by more, the best is kept."
    )
    most: int = Field(100, ge=1, le=1000, description="At most this many in an image: the best.")


class SizeUnit(StrEnum):
    """What the sizes of a heatmap detector are measured in."""

    CELLS = "cells"
    LOG_CELLS = "log_cells"
    INPUT_PIXELS = "input_pixels"


class HeatmapOutput(_Classed):
    """Boxes at the local maxima of a heatmap of their centres."""

    AXES: ClassVar[dict[str, str]] = {"heatmap": "NKCHW", "offset": "NKCHW", "size": "NKCHW"}

    decoder: Literal["heatmap"] = Field(description="Boxes at the maxima of a heatmap.")
    heatmap: Tap = Field(description="A score for each class (C) and cell.")
    offset: Tap | None = Field(
        None, description="The centre's place in its cell, across and down, in cells."
    )
    size: Tap = Field(description="Width and height.")
    size_unit: SizeUnit = Field(SizeUnit.CELLS, description="What the size is measured in.")
    activation: Activation = Field(Activation.SIGMOID, description="What turns scores to 0 to 1.")
    most: int = Field(50, ge=1, le=1000, description="At most this many in an image: the best.")


class StatesOutput(_Classed):
    """Scores of classes for a whole image; with H and W, the highest of all cells counts."""

    AXES: ClassVar[dict[str, str]] = {"scores": "NKCHW"}
    FORMS: ClassVar[frozenset[Form]] = frozenset({Form.STATES})

    decoder: Literal["lights", "class_scores"] = Field(description="A score for each class.")
    task: TaskName = Field(Task.LIGHTS.value, description="The family of its predictions.")
    scores: Tap = Field(description="A score for each class (C), and perhaps for each cell.")
    categories: Classes = Field(
        (LightState.RED.value, LightState.YELLOW.value, LightState.GREEN.value),
        description="The class of each number; null is left out.",
    )
    activation: Activation = Field(Activation.SIGMOID, description="What turns scores to 0 to 1.")


class LanesOutput(_Classed):
    """Lines through the cells of a map of scores that reach the threshold of their prediction."""

    AXES: ClassVar[dict[str, str]] = {"scores": "NKCHW"}
    FORMS: ClassVar[frozenset[Form]] = frozenset({Form.POLYLINES})

    decoder: Literal["lanes"] = Field(description="Lines traced in a map of scores.")
    task: TaskName = Field(Task.LANES.value, description="The family of its predictions.")
    scores: Tap = Field(description="A score for each class (C) and cell.")
    categories: Classes = Field(
        tuple(each.value for each in LaneCategory),
        description="The class of each number; null is left out.",
    )
    activation: Activation = Field(Activation.SIGMOID, description="What turns scores to 0 to 1.")


class LanePointsOutput(_Classed):
    """Lines as lists of points."""

    AXES: ClassVar[dict[str, str]] = {
        "points": "NKMPC",
        "scores": "NKMC",
        "labels": "NKM",
        "visible": "NKMP",
    }
    FORMS: ClassVar[frozenset[Form]] = frozenset({Form.POLYLINES})

    decoder: Literal["lane_points"] = Field(description="Lines as lists of points.")
    task: TaskName = Field(Task.LANES.value, description="The family of its predictions.")
    points: Tap = Field(description="Across and down along C.")
    scores: Tap = Field(description="With C: a score for each class; without: the score of each.")
    labels: Tap | None = Field(None, description="The number of the class of each line.")
    visible: Tap | None = Field(None, description="A point counts from 0.5.")
    unit: Unit = Field(Unit.INPUT_PIXELS, description="What points are measured in.")


class DepthUnit(StrEnum):
    """What depth along the optical axis is measured in."""

    METRES = "metres"
    LOG_METRES = "log_metres"
    INVERSE_METRES = "inverse_metres"  # 1 / metres: disparity


class DepthOutput(Output):
    """Depth per pixel."""

    AXES: ClassVar[dict[str, str]] = {"depth": "NKHW"}

    decoder: Literal["depth"] = Field(description="Depth per pixel.")
    depth: Tap = Field(description="A number per cell.")
    unit: DepthUnit = Field(description="What it is measured in, after scale.")
    scale: float = Field(1.0, gt=0, description="The graph's numbers are multiplied by this.")
    range_m: tuple[float, float] = Field((0.5, 500.0), description="Metres are limited to this.")

    def gives(self, cameras: Sequence[str]) -> Iterator[str]:
        """The predictions that it can give."""
        yield from (f"{Task.DEPTH}@{camera}" for camera in self.cameras or cameras)

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        low, high = self.range_m
        if not 0 < low < high:
            raise ValueError(f"range_m {[low, high]}: expected 0 < first < second")
        return self


class SegmentationOutput(Output):
    """A class per pixel, as scores of all classes or as its number."""

    AXES: ClassVar[dict[str, str]] = {"scores": "NKCHW", "ids": "NKHW"}

    decoder: Literal["segmentation"] = Field(description="A class per pixel.")
    scores: Tap | None = Field(None, description="A score for each class (C) and cell.")
    ids: Tap | None = Field(None, description="The number of the class of each cell.")
    classes: tuple[Surface | None, ...] = Field(
        tuple(Surface), min_length=1, description="The surface of each number; null is not judged."
    )

    def gives(self, cameras: Sequence[str]) -> Iterator[str]:
        """The predictions that it can give."""
        surfaces = [each for each in Surface if each in self.classes]
        for camera in self.cameras or cameras:
            yield from (f"{Task.SEGMENTATION}/{surface}@{camera}" for surface in surfaces)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.scores is None) == (self.ids is None):
            raise ValueError("expected one of scores and ids")
        return self


class LayersOutput(Output):
    """Layers of the layout seen from above; a cell counts from the threshold of its prediction."""

    AXES: ClassVar[dict[str, str]] = {"scores": "NCHW"}

    decoder: Literal["layers"] = Field(description="Layers of the layout seen from above.")
    scores: Tap = Field(description="A score for each layer (C) and cell: H along x, W along y.")
    activation: Activation = Field(Activation.SIGMOID, description="What turns scores to 0 to 1.")
    layers: tuple[BevLayer | None, ...] = Field(
        tuple(BevLayer), min_length=1, description="The layer of each number; null is left out."
    )
    x_m: tuple[float, float] = Field(
        (BEV_X_M[1], BEV_X_M[0]),
        description="Metres ahead of the rear axle at the outer edges of the first and last row.",
    )
    y_m: tuple[float, float] = Field(
        (BEV_Y_M[1], BEV_Y_M[0]),
        description="Metres to the left at the outer edges of the first and last column.",
    )

    def gives(self, cameras: Sequence[str]) -> Iterator[str]:
        """The predictions that it can give."""
        yield from (f"{Task.BEV}/{layer}" for layer in self.layers if layer)

    @model_validator(mode="after")
    def _has_extent(self) -> Self:
        for name in ("x_m", "y_m"):
            first, last = getattr(self, name)
            if first == last:
                raise ValueError(f"{name}: expected two different numbers")
        return self


class Boxes3dOutput(_Classed):
    """3D boxes in the ego frame, seen by the cameras as the boxes around their corners."""

    AXES: ClassVar[dict[str, str]] = {
        "centres": "NMC",
        "sizes": "NMC",
        "yaw": "NMC",
        "scores": "NMC",
        "labels": "NM",
    }

    decoder: Literal["boxes3d"] = Field(description="3D boxes in the ego frame.")
    centres: Tap = Field(description="x ahead, y left, z up in metres, along C.")
    sizes: Tap = Field(description="Three sizes in metres along C, in the order of size_order.")
    yaw: Tap = Field(description="Radians, counter-clockwise from x; or sine and cosine along C.")
    scores: Tap = Field(description="With C: a score for each class; without: the score of each.")
    labels: Tap | None = Field(None, description="The number of the class of each box.")
    size_order: Literal["lwh", "wlh", "lhw", "hwl"] = Field(
        "lwh", description="Length along yaw, width across, height."
    )
    z: Literal["centre", "bottom"] = Field("centre", description="What z is of.")
    most: int = Field(100, ge=1, le=1000, description="At most this many in an image: the best.")


GraphOutput = Annotated[
    BoxesOutput
    | HeatmapOutput
    | StatesOutput
    | LanesOutput
    | LanePointsOutput
    | DepthOutput
    | SegmentationOutput
    | LayersOutput
    | Boxes3dOutput,
    Field(discriminator="decoder"),
]
