"""What a graph is given: each of its inputs, by name, and how it is filled.

A *layout* names the axes of an array by letters: N frames, K cameras, C channels or values, H rows
and W columns.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ridealong.perception.cameras import CameraName
from ridealong.specs import Spec

Pixels = Annotated[int, Field(ge=1, le=8192)]
ThreeNumbers = tuple[float, float, float]
GraphName = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Colour(StrEnum):
    """The channels of an image, in their order."""

    RGB = "rgb"
    BGR = "bgr"
    GREY = "grey"  # one channel


class Fit(StrEnum):
    """How an image becomes the size of the graph's input."""

    STRETCH = "stretch"  # to the whole input; its proportions change
    LETTERBOX = "letterbox"  # as large as fits, centred, with bars at two sides
    LETTERBOX_CORNER = "letterbox_corner"  # the same, in the top left corner


class ImageType(StrEnum):
    """The type of the numbers of an image."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    UINT8 = "uint8"


class ImageInput(Spec):
    """The images of one or more cameras.

    A pixel p (0 to 255) becomes ``(p / divide_by - mean) / deviation``.
    """

    what: Literal["images"] = Field(description="The images of cameras.")
    cameras: tuple[CameraName, ...] = Field(
        min_length=1,
        description="Their cameras. Without the axis K, each camera goes through the graph alone.",
    )
    layout: Annotated[str, StringConstraints(pattern=r"^[NKCHW]{2,5}$")] = Field(
        description="The axes in order: N frames, K cameras, C channels, H rows, W columns."
    )
    height: Pixels = Field(description="Rows of the graph's input.")
    width: Pixels = Field(description="Columns of the graph's input.")
    colour: Colour = Field(Colour.RGB, description="The channels, in their order.")
    divide_by: float = Field(255.0, gt=0, description="Pixels (0 to 255) are divided by this.")
    mean: ThreeNumbers = Field(
        (0, 0, 0), description="Then this is subtracted, by channel in the order of colour."
    )
    deviation: ThreeNumbers = Field((1, 1, 1), description="Then it is divided by this.")
    fit: Fit = Field(Fit.STRETCH, description="How images become this size.")
    fill: int = Field(114, ge=0, le=255, description="The bars of a letterbox, 0 to 255.")
    dtype: ImageType = Field(ImageType.FLOAT32, description="The type of its numbers.")

    @property
    def stacked(self) -> bool:
        """Whether all cameras go through the graph together."""
        return "K" in self.layout

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if len(set(self.layout)) < len(self.layout) or not {"H", "W"} <= set(self.layout):
            raise ValueError(f"layout {self.layout!r}: expected each letter once, with H and W")
        if "C" not in self.layout and self.colour is not Colour.GREY:
            raise ValueError(f"layout {self.layout!r} has no axis C for {self.colour.value}")
        if 0 in self.deviation:
            raise ValueError("deviation: expected no zero")
        plain = (self.divide_by, self.mean, self.deviation) == (1, (0, 0, 0), (1, 1, 1))
        if self.dtype is ImageType.UINT8 and not plain:
            raise ValueError("uint8 pixels stay as they are: expected divide_by: 1, no mean")
        return self


class PresentInput(Spec):
    """Which images are there: true, or 1."""

    what: Literal["present"] = Field(description="Which images are there.")
    layout: Annotated[str, StringConstraints(pattern=r"^(N|K|NK|KN)$")] = Field(
        "NK", description="The axes in order: N frames, K cameras."
    )


class Matrix(StrEnum):
    """Matrices of a camera; zeros where its calibration is unknown."""

    INTRINSICS = "intrinsics"  # 3 x 3: camera frame to pixels of the graph's input
    CAMERA_SE3_EGO = "camera_SE3_ego"  # 4 x 4: ego frame to camera frame, metres
    EGO_SE3_CAMERA = "ego_SE3_camera"  # 4 x 4: camera frame to ego frame, metres
    PROJECTION = "projection"  # 3 x 4: ego frame to pixels of the graph's input, times depth
    PROJECTION_4 = "projection_4x4"  # the same with a fourth row, 0 0 0 1


class MatrixInput(Spec):
    """The calibration of the cameras, for the size of the graph's input."""

    what: Literal["calibration"] = Field(description="The calibration of the cameras.")
    matrix: Matrix = Field(description="Which matrix.")
    layout: Annotated[str, StringConstraints(pattern=r"^(NK|KN|N|K)?HW$")] = Field(
        "KHW", description="The axes in order: N frames, K cameras, H and W of the matrix."
    )


class ImageSizeInput(Spec):
    """The size of the clip's own image in pixels, for graphs that give boxes in it."""

    what: Literal["image_size"] = Field(description="The size of the clip's own image.")
    order: Literal["height_width", "width_height"] = Field(description="Which number is first.")
    layout: Annotated[str, StringConstraints(pattern=r"^(NK|KN|N|K)?C$")] = Field(
        "NC", description="The axes in order: N frames, K cameras, C the two numbers."
    )


class StateInput(Spec):
    """A recurrent state: an output of one frame is the input of the next."""

    what: Literal["state"] = Field(description="A recurrent state.")
    output: GraphName = Field(description="The graph's output that is given to the next frame.")
    start: float = Field(0.0, description="All its numbers at the first frame of a clip.")


class ConstantInput(Spec):
    """Numbers that never change, such as a threshold."""

    what: Literal["constant"] = Field(description="Numbers that never change.")
    value: float | tuple[float, ...] = Field(description="A number, or a list of numbers.")
    shape: tuple[Pixels, ...] | None = Field(
        None, description="The sizes of its axes, if the graph leaves some open."
    )


GraphInput = Annotated[
    ImageInput | PresentInput | MatrixInput | ImageSizeInput | StateInput | ConstantInput,
    Field(discriminator="what"),
]


class OnnxInputs(Spec):
    """All that a graph is given."""

    rate_hz: float = Field(gt=0, le=100, description="Frames a second that it is made for.")
    batch: int = Field(
        1, ge=1, le=64, description="Frames that go through the graph at once, along the axis N."
    )
    graph: dict[GraphName, GraphInput] = Field(
        min_length=1, description="The graph's inputs, by their names in the graph."
    )

    @property
    def images(self) -> dict[str, ImageInput]:
        """The inputs that are images."""
        return {n: each for n, each in self.graph.items() if isinstance(each, ImageInput)}

    @property
    def states(self) -> dict[str, StateInput]:
        """The inputs that are recurrent states."""
        return {n: each for n, each in self.graph.items() if isinstance(each, StateInput)}

    @property
    def cameras(self) -> tuple[str, ...]:
        """All cameras, in the order of the inputs."""
        named = (camera for each in self.images.values() for camera in each.cameras)
        return tuple(dict.fromkeys(named))

    @property
    def together(self) -> bool:
        """Whether all cameras go through the graph together; else each goes alone."""
        images = list(self.images.values())
        return len(images) > 1 or images[0].stacked

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        images = list(self.images.values())
        if not images:
            raise ValueError("graph: no input has what: images")
        for each in images:
            if len(images) > 1 and not each.stacked and len(each.cameras) > 1:
                raise ValueError("of several image inputs, each without an axis K has one camera")
        named = [camera for each in images for camera in each.cameras]
        if len(set(named)) < len(named):
            raise ValueError("a camera is named twice")
        if self.batch > 1 and self.states:
            raise ValueError("batch: expected 1, because a recurrent state needs frames one by one")
        for name, each in self.images.items():
            if self.batch > 1 and "N" not in each.layout:
                raise ValueError(f"batch: expected 1, because {name!r} has no axis N")
        return self
