"""The manifest: what a network is, what it needs, and every prediction it gives.

`NetworkManifest` holds what all kinds have in common. A kind (`shadow.networks.kinds`) derives its
own manifest from it, with a fixed ``kind`` and the keys that it needs besides.
"""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from metrics.tasks.prediction import DEFAULT_THRESHOLD
from metrics.tasks.registry import parse_prediction
from ridealong.documents import shortened
from ridealong.errors import RidealongError
from ridealong.specs import Spec, nearest

FILL_IN = "FILL_IN"  # what `networks init` writes where it could not guess
Probability = Annotated[float, Field(gt=0, lt=1)]
NetworkName = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
NetworkVersion = Annotated[
    str, StringConstraints(max_length=64, pattern=r"^[0-9A-Za-z][0-9A-Za-z._]*$")
]
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def _beside(name: str) -> str:
    if not re.fullmatch(FILE_NAME, name):
        raise ValueError(
            f"{shortened(name)!r} is not the name of a file beside the manifest; expected letters,"
            " digits, '.', '_' and '-', the first a letter or digit"
        )
    return name


FileName = Annotated[
    str,
    StringConstraints(max_length=200),
    AfterValidator(_beside),
    Field(json_schema_extra={"pattern": FILE_NAME}),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class NetworkManifest(Spec, ABC):
    """One version of one network. Any change in here makes it another version."""

    name: NetworkName = Field(description="The network, whatever its version.")
    version: NetworkVersion = Field(
        description="This version; quote it, or YAML reads 0.10 as 0.1."
    )
    description: str = Field(description="What it is, in a sentence or two.")
    licence: str = Field(description="Under which licence the weights may be used.")
    trained: str = Field(description="On what and how it was trained, or that it was not.")
    artifact: FileName | None = Field(None, description="File with the weights, beside this one.")
    sha256: Sha256 | None = Field(None, description="SHA-256 of the artifact.")
    kind: str = Field(description="What the network is made of, and so how it is opened.")
    predictions: tuple[str, ...] = Field(
        min_length=1, description="What it gives, e.g. objects/car@main; nothing else counts."
    )
    thresholds: dict[str, Probability] = Field(
        default_factory=dict,
        description="Probability from which a prediction counts, where it is not 0.5.",
    )

    @property
    @abstractmethod
    def cameras(self) -> tuple[str, ...]:
        """The cameras that it uses, by name."""

    @property
    @abstractmethod
    def rate_hz(self) -> float:
        """Frames a second that it is made for."""

    @property
    def calibration_drives(self) -> frozenset[str]:
        """The drives of a lake that it was fitted to; no verdict on it may use them."""
        return frozenset()

    @model_validator(mode="before")
    @classmethod
    def _is_filled_in(cls, given: Any) -> Any:
        left = list(_left_open(given, ""))
        if left:
            raise ValueError(f"left to fill in: {', '.join(left)}")
        return given

    @field_validator("predictions")
    @classmethod
    def _once_each(cls, predictions: tuple[str, ...]) -> tuple[str, ...]:
        duplicates = [name for name, count in Counter(predictions).items() if count > 1]
        if duplicates:
            raise ValueError(f"{duplicates[0]!r} is listed twice")
        for name in predictions:
            _parse(name)
        return predictions

    @model_validator(mode="after")
    def _thresholds_have_predictions(self) -> Self:
        for name in self.thresholds:
            if name not in self.predictions:
                raise ValueError(
                    f"there is a threshold for {name!r}, which is not among the predictions;"
                    f" {nearest(name, list(self.predictions))}"
                )
        return self

    @model_validator(mode="after")
    def _artifact_has_hash(self) -> Self:
        if (self.artifact is None) != (self.sha256 is None):
            raise ValueError("artifact and sha256 belong together: give both or neither")
        return self

    @property
    def id(self) -> str:
        """Name and version, as commands take it: ``hydra-1.0``."""
        return f"{self.name}-{self.version}"

    @property
    def network_sha256(self) -> str:
        """The network's identity: a hash of the manifest, which includes the weights' hash."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()

    def as_json(self) -> str:
        """The manifest in one line, keys sorted."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def lists(self, name: str) -> bool:
        """Whether the network gives this prediction."""
        return name in self.predictions

    def threshold(self, name: str) -> float:
        """Probability from which a prediction counts."""
        return self.thresholds.get(name, DEFAULT_THRESHOLD)


def rate_of(deployed: NetworkManifest, candidate: NetworkManifest) -> float:
    """Frames judged a second: both networks see the same ones, so the slower decides."""
    return min(deployed.rate_hz, candidate.rate_hz)


def _parse(name: str) -> None:
    try:
        parse_prediction(name)
    except RidealongError as error:
        raise ValueError(str(error)) from error  # pydantic collects nothing else


def _left_open(value: object, key: str) -> Iterator[str]:
    """The keys whose values are still `FILL_IN`."""
    if isinstance(value, str) and value == FILL_IN:
        yield key
    pairs: list[tuple[object, object]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list | tuple):
        pairs = list(enumerate(value))
    for name, inner in pairs:
        if name == FILL_IN:
            yield f"{key}.{name}" if key else str(name)
        yield from _left_open(inner, f"{key}.{name}" if key else str(name))
