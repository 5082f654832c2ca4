"""The manifest of a network that is an entry point of an installed package."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from metrics.tasks.registry import parse_prediction
from ridealong.perception.cameras import CameraName
from ridealong.specs import Spec, nearest
from shadow.networks.manifest import NetworkManifest

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
CODE = (".py", ".pyc", ".pyz", ".so", ".zip", ".whl", ".ipynb")


def is_code(name: str) -> bool:
    """Whether it looks like a file or a module, and not like the name of an entry point."""
    return not NAME.fullmatch(name) or name.lower().endswith(CODE)


def _no_code(name: str) -> str:
    if is_code(name):
        raise ValueError(
            f"{name!r} is not the name of an entry point;"
            " code is run from installed packages only, never from a file"
        )
    return name


EntryPointName = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_no_code)
]
PackageName = Annotated[
    str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
]


class PythonInputs(Spec):
    """What the network is given."""

    cameras: tuple[CameraName, ...] = Field(min_length=1, description="Cameras it uses.")
    rate_hz: float = Field(gt=0, le=100, description="Frames a second that it is made for.")


class PythonManifest(NetworkManifest):
    """One version of one network that is a user's own Python."""

    kind: Literal["python"] = Field(description="An entry point of an installed package.")
    entry_point: EntryPointName = Field(
        description="Its name in the package's group ridealong.python."
    )
    package: PackageName = Field(description="The installed package.")
    package_version: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="The version of the package; quote it. Another one is another network."
    )
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict, description="What the package reads from manifest.arguments."
    )
    inputs: PythonInputs = Field(description="What it is given.")
    by_frame: bool = Field(
        False, description="Whether the outputs at an instant depend on this instant alone."
    )

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras that it uses, by name."""
        return self.inputs.cameras

    @property
    def rate_hz(self) -> float:
        """Frames a second that it is made for."""
        return self.inputs.rate_hz

    @model_validator(mode="after")
    def _sees_what_it_lists(self) -> Self:
        for name in self.predictions:
            camera = parse_prediction(name).camera
            if camera is not None and camera not in self.cameras:
                hint = nearest(camera, list(self.cameras))
                raise ValueError(f"inputs.cameras lacks the camera of {name!r}; {hint}")
        return self
