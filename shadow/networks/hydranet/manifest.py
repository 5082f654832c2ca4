"""The manifest of a HydraNet."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ridealong.specs import Spec, nearest
from shadow.networks.hydranet.config import (
    COARSEST_STRIDE,
    HydraNetCamera,
    HydraNetConfig,
    possible_predictions,
)
from shadow.networks.manifest import FileName, NetworkManifest, Sha256

Pixels = Annotated[int, Field(ge=COARSEST_STRIDE, le=4096, multiple_of=COARSEST_STRIDE)]


class HydraNetInputs(Spec):
    """What a HydraNet is given."""

    cameras: tuple[HydraNetCamera, ...] = Field(min_length=1, description="Cameras it uses.")
    height: Pixels = Field(description="Rows that each image is resized to; a multiple of 32.")
    width: Pixels = Field(description="Columns that each image is resized to; a multiple of 32.")
    rate_hz: float = Field(gt=0, le=100, description="Frames a second that it is made for.")
    recurrent: Literal[False] = Field(
        False, description="Whether it keeps a state between frames; hydranet keeps none."
    )


class HydraNetManifest(NetworkManifest):
    """One version of one HydraNet: weights as safetensors, and the config that they are for."""

    artifact: FileName = Field(description="File with the weights, beside the manifest.")
    sha256: Sha256 = Field(description="SHA-256 of the artifact.")
    kind: Literal["safetensors"] = Field(description="How the artifact is written.")
    architecture: Literal["hydranet"] = Field(description="The code that the weights are for.")
    config: HydraNetConfig = Field(description="The architecture's size and heads.")
    inputs: HydraNetInputs = Field(description="What it is given.")

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras that it uses, by name."""
        return tuple(camera.value for camera in self.inputs.cameras)

    @property
    def rate_hz(self) -> float:
        """Frames a second that it is made for."""
        return self.inputs.rate_hz

    @model_validator(mode="after")
    def _can_give_what_it_lists(self) -> Self:
        possible = possible_predictions(self.config, self.inputs.cameras)
        known = set(possible)
        for name in self.predictions:
            if name not in known:
                raise ValueError(
                    f"the prediction {name!r} is not an output of {self.architecture} with this "
                    f"config and these cameras; {nearest(name, possible)}"
                )
        return self
