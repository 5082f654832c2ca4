"""The manifest: what a network is, what it needs, and every prediction it answers for."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from metrics.tasks.prediction import parse_prediction
from ridealong.errors import RidealongError
from ridealong.perception.annotations import Camera
from ridealong.specs import Spec, load_spec, nearest
from shadow.networks.hydranet.config import COARSEST_STRIDE, HydraNetConfig, possible_predictions

DEFAULT_THRESHOLD = 0.5

Pixels = Annotated[int, Field(ge=COARSEST_STRIDE, le=4096, multiple_of=COARSEST_STRIDE)]
Probability = Annotated[float, Field(gt=0, lt=1)]
NetworkName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
NetworkVersion = Annotated[
    str, StringConstraints(max_length=64, pattern=r"^[0-9A-Za-z][0-9A-Za-z._]*$")
]
FileName = Annotated[
    str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
]


class NetworkInputs(Spec):
    """What the network looks at."""

    cameras: tuple[Camera, ...] = Field(min_length=1, description="Cameras it may be shown.")
    height: Pixels = Field(description="Rows that each image is resized to; a multiple of 32.")
    width: Pixels = Field(description="Columns that each image is resized to; a multiple of 32.")
    rate_hz: float = Field(gt=0, le=100, description="Frames a second that it is made for.")
    recurrent: Literal[False] = Field(
        False, description="Whether it keeps a state between frames; hydranet keeps none."
    )


class NetworkManifest(Spec):
    """One version of one network. Whatever changes in here makes another version of it."""

    name: NetworkName = Field(description="The network, whatever its version.")
    version: NetworkVersion = Field(
        description="This version; quote it, or YAML reads 0.10 as 0.1."
    )
    description: str = Field(description="What it is, in a sentence or two.")
    licence: str = Field(description="Under which licence the weights may be used.")
    trained: str = Field(description="On what and how it was trained, or that it was not.")
    artifact: FileName = Field(description="File with the weights, beside the manifest.")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="SHA-256 of the artifact."
    )
    kind: Literal["safetensors"] = Field(description="How the artifact is written.")
    architecture: Literal["hydranet"] = Field(description="The code that the weights are for.")
    config: HydraNetConfig = Field(description="The architecture's size and heads.")
    inputs: NetworkInputs = Field(description="What it looks at.")
    predictions: tuple[str, ...] = Field(
        min_length=1, description="What it answers for, e.g. objects/car@main; nothing else counts."
    )
    thresholds: dict[str, Probability] = Field(
        default_factory=dict,
        description="Probability from which a prediction counts as said, where not 0.5.",
    )

    @field_validator("predictions")
    @classmethod
    def _once_each(cls, predictions: tuple[str, ...]) -> tuple[str, ...]:
        twice = [name for name, count in Counter(predictions).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} is listed twice")
        for name in predictions:
            _parse(name)
        return predictions

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
        for name in self.thresholds:
            if name not in self.predictions:
                raise ValueError(
                    f"there is a threshold for {name!r}, which is not among the predictions;"
                    f" {nearest(name, list(self.predictions))}"
                )
        return self

    @property
    def id(self) -> str:
        """Name and version, as commands take it: ``hydra-1.0``."""
        return f"{self.name}-{self.version}"

    @property
    def network_sha256(self) -> str:
        """The network's identity: a hash over the manifest, and so over the weights' hash too."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()

    def as_json(self) -> str:
        """The manifest in one line, keys sorted."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def lists(self, name: str) -> bool:
        """Whether the network answers for this prediction."""
        return name in self.predictions

    def threshold(self, name: str) -> float:
        """Probability from which a prediction counts as said."""
        return self.thresholds.get(name, DEFAULT_THRESHOLD)


def rate_of(deployed: NetworkManifest, candidate: NetworkManifest) -> float:
    """Frames judged a second: both networks see the same ones, so the slower decides."""
    return min(deployed.inputs.rate_hz, candidate.inputs.rate_hz)


def _parse(name: str) -> None:
    try:
        parse_prediction(name)
    except RidealongError as error:
        raise ValueError(str(error)) from error  # pydantic collects nothing else


def load_manifest(path: Path) -> NetworkManifest:
    """Read a manifest.

    Raises:
        RidealongError: No such file, not a manifest, or one that promises what the architecture
            with its config cannot give.
    """
    return load_spec(path, NetworkManifest)
