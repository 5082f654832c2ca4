"""The parts of a HydraNet, and the predictions that it can give with them."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from ridealong.perception.annotations import (
    BevLayer,
    LaneCategory,
    LightState,
    ObjectCategory,
    Surface,
)
from ridealong.specs import Spec

Width = Annotated[int, Field(ge=16, le=1024)]
Depth = Annotated[int, Field(ge=1, le=32)]
SHOWN = (LightState.RED, LightState.YELLOW, LightState.GREEN)  # the states that a light shows
STRIDE = 4  # of the finest level of the pyramid, which the heads use
COARSEST_STRIDE = 32


class HydraNetCamera(StrEnum):
    """The cameras that a HydraNet can use: its weights have a row for each, in this order."""

    NARROW = "narrow"
    MAIN = "main"
    WIDE = "wide"
    LEFT_PILLAR = "left_pillar"
    RIGHT_PILLAR = "right_pillar"
    LEFT_REPEATER = "left_repeater"
    RIGHT_REPEATER = "right_repeater"
    REAR = "rear"


class HydraNetConfig(Spec):
    """Size and heads of a HydraNet; the default has about half a million parameters."""

    stem: Width = Field(16, description="Channels after the stem.")
    widths: tuple[Width, Width, Width, Width] = Field(
        (32, 64, 128, 256), description="Channels of the stages at strides 4, 8, 16, 32."
    )
    depths: tuple[Depth, Depth, Depth, Depth] = Field(
        (1, 1, 2, 2), description="Blocks of each stage."
    )
    group_width: Width = Field(16, description="Channels in a group of a block's 3x3 convolution.")
    pyramid: Width = Field(32, description="Channels of the feature pyramid.")
    trunk: Width = Field(64, description="Channels that the heads of all tasks share.")
    objects: tuple[ObjectCategory, ...] = Field(
        tuple(ObjectCategory), description="Categories of boxes; none: no such head."
    )
    lights: tuple[HydraNetCamera, ...] = Field(
        (HydraNetCamera.NARROW, HydraNetCamera.MAIN, HydraNetCamera.WIDE),
        description="Cameras in which it gives the state of our traffic light.",
    )
    lanes: tuple[LaneCategory, ...] = Field(
        tuple(LaneCategory), description="Categories of lines; none: no such head."
    )
    depth: bool = Field(True, description="Whether it gives depth.")
    segmentation: bool = Field(True, description="Whether it gives a class per pixel.")
    bev: bool = Field(True, description="Whether it gives a top-down layout, from all cameras.")
    bev_layers: tuple[BevLayer, ...] = Field(
        tuple(BevLayer), min_length=1, description="Layers of the top-down layout."
    )

    @model_validator(mode="after")
    def _groups_divide(self) -> Self:
        for width in self.widths:
            if width % self.group_width:
                raise ValueError(
                    f"width {width} is not a multiple of group_width {self.group_width}"
                )
        return self


def possible_predictions(config: HydraNetConfig, cameras: Iterable[HydraNetCamera]) -> list[str]:
    """The names of all predictions of a HydraNet of this config and these cameras, in order."""
    names: list[str] = []
    for camera in cameras:
        names += [f"objects/{category}@{camera}" for category in config.objects]
        names += [f"lights/{s}@{camera}" for s in LightState if camera in config.lights]
        names += [f"lanes/{category}@{camera}" for category in config.lanes]
        names += [f"depth@{camera}"] if config.depth else []
        names += [f"segmentation/{surface}@{camera}" for surface in Surface if config.segmentation]
    return names + [f"bev/{layer}" for layer in config.bev_layers if config.bev]
